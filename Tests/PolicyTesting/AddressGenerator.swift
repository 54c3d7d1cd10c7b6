import PolicyModel

/// Addresses and nets from a small plan, so that nets nest and addresses fall on their edges.
enum AddressGenerator {
    static func address(_ version: IPVersion, using random: inout SplitMix64) -> IPAddress {
        let host = random.pick([0, 1, 2, 3, 4, 127, 128, 129, 254, 255, random.number(0...255)])
        switch version {
        case .v4:
            let second = random.pick([0, 0, 1, 128])
            let third = random.pick([0, 0, 1, 255])
            return IPAddress(v4: UInt32(10 << 24 | second << 16 | third << 8 | host))
        case .v6:
            let subnet = UInt64(random.pick([0, 0, 1, 0x8000]))
            let upper = UInt64(random.pick([0, 0, 1, 0x8000_0000]))
            let lower = UInt64(random.pick([0, 0, 1, 0x8000]))
            return IPAddress(v6High: 0x2001_0db8_0000_0000 | subnet, low: upper << 32 | lower << 16 | UInt64(host))
        }
    }

    /// Mostly around an address that somebody has.
    static func block(
        around known: [IPAddress], _ version: IPVersion, using random: inout SplitMix64
    ) -> AddressBlock {
        let candidates = known.filter { $0.version == version }
        let address =
            candidates.isEmpty || random.chance(25)
            ? self.address(version, using: &random) : random.pick(candidates)
        let lengths =
            version == .v4
            ? [0, 1, 8, 9, 16, 17, 23, 24, 24, 25, 30, 31, 32, 32]
            : [0, 1, 32, 48, 63, 64, 64, 65, 80, 96, 97, 112, 113, 120, 126, 127, 128, 128]
        return AddressBlock(address: address, prefixLength: random.pick(lengths)) ?? AddressBlock(address)
    }

    /// Any but multicast, loopback and the like.
    static func stranger(_ version: IPVersion, using random: inout SplitMix64) -> IPAddress {
        switch version {
        case .v4: IPAddress(v4: UInt32(random.pick([8, 11, 172, 198])) << 24 | UInt32(random.number(1...0xff_fffe)))
        case .v6: IPAddress(v6High: 0x2600_0000_0000_0000 | random.next() >> 16, low: random.next())
        }
    }
}

extension AddressBlock {
    var first: IPAddress { address }

    var last: IPAddress {
        let bytes = address.bytes.enumerated().map { index, byte in
            let networkBits = min(8, max(0, prefixLength - 8 * index))
            return byte | UInt8(truncatingIfNeeded: 0xff >> networkBits)
        }
        return IPAddress(bytes: bytes) ?? address
    }
}

extension IPAddress {
    /// The neighbour above; the lowest after the highest.
    var next: IPAddress {
        switch version {
        case .v4: IPAddress(v4: UInt32(truncatingIfNeeded: low) &+ 1)
        case .v6: IPAddress(v6High: low == .max ? high &+ 1 : high, low: low &+ 1)
        }
    }

    /// The neighbour below; the highest before the lowest.
    var previous: IPAddress {
        switch version {
        case .v4: IPAddress(v4: UInt32(truncatingIfNeeded: low) &- 1)
        case .v6: IPAddress(v6High: low == 0 ? high &- 1 : high, low: low &- 1)
        }
    }
}
