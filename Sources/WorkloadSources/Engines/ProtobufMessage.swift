/// A message of protocol buffers as its fields, for the few that containerd's API needs (encoding: protobuf.dev).
struct ProtobufMessage: Sendable {
    private(set) var numbers: [Int: UInt64] = [:]
    /// Strings, bytes and messages within, in their order.
    private(set) var texts: [Int: [[UInt8]]] = [:]

    /// - Throws: where the bytes are no message.
    init(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let tag = try Self.variable(&rest)
            guard let field = Int(exactly: tag >> 3), field > 0 else { throw Self.damaged }
            switch tag & 7 {
            case 0: numbers[field] = try Self.variable(&rest)
            case 1: try Self.skip(8, &rest)
            case 2:
                guard let length = Int(exactly: try Self.variable(&rest)), length <= rest.count else { throw Self.damaged }
                texts[field, default: []].append(Array(rest.prefix(length)))
                rest = rest.dropFirst(length)
            case 5: try Self.skip(4, &rest)
            default: throw Self.damaged
            }
        }
    }

    /// Empty when it is left out.
    func text(_ field: Int) -> String { String(decoding: texts[field]?.last ?? [], as: UTF8.self) }

    /// Empty when it is left out.
    func message(_ field: Int) throws -> ProtobufMessage { try ProtobufMessage(texts[field]?.last ?? []) }

    func messages(_ field: Int) throws -> [ProtobufMessage] { try (texts[field] ?? []).map(ProtobufMessage.init) }

    /// `map<string, string>`
    func table(_ field: Int) throws -> [String: String] {
        Dictionary(try messages(field).map { ($0.text(1), $0.text(2)) }) { $1 }
    }

    /// A message that has one text.
    static func encode(_ text: String, field: Int) -> [UInt8] {
        text.isEmpty ? [] : [UInt8(field << 3 | 2)] + variable(UInt64(text.utf8.count)) + Array(text.utf8)
    }

    // MARK: Parts

    private static let damaged = WorkloadSourceError("The engine sent what is no message of its protocol.")

    private static func variable(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { throw damaged }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw damaged
    }

    private static func variable(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private static func skip(_ count: Int, _ rest: inout ArraySlice<UInt8>) throws {
        guard rest.count >= count else { throw damaged }
        rest = rest.dropFirst(count)
    }
}
