/// Base64 of RFC 4648 section 4, with padding.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var rest = bytes[...]
        while !rest.isEmpty {
            let group = Array(rest.prefix(3))
            rest = rest.dropFirst(3)
            let octet = { (place: Int) in place < group.count ? UInt32(group[place]) : 0 }
            let bits = octet(0) << 16 | octet(1) << 8 | octet(2)
            for place in 0..<4 {
                text.append(
                    place > group.count ? UInt8(ascii: "=") : alphabet[Int(bits >> UInt32(18 - 6 * place)) & 63])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// How many bytes a text stands for; nil when it is no base64. Line breaks are passed over, as Go's decoder does.
    static func decodedCount(_ text: String) -> Int? {
        var digits = 0
        var padding = 0
        for byte in text.utf8 {
            switch byte {
            case 0x0a, 0x0d: continue
            case UInt8(ascii: "="): padding += 1
            case UInt8(ascii: "+"), UInt8(ascii: "/"):
                guard padding == 0 else { return nil }
                digits += 1
            default:
                guard padding == 0, NameRules.isAlphanumeric(byte) else { return nil }
                digits += 1
            }
        }
        guard padding <= 2, (digits + padding).isMultiple(of: 4), digits % 4 != 1 else { return nil }
        return digits * 3 / 4
    }
}
