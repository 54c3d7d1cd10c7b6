import Foundation
import PolicyModel

/// `application/vnd.kubernetes.protobuf`: four magic bytes, then a `runtime.Unknown` message that says which kind
/// follows (kubernetes.io/docs/reference/using-api/api-concepts, "Kubernetes Protobuf encoding").
enum ProtobufDecoding {
    static let contentType = "application/vnd.kubernetes.protobuf"
    private static let magic: [UInt8] = [0x6b, 0x38, 0x73, 0x00]

    /// The object with its apiVersion and kind.
    static func decode(_ body: [UInt8]) throws(APIFailure) -> JSONValue {
        guard body.starts(with: magic) else {
            throw .badRequest("the body is not Kubernetes protobuf: it does not start with the bytes 6b 38 73 00")
        }
        do {
            return try decodeUnknown(body.dropFirst(magic.count))
        } catch let failure as ProtobufReader.Failure {
            throw .badRequest("the body is not valid Kubernetes protobuf: \(failure.description)")
        } catch let failure as APIFailure {
            throw failure
        } catch {
            throw .badRequest("the body is not valid Kubernetes protobuf: \(error)")
        }
    }

    private static func decodeUnknown(_ bytes: ArraySlice<UInt8>) throws -> JSONValue {
        var apiVersion = ""
        var kind = ""
        var raw: ArraySlice<UInt8> = []
        var encoding = ""
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            guard case .bytes(let content) = field.value else { continue }
            switch field.number {
            case 1:
                var typeReader = ProtobufReader(content)
                while let member = try typeReader.next() {
                    guard case .bytes(let text) = member.value else { continue }
                    if member.number == 1 { apiVersion = try string(text) }
                    if member.number == 2 { kind = try string(text) }
                }
            case 2: raw = content
            case 3: encoding = try string(content)
            default: break
            }
        }
        guard encoding.isEmpty else {
            throw APIFailure.unsupportedMediaType("the content encoding \"\(encoding)\" is not supported; send it plain")
        }
        guard let message = ProtobufMessage.message(apiVersion: apiVersion, kind: kind) else {
            throw APIFailure.unsupportedMediaType(
                "protobuf is not understood for kind \"\(kind)\"; send application/json or application/yaml")
        }
        guard case .object(var members) = try decode(raw, as: message) else { return .null }
        members["apiVersion"] = .string(apiVersion)
        members["kind"] = .string(kind)
        return .object(members)
    }

    private static func decode(_ bytes: ArraySlice<UInt8>, as message: ProtobufMessage) throws -> JSONValue {
        var members: [String: JSONValue] = [:]
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            // As everywhere in protobuf, numbers that the table does not have are from a newer client.
            guard let member = message.members[field.number] else { continue }
            let value = try decode(field.value, kind: member.kind, name: member.name)
            if member.kind.isMap, case .object(let entry) = value {
                members[member.name] = .object(
                    (members[member.name]?.objectValue ?? [:]).merging(entry) { _, last in last })
            } else if member.repeated {
                members[member.name] = .array((members[member.name]?.arrayValue ?? []) + [value])
            } else if value != .null, value != .string("") {
                // proto2 messages of Kubernetes always carry empty texts; JSON leaves them out.
                members[member.name] = value
            }
        }
        return .object(members)
    }

    private static func decode(_ value: ProtobufReader.Value, kind: ProtobufMessage.Kind, name: String) throws -> JSONValue {
        switch (kind, value) {
        case (.string, .bytes(let bytes)): return .string(try string(bytes))
        case (.bool, .varint(let number)): return .bool(number != 0)
        case (.integer, .varint(let number)): return .integer(Int64(bitPattern: number))
        case (.time, .bytes(let bytes)): return try time(bytes)
        case (.rawJSON, .bytes(let bytes)): return try rawJSON(bytes)
        case (.message(let message), .bytes(let bytes)): return try decode(bytes, as: message)
        case (.map, .bytes(let bytes)): return try mapEntry(bytes, encoded: false)
        case (.bytesMap, .bytes(let bytes)): return try mapEntry(bytes, encoded: true)
        case (.integerOrString, .bytes(let bytes)): return try integerOrString(bytes)
        default: throw ProtobufReader.Failure(description: "\(name) has another wire type than its schema")
        }
    }

    private static func integerOrString(_ bytes: ArraySlice<UInt8>) throws -> JSONValue {
        var isText = false
        var number: Int64 = 0
        var text = ""
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .varint(let type)): isText = type == 1
            case (2, .varint(let value)): number = Int64(bitPattern: value)
            case (3, .bytes(let content)): text = try string(content)
            default: break
            }
        }
        return isText ? .string(text) : .integer(number)
    }

    private static func mapEntry(_ bytes: ArraySlice<UInt8>, encoded: Bool) throws -> JSONValue {
        var key = ""
        var text = ""
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            guard case .bytes(let content) = field.value else { continue }
            if field.number == 1 { key = try string(content) }
            if field.number == 2 { text = encoded ? Data(content).base64EncodedString() : try string(content) }
        }
        return .object([key: .string(text)])
    }

    /// Null for the empty time that Kubernetes writes where there is none.
    private static func time(_ bytes: ArraySlice<UInt8>) throws -> JSONValue {
        var seconds: Int64?
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            if field.number == 1, case .varint(let number) = field.value { seconds = Int64(bitPattern: number) }
        }
        // From the year 1 to the year 9999, as RFC 3339 can write it.
        guard let seconds, seconds != 0, (-62_135_596_800...253_402_300_799).contains(seconds) else { return .null }
        return .string(Timestamps.seconds(seconds))
    }

    private static func rawJSON(_ bytes: ArraySlice<UInt8>) throws -> JSONValue {
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            if field.number == 1, case .bytes(let text) = field.value { return try JSONValue(parsing: text) }
        }
        return .null
    }

    private static func string(_ bytes: ArraySlice<UInt8>) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ProtobufReader.Failure(description: "a text is not valid UTF-8")
        }
        return text
    }
}
