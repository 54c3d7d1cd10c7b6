/// Reads the fields of one message in the protobuf wire format
/// (protobuf.dev/programming-guides/encoding).
struct ProtobufReader {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case bytes(ArraySlice<UInt8>)
        case fixed32(UInt32)
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The next field, or nil at the end of the message.
    mutating func next() throws(Failure) -> (number: Int, value: Value)? {
        guard !rest.isEmpty else { return nil }
        let key = try varint()
        let number = key >> 3
        guard (1...536_870_911).contains(number) else { throw Failure(description: "field number \(number) is out of range") }
        switch key & 7 {
        case 0: return (Int(number), .varint(try varint()))
        case 1: return (Int(number), .fixed64(littleEndian(try take(8))))
        case 2:
            let length = try varint()
            guard length <= UInt64(rest.count) else {
                throw Failure(description: "a field of \(length) bytes does not fit into the \(rest.count) that are left")
            }
            return (Int(number), .bytes(try take(Int(length))))
        case 5: return (Int(number), .fixed32(UInt32(truncatingIfNeeded: littleEndian(try take(4)))))
        default: throw Failure(description: "wire type \(key & 7) is not in use")
        }
    }

    private mutating func varint() throws(Failure) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { throw Failure(description: "the message ends within a number") }
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw Failure(description: "a number has more than 64 bits")
    }

    private mutating func take(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
        guard rest.count >= count else { throw Failure(description: "the message ends within a field") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
