/// A range of addresses that share a prefix (CIDR). Bits beyond the prefix are zero.
public struct AddressBlock: Sendable, Hashable {
    public let address: IPAddress
    /// 0...32 for IPv4, 0...128 for IPv6.
    public let prefixLength: Int

    /// Clears the bits of `address` beyond `prefixLength`; nil when the length does not fit the version.
    public init?(address: IPAddress, prefixLength: Int) {
        guard (0...address.version.width).contains(prefixLength) else { return nil }
        self.address = address.masked(toPrefixLength: prefixLength)
        self.prefixLength = prefixLength
    }

    /// The block that holds `address` alone.
    public init(_ address: IPAddress) {
        self.address = address
        prefixLength = address.version.width
    }

    public var version: IPVersion { address.version }

    public func contains(_ other: IPAddress) -> Bool {
        other.version == version && other.masked(toPrefixLength: prefixLength) == address
    }

    /// Whether every address of `other` is in this block.
    public func contains(_ other: AddressBlock) -> Bool {
        other.prefixLength >= prefixLength && contains(other.address)
    }
}

extension IPAddress {
    /// The address with every bit beyond the first `prefixLength` cleared.
    func masked(toPrefixLength prefixLength: Int) -> IPAddress {
        switch version {
        case .v4:
            let mask: UInt32 = prefixLength == 0 ? 0 : ~0 << UInt32(32 - prefixLength)
            return IPAddress(v4: UInt32(truncatingIfNeeded: low) & mask)
        case .v6:
            let highMask: UInt64 = prefixLength == 0 ? 0 : ~0 << UInt64(max(0, 64 - prefixLength))
            let lowMask: UInt64 = prefixLength <= 64 ? 0 : ~0 << UInt64(128 - prefixLength)
            return IPAddress(v6High: high & highMask, low: low & lowMask)
        }
    }
}

extension AddressBlock: Comparable {
    /// By address, a covering block before the blocks inside it.
    public static func < (left: Self, right: Self) -> Bool {
        left.address == right.address
            ? left.prefixLength < right.prefixLength : left.address < right.address
    }
}
