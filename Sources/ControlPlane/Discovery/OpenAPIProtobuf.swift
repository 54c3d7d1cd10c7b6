import PolicyModel

/// An OpenAPI 2 document as gnostic's `openapi.v2.Document` message: kubectl reads version 2 in no other form.
enum OpenAPIProtobuf {
    static let contentType = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    /// The same under the name that newer servers give it.
    static let newContentType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

    /// A member for which the message has no field.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func encode(_ document: JSONValue) throws(Failure) -> [UInt8] {
        try encode(document, as: .document, path: "")
    }

    private static func encode(_ value: JSONValue, as message: OpenAPIMessage, path: String) throws(Failure) -> [UInt8] {
        guard let members = value.objectValue else { throw Failure(description: "\(path): an object belongs here") }
        if case .parameter = message { return try parameter(value, path: path) }
        let known = message.members
        var writer = ProtobufWriter()
        // Sorted, so that the same document has the same bytes.
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            let path = path.isEmpty ? name : "\(path).\(name)"
            if let field = known[name] {
                try write(member, field.kind, number: field.number, to: &writer, path: path)
            } else if name.hasPrefix("x-"), let number = message.extensionNumber {
                writer.bytes(number, pair(name, any(member)))
            } else if let pairs = message.pairs {
                let content = try encode(member, as: pairs.value, path: path)
                writer.bytes(pairs.number, pair(name, wrapped(content, in: pairs.wrappers)))
            } else {
                throw Failure(description: "\(path): the protobuf form has no such member")
            }
        }
        return writer.bytes
    }

    private static func write(
        _ value: JSONValue, _ kind: OpenAPIMessage.Kind, number: Int, to writer: inout ProtobufWriter, path: String
    ) throws(Failure) {
        switch (kind, value) {
        case (.text, .string(let text)): writer.text(number, text)
        case (.flag, .bool(let flag)): writer.varint(number, flag ? 1 : 0)
        case (.number, .integer(let integer)): writer.double(number, Double(integer))
        case (.number, .number(let double)): writer.double(number, double)
        case (.any, _): writer.bytes(number, any(value))
        case (.message(let message), _): writer.bytes(number, try encode(value, as: message, path: path))
        case (.nested(let wrappers, let message), _):
            writer.bytes(number, wrapped(try encode(value, as: message, path: path), in: wrappers))
        case (.wrappedText, .string(let text)):
            var inner = ProtobufWriter()
            inner.text(1, text)
            writer.bytes(number, inner.bytes)
        case (.properties(let message), .object(let members)):
            var inner = ProtobufWriter()
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                inner.bytes(1, pair(name, try encode(member, as: message, path: "\(path).\(name)")))
            }
            writer.bytes(number, inner.bytes)
        case (.list(let element), .array(let elements)):
            for (index, member) in elements.enumerated() {
                try write(member, element, number: number, to: &writer, path: "\(path)[\(index)]")
            }
        default: throw Failure(description: "\(path): the protobuf form has another type here")
        }
    }

    /// Which message a parameter is depends on where it stands in a request.
    private static func parameter(_ value: JSONValue, path: String) throws(Failure) -> [UInt8] {
        switch value["in"]?.stringValue {
        case "body": return wrapped(try encode(value, as: .bodyParameter, path: path), in: [1, 1])
        case "query": return wrapped(try encode(value, as: .queryParameter, path: path), in: [1, 2, 3])
        case "path": return wrapped(try encode(value, as: .pathParameter, path: path), in: [1, 2, 4])
        default: throw Failure(description: "\(path).in: body, query or path")
        }
    }

    /// A message whose fields `numbers`, from the outermost, lead to `content`.
    private static func wrapped(_ content: [UInt8], in numbers: [Int]) -> [UInt8] {
        numbers.reversed().reduce(content) { content, number in
            var writer = ProtobufWriter()
            writer.bytes(number, content)
            return writer.bytes
        }
    }

    /// `Any`: JSON is YAML.
    private static func any(_ value: JSONValue) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.bytes(2, value.serialized() + [UInt8(ascii: "\n")])
        return writer.bytes
    }

    private static func pair(_ name: String, _ value: [UInt8]) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.text(1, name)
        writer.bytes(2, value)
        return writer.bytes
    }
}
