import PolicyModel

/// The protocol and port that a user asks about: `tcp/5432`, `icmp/8/0`, `47`.
public struct PortSpecification: Sendable, Hashable {
    public var transport: TransportProtocol
    /// `type << 8 | code` for ICMP and ICMPv6; 0 for protocols with neither.
    public var destinationPort: UInt16

    public init(transport: TransportProtocol, destinationPort: UInt16) {
        self.transport = transport
        self.destinationPort = destinationPort
    }

    /// Reads `PROTOCOL/PORT` (tcp, udp, sctp, udplite), `icmp/TYPE/CODE`, `icmpv6/TYPE/CODE`, or a protocol number, which
    /// `/PORT` or `/TYPE/CODE` follows when the protocol has them. Without `/CODE` the code is 0.
    public init(_ text: String) throws(PortSpecificationError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let transport = Self.transport(parts[0]) else { throw .unknownProtocol(text, parts[0]) }
        self.transport = transport
        let numbers = parts.dropFirst()
        if transport.hasPorts {
            guard numbers.count == 1, let port = Self.number(numbers[1], maximum: 65535) else {
                throw .expectedPort(text, parts[0])
            }
            destinationPort = port
        } else if transport.hasTypeAndCode {
            let values = numbers.compactMap { Self.number($0, maximum: 255) }
            guard (1...2).contains(values.count), values.count == numbers.count else {
                throw .expectedTypeAndCode(text, parts[0])
            }
            destinationPort = values[0] << 8 | (values.count == 2 ? values[1] : 0)
        } else {
            guard numbers.isEmpty else { throw .hasNoPorts(text, parts[0]) }
            destinationPort = 0
        }
    }

    private static func transport(_ text: String) -> TransportProtocol? {
        if let number = number(text, maximum: 255) {
            return TransportProtocol(number: UInt8(truncatingIfNeeded: number))
        }
        return TransportProtocol(name: text)
    }

    /// Digits alone: no sign, no blank.
    private static func number(_ text: String, maximum: UInt16) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = UInt16(text), number <= maximum
        else { return nil }
        return number
    }
}

/// What is wrong with a port as the user wrote it, and what to write.
public enum PortSpecificationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The whole text, and the part that names the protocol.
    case unknownProtocol(String, String)
    case expectedPort(String, String)
    case expectedTypeAndCode(String, String)
    case hasNoPorts(String, String)

    public var description: String {
        switch self {
        case .unknownProtocol(let text, let name):
            "port `\(text)`: `\(name)` is no protocol; write tcp/5432, udp/53, icmp/8/0, or a number from 0 to 255"
        case .expectedPort(let text, let name):
            "port `\(text)`: write \(name)/PORT with one port from 0 to 65535, as in \(name)/5432"
        case .expectedTypeAndCode(let text, let name):
            "port `\(text)`: write \(name)/TYPE/CODE with numbers from 0 to 255, as in \(name)/8/0"
        case .hasNoPorts(let text, let name):
            "port `\(text)`: protocol \(name) has no ports; write \(name) alone"
        }
    }
}
