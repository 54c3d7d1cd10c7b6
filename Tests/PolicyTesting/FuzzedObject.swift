import PolicyModel

/// What must hold of any bytes taken for an object.
public enum FuzzedObject {
    /// A sentence when something does not hold.
    public static func finding(_ bytes: [UInt8]) -> String? {
        guard let value = try? JSONValue(parsing: bytes) else { return nil }
        for pretty in [false, true] where (try? JSONValue(parsing: value.serialized(pretty: pretty))) != value {
            return "what is written of the value reads otherwise: \(value.text())"
        }
        guard let kind = Kinds.find(value) else { return nil }
        var object = value
        Defaulting.apply(to: &object, kind: kind)
        var again = object
        Defaulting.apply(to: &again, kind: kind)
        guard again == object else { return "defaults change when they are applied again: \(object.text())" }
        let errors = Validator.validate(object, kind: kind)
        for error in errors where error.path.isEmpty || error.message.isEmpty {
            return "a refusal without its path or its reason: \(error) of \(object.text())"
        }
        guard errors.allSatisfy({ $0.reason == .unknown }) else { return nil }
        Validator.prune(&object, kind: kind)
        let left = Validator.validate(object, kind: kind)
        guard left.isEmpty else { return "what is left of unknown members is refused: \(left): \(object.text())" }
        var world = PolicyWorld.builtIn
        do { _ = try world.set(object) } catch { return "what was valid cannot be read: \(error): \(object.text())" }
        return nil
    }
}
