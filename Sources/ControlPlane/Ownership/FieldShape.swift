import PolicyModel

/// What a value is for ownership: its schema says where fields begin and end.
struct FieldShape: Sendable {
    enum Form {
        /// Members of an object; those that are declared are no fields of their own, what is below them is.
        case object
        case set
        case list(keys: [ListKey])
        /// One field as a whole.
        case leaf
    }

    /// nil below a value that the schema leaves open.
    var schema: Schema?
    var listType = ListType.atomic

    init(schema: Schema?, listType: ListType = .atomic) {
        self.schema = schema
        self.listType = listType
    }

    init(kind: ResourceKind) { self.init(schema: .object(kind.objectFields)) }

    func form(of value: JSONValue) -> Form {
        switch (schema, value) {
        case (.object?, .object), (.map?, .object), (.any?, .object), (nil, .object): .object
        case (.array?, .array):
            switch listType {
            case .atomic: .leaf
            case .set: .set
            // An element without its keys cannot be told from others: validation will refuse it.
            case .map(let keys): .list(keys: keys)
            }
        default: .leaf
        }
    }

    func member(_ name: String) -> FieldShape {
        switch schema {
        case .object(let fields)?:
            guard let field = fields.first(where: { $0.name == name }) else { return FieldShape(schema: nil) }
            return FieldShape(schema: field.schema, listType: field.listType)
        case .map(let element)?: return FieldShape(schema: element)
        default: return FieldShape(schema: nil)
        }
    }

    func declares(_ name: String) -> Bool {
        guard case .object(let fields)? = schema else { return false }
        return fields.contains { $0.name == name }
    }

    /// Of an array: what each element is.
    var element: FieldShape {
        guard case .array(let element)? = schema else { return FieldShape(schema: nil) }
        return FieldShape(schema: element)
    }

    static func key(of element: JSONValue, _ keys: [ListKey]) -> PathElement {
        var values: [String: JSONValue] = [:]
        for key in keys { values[key.name] = element[key.name] ?? key.assumed.map { .string($0) } }
        return .key(values)
    }
}
