import Foundation
import PolicyModel

/// The text of objects in the database.
enum StoredText {
    static func encode(_ value: JSONValue) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return String(decoding: try encoder.encode(Bridge(value: value)), as: UTF8.self)
    }

    static func decode(_ text: String, of key: StoreKey) throws -> JSONValue {
        do {
            return try JSONDecoder().decode(Bridge.self, from: Data(text.utf8)).value
        } catch {
            throw StoreError.failed("The stored value of \(key.resource) \(key.namespace)/\(key.name) is not JSON: \(error).")
        }
    }
}

private struct Bridge: Codable {
    var value: JSONValue

    init(value: JSONValue) { self.value = value }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            value = .null
        } else if let bool = try? container.decode(Bool.self) {
            value = .bool(bool)
        } else if let integer = try? container.decode(Int64.self) {
            value = .integer(integer)
        } else if let number = try? container.decode(Double.self) {
            value = .number(number)
        } else if let string = try? container.decode(String.self) {
            value = .string(string)
        } else if let array = try? container.decode([Bridge].self) {
            value = .array(array.map(\.value))
        } else {
            value = .object(try container.decode([String: Bridge].self).mapValues(\.value))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch value {
        case .null: try container.encodeNil()
        case .bool(let bool): try container.encode(bool)
        case .integer(let integer): try container.encode(integer)
        case .number(let number): try container.encode(number)
        case .string(let string): try container.encode(string)
        case .array(let array): try container.encode(array.map(Bridge.init))
        case .object(let members): try container.encode(members.mapValues(Bridge.init))
        }
    }
}
