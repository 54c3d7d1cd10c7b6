/// The version of the Internet Protocol; the raw value is the number in the packet's first nibble.
public enum IPVersion: UInt8, Sendable, Hashable, CaseIterable, Codable {
    case v4 = 4
    case v6 = 6

    /// The number of bits of an address.
    public var width: Int { self == .v4 ? 32 : 128 }
}

/// An IPv4 or IPv6 address as a number.
///
/// An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`) stays an IPv6 address: on the wire it is one.
public struct IPAddress: Sendable, Hashable {
    public let version: IPVersion
    /// The upper 64 bits of an IPv6 address; 0 for IPv4.
    public let high: UInt64
    /// The lower 64 bits of an IPv6 address; the address itself for IPv4.
    public let low: UInt64

    public init(v4: UInt32) {
        version = .v4
        high = 0
        low = UInt64(v4)
    }

    public init(v6High: UInt64, low: UInt64) {
        version = .v6
        high = v6High
        self.low = low
    }

    /// Network byte order: 4 bytes for IPv4, 16 for IPv6; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4:
            self.init(v4: bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            let high = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let low = bytes.dropFirst(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            self.init(v6High: high, low: low)
        default:
            return nil
        }
    }

    /// Network byte order: 4 bytes for IPv4, 16 for IPv6.
    public var bytes: [UInt8] {
        switch version {
        case .v4:
            return (0..<4).map { UInt8(truncatingIfNeeded: low >> UInt64(24 - 8 * $0)) }
        case .v6:
            return (0..<16).map { index in
                let half = index < 8 ? high : low
                return UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * (index % 8)))
            }
        }
    }
}

extension IPAddress: Comparable {
    /// All IPv4 addresses come before all IPv6 addresses.
    public static func < (left: Self, right: Self) -> Bool {
        (left.version.rawValue, left.high, left.low) < (right.version.rawValue, right.high, right.low)
    }
}
