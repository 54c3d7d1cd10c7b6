extension IPAddress: CustomStringConvertible {
    /// Dotted decimal for IPv4, any form of RFC 4291 section 2.2 for IPv6; nil for anything else.
    ///
    /// Strict where tolerance has led programs to read one text as two addresses: no leading zeros in IPv4 octets, no
    /// missing octets, no zone identifiers, no blanks.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        if let value = AddressText.parseIPv4(bytes[...]) {
            self.init(v4: value)
        } else if let value = AddressText.parseIPv6(bytes[...]) {
            self.init(v6High: value.high, low: value.low)
        } else {
            return nil
        }
    }

    /// Dotted decimal for IPv4; RFC 5952 for IPv6, with IPv4-mapped addresses in mixed notation.
    public var description: String {
        switch version {
        case .v4: AddressText.dotted(UInt32(truncatingIfNeeded: low))
        case .v6: AddressText.colons(high: high, low: low)
        }
    }
}

extension AddressBlock: CustomStringConvertible {
    /// `ADDRESS/LENGTH`, or a bare address, which is the block that holds it alone. Bits beyond the prefix are
    /// accepted and cleared. nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard let slash = text.firstIndex(of: "/") else {
            guard let address = IPAddress(text) else { return nil }
            self.init(address)
            return
        }
        guard let address = IPAddress(text[..<slash]),
            let length = AddressText.decimal(Array(text[text.index(after: slash)...].utf8)[...], maximum: 128)
        else { return nil }
        self.init(address: address, prefixLength: length)
    }

    /// `ADDRESS/LENGTH`, also for a single address.
    public var description: String { "\(address)/\(prefixLength)" }
}

/// The text forms of addresses (RFC 4291, RFC 5952).
enum AddressText {
    /// Digits alone, no leading zero, at most `maximum`.
    static func decimal(_ bytes: ArraySlice<UInt8>, maximum: Int) -> Int? {
        guard let first = bytes.first, bytes.count <= 9 else { return nil }
        if first == UInt8(ascii: "0"), bytes.count > 1 { return nil }
        var value = 0
        for byte in bytes {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value <= maximum ? value : nil
    }

    static func parseIPv4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let octets = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard octets.count == 4 else { return nil }
        var value: UInt32 = 0
        for octet in octets {
            guard let number = decimal(octet, maximum: 255) else { return nil }
            value = value << 8 | UInt32(number)
        }
        return value
    }

    static func parseIPv6(_ bytes: ArraySlice<UInt8>) -> (high: UInt64, low: UInt64)? {
        // The longest text is eight groups of four digits, or six and a dotted quad.
        guard bytes.count >= 2, bytes.count <= 45 else { return nil }
        let colon = UInt8(ascii: ":")
        var groups: [UInt16] = []
        var gap: Int?
        var index = bytes.startIndex
        if bytes.starts(with: [colon, colon]) {
            gap = 0
            index += 2
        }
        while index < bytes.endIndex {
            let end = bytes[index...].firstIndex(of: colon) ?? bytes.endIndex
            if end == bytes.endIndex, let quad = parseIPv4(bytes[index...]) {
                groups += [UInt16(truncatingIfNeeded: quad >> 16), UInt16(truncatingIfNeeded: quad)]
                break
            }
            guard let group = hexadecimalGroup(bytes[index..<end]) else { return nil }
            groups.append(group)
            index = end
            guard index < bytes.endIndex else { break }
            index += 1
            // A single colon must be followed by a group.
            guard index < bytes.endIndex else { return nil }
            if bytes[index] == colon {
                guard gap == nil else { return nil }
                gap = groups.count
                index += 1
            }
        }
        if let gap {
            // "::" stands for at least one group.
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: Array(repeating: 0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        let high = groups[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        let low = groups[4...].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        return (high, low)
    }

    private static func hexadecimalGroup(_ bytes: ArraySlice<UInt8>) -> UInt16? {
        guard (1...4).contains(bytes.count) else { return nil }
        var value: UInt16 = 0
        for byte in bytes {
            guard let digit = hexadecimalDigit(byte) else { return nil }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    static func dotted(_ value: UInt32) -> String {
        "\(value >> 24).\(value >> 16 & 0xff).\(value >> 8 & 0xff).\(value & 0xff)"
    }

    static func colons(high: UInt64, low: UInt64) -> String {
        if high == 0, low >> 32 == 0xffff { return "::ffff:" + dotted(UInt32(truncatingIfNeeded: low)) }
        let groups = (0..<8).map { index in
            UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - 16 * (index % 4)))
        }
        // RFC 5952 section 4.2: the first of the longest runs of zeros, and only if it is longer than one group.
        var longest = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > longest.count { longest = start..<end }
            start = end + 1
        }
        let text = { (slice: ArraySlice<UInt16>) in slice.map { String($0, radix: 16) }.joined(separator: ":") }
        guard longest.count > 1 else { return text(groups[...]) }
        return text(groups[..<longest.lowerBound]) + "::" + text(groups[longest.upperBound...])
    }
}
