/// An IP protocol number (IANA "Assigned Internet Protocol Numbers").
public struct TransportProtocol: Sendable, Hashable, Comparable {
    public let number: UInt8

    public init(number: UInt8) { self.number = number }

    public static let icmp = Self(number: 1)
    public static let tcp = Self(number: 6)
    public static let udp = Self(number: 17)
    public static let icmpV6 = Self(number: 58)
    public static let sctp = Self(number: 132)
    public static let udpLite = Self(number: 136)

    /// The protocols to which Calico gives names, in its spelling.
    public static let named: [(name: String, value: Self)] = [
        ("TCP", .tcp), ("UDP", .udp), ("ICMP", .icmp), ("ICMPv6", .icmpV6), ("SCTP", .sctp), ("UDPLite", .udpLite),
    ]

    /// A name that Calico knows, in any case; nil for any other.
    public init?(name: String) {
        let wanted = name.lowercased()
        guard let match = Self.named.first(where: { $0.name.lowercased() == wanted }) else { return nil }
        self = match.value
    }

    /// Whether packets of this protocol carry source and destination ports.
    public var hasPorts: Bool { self == .tcp || self == .udp || self == .sctp || self == .udpLite }

    /// Whether packets of this protocol carry a type and a code.
    public var hasTypeAndCode: Bool { self == .icmp || self == .icmpV6 }

    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

extension TransportProtocol: CustomStringConvertible {
    /// The name where there is one, else the number.
    public var description: String {
        Self.named.first { $0.value == self }?.name ?? String(number)
    }
}

extension TransportProtocol {
    /// A name that Calico knows, in any case, or a number 1...255, also as text; nil for anything else.
    public init?(_ value: JSONValue) {
        switch value {
        case .integer(let number):
            guard (1...255).contains(number) else { return nil }
            self.init(number: UInt8(number))
        case .string(let text):
            if let match = Self(name: text) {
                self = match
            } else if let number = AddressText.decimal(Array(text.utf8)[...], maximum: 255), number > 0 {
                self.init(number: UInt8(number))
            } else {
                return nil
            }
        default:
            return nil
        }
    }
}
