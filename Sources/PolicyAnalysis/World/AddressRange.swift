import PolicyModel

/// Addresses from one to another, both included, of one version.
public struct AddressRange: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var first: IPAddress
    public var last: IPAddress

    public init(first: IPAddress, last: IPAddress) {
        self.first = first
        self.last = last
    }

    /// `a.b.c.d-e.f.g.h`.
    public var description: String { "\(first)-\(last)" }

    public static func < (left: Self, right: Self) -> Bool { (left.first, left.last) < (right.first, right.last) }

    /// All addresses of a version, cut wherever a block begins or ends: no block holds a part of a range. O(blocks log blocks).
    public static func cut(_ version: IPVersion, by blocks: some Sequence<AddressBlock>) -> [AddressRange] {
        let all = IPAddress.all(version)
        var starts: Set<IPAddress> = [all.first]
        for block in blocks where block.version == version {
            starts.insert(block.address)
            if let next = block.lastAddress.successor { starts.insert(next) }
        }
        let sorted = starts.sorted()
        return sorted.indices.map { index in
            let last = index + 1 < sorted.count ? sorted[index + 1].predecessor ?? all.first : all.last
            return AddressRange(first: sorted[index], last: last)
        }
    }
}

extension IPAddress {
    static func all(_ version: IPVersion) -> AddressRange {
        version == .v4
            ? AddressRange(first: IPAddress(v4: 0), last: IPAddress(v4: .max))
            : AddressRange(first: IPAddress(v6High: 0, low: 0), last: IPAddress(v6High: .max, low: .max))
    }

    /// nil for the last address of the version.
    var successor: IPAddress? {
        guard self != Self.all(version).last else { return nil }
        if version == .v4 { return IPAddress(v4: UInt32(truncatingIfNeeded: low) &+ 1) }
        return IPAddress(v6High: low == .max ? high + 1 : high, low: low &+ 1)
    }

    /// nil for the first address of the version.
    var predecessor: IPAddress? {
        guard self != Self.all(version).first else { return nil }
        if version == .v4 { return IPAddress(v4: UInt32(truncatingIfNeeded: low) &- 1) }
        return IPAddress(v6High: low == 0 ? high - 1 : high, low: low &- 1)
    }
}

extension AddressBlock {
    var lastAddress: IPAddress {
        switch version {
        case .v4:
            let host: UInt32 = prefixLength == 32 ? 0 : .max >> UInt32(prefixLength)
            return IPAddress(v4: UInt32(truncatingIfNeeded: address.low) | host)
        case .v6:
            let highHost: UInt64 = prefixLength >= 64 ? 0 : .max >> UInt64(prefixLength)
            let lowHost: UInt64 = prefixLength >= 128 ? 0 : prefixLength <= 64 ? .max : .max >> UInt64(prefixLength - 64)
            return IPAddress(v6High: address.high | highHost, low: address.low | lowHost)
        }
    }
}
