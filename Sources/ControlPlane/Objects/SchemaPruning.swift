import PolicyModel

/// Takes members away that no schema names, and says which; and those that are null, which in Kubernetes is to be absent.
///
/// A member whose value has another shape than its schema stays as it is: that is for validation to refuse.
struct SchemaPruning {
    /// One for each member taken away, as Kubernetes words it.
    private(set) var unknown: [FieldError] = []

    /// A whole object of `kind`.
    mutating func prune(_ value: JSONValue, kind: ResourceKind) -> JSONValue {
        prune(value, schema: .object(kind.objectFields), path: "")
    }

    private mutating func prune(_ value: JSONValue, schema: Schema, path: String) -> JSONValue {
        switch (schema, value) {
        case (.object(let fields), .object(let members)):
            var kept: [String: JSONValue] = [:]
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                guard member != .null else { continue }
                let memberPath = path.isEmpty ? name : "\(path).\(name)"
                guard let field = fields.first(where: { $0.name == name }) else {
                    unknown.append(
                        FieldError(path: memberPath, message: "unknown field \"\(memberPath)\"", reason: .unknown))
                    continue
                }
                kept[name] = prune(member, schema: field.schema, path: memberPath)
            }
            return .object(kept)
        case (.map(let element), .object(let members)):
            var kept: [String: JSONValue] = [:]
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                kept[name] = prune(member, schema: element, path: "\(path)[\(name)]")
            }
            return .object(kept)
        case (.array(let element), .array(let elements)):
            var kept: [JSONValue] = []
            for (index, member) in elements.enumerated() {
                kept.append(prune(member, schema: element, path: "\(path)[\(index)]"))
            }
            return .array(kept)
        default:
            return value
        }
    }
}
