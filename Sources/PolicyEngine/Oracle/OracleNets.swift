import PolicyModel

/// Whether blocks hold addresses.
enum OracleNets {
    /// Compares bit by bit.
    static func block(_ block: AddressBlock, holds address: IPAddress) -> Bool {
        guard block.version == address.version else { return false }
        for position in 0..<block.prefixLength where bit(position, of: block.address) != bit(position, of: address) {
            return false
        }
        return true
    }

    /// Counted from the first on the wire.
    private static func bit(_ position: Int, of address: IPAddress) -> UInt64 {
        switch address.version {
        case .v4: address.low >> UInt64(31 - position) & 1
        case .v6: position < 64 ? address.high >> UInt64(63 - position) & 1 : address.low >> UInt64(127 - position) & 1
        }
    }
}
