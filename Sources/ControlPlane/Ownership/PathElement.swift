import PolicyModel

/// One step of the way to a field, as `fieldsV1` writes it (kubernetes.io/docs/reference/using-api/server-side-apply,
/// "Field management").
enum PathElement: Sendable, Hashable {
    /// `f:NAME`: a member.
    case field(String)
    /// `k:{...}`: the element of a list with these keys.
    case key([String: JSONValue])
    /// `v:VALUE`: this element of a set.
    case value(JSONValue)
    /// `i:NUMBER`: a place in a list.
    case index(Int)

    init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let rest = String(text[text.index(after: colon)...])
        switch text[..<colon] {
        case "f": self = .field(rest)
        case "k":
            guard let keys = (try? JSONValue(parsing: rest))?.objectValue else { return nil }
            self = .key(keys)
        case "v":
            guard let value = try? JSONValue(parsing: rest) else { return nil }
            self = .value(value)
        case "i":
            guard let number = Int(rest) else { return nil }
            self = .index(number)
        default: return nil
        }
    }

    var text: String {
        switch self {
        case .field(let name): "f:\(name)"
        case .key(let keys): "k:\(JSONValue.object(keys).text())"
        case .value(let value): "v:\(value.text())"
        case .index(let number): "i:\(number)"
        }
    }

    /// As people read it: `.spec`, `[name="a"]`.
    var readable: String {
        switch self {
        case .field(let name): ".\(name)"
        case .key(let keys):
            "[" + keys.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.text())" }.joined(separator: ",") + "]"
        case .value(let value): "[=\(value.text())]"
        case .index(let number): "[\(number)]"
        }
    }
}
