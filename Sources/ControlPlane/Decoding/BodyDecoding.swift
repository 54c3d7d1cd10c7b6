import PolicyModel
import Yams

/// Turns a request body into a value, by its content type.
enum BodyDecoding {
    static let jsonTypes: Set<String> = ["", "application/json", "text/json"]
    static let yamlTypes: Set<String> = ["application/yaml", "application/x-yaml", "text/yaml"]

    /// The one object of a body.
    static func decode(_ body: [UInt8], contentType: String) throws(APIFailure) -> JSONValue {
        if jsonTypes.contains(contentType) { return try json(body) }
        if yamlTypes.contains(contentType) { return try yaml(body) }
        if contentType == ProtobufDecoding.contentType { return try ProtobufDecoding.decode(body) }
        throw .unsupportedMediaType(
            "the body of the request was in an unknown format (\(contentType)); accepted are application/json, application/yaml and, for built-in kinds, \(ProtobufDecoding.contentType)"
        )
    }

    static func json(_ body: [UInt8]) throws(APIFailure) -> JSONValue {
        do {
            return try JSONValue(parsing: body)
        } catch {
            throw .badRequest("the body is not valid JSON: \(error)")
        }
    }

    static func yaml(_ body: [UInt8]) throws(APIFailure) -> JSONValue {
        guard let text = String(validating: body, as: UTF8.self) else { throw .badRequest("the body is not valid UTF-8") }
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw .badRequest("the body is not valid YAML: \(error)")
        }
        guard let node else { throw .badRequest("the body is empty") }
        var budget = yamlNodeBudget
        return try value(node, depth: 0, budget: &budget)
    }

    /// Aliases can make a small text stand for a huge document ("billion laughs"); no real object comes near this.
    private static let yamlNodeBudget = 500_000
    private static let yamlDepth = 64

    private static func value(_ node: Node, depth: Int, budget: inout Int) throws(APIFailure) -> JSONValue {
        budget -= 1
        guard budget > 0 else { throw .badRequest("the YAML document has more than \(yamlNodeBudget) values") }
        guard depth < yamlDepth else { throw .badRequest("the YAML document nests deeper than \(yamlDepth) levels") }
        switch node {
        case .scalar(let scalar): return self.scalar(scalar, node)
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence { elements.append(try value(element, depth: depth + 1, budget: &budget)) }
            return .array(elements)
        case .mapping(let mapping):
            var members: [String: JSONValue] = [:]
            for (key, member) in mapping {
                guard case .scalar(let name) = key else { throw .badRequest("a key in the YAML document is not a text") }
                guard members[name.string] == nil else {
                    throw .badRequest("the key \"\(name.string)\" stands twice in one object of the YAML document")
                }
                members[name.string] = try value(member, depth: depth + 1, budget: &budget)
            }
            return .object(members)
        case .alias:
            throw .badRequest("the YAML document refers to an anchor that it does not define")
        }
    }

    private static func scalar(_ scalar: Node.Scalar, _ node: Node) -> JSONValue {
        guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
        switch node.tag.description {
        case "tag:yaml.org,2002:null": return .null
        case "tag:yaml.org,2002:bool": return node.bool.map { .bool($0) } ?? .string(scalar.string)
        case "tag:yaml.org,2002:int":
            if let value = Int64(scalar.string) ?? node.int.map({ Int64($0) }) { return .integer(value) }
            return node.float.map { .number($0) } ?? .string(scalar.string)
        case "tag:yaml.org,2002:float":
            guard let value = node.float, value.isFinite else { return .string(scalar.string) }
            return .number(value)
        default: return .string(scalar.string)
        }
    }
}
