import PolicyModel

/// What a rule asks of protocol and ports.
struct PortCondition: Hashable, Sendable {
    /// Never empty.
    var keys: KeySet
    /// nil: every packet; never empty.
    var sourcePorts: KeySet?

    static let always = PortCondition(keys: .allKeys, sourcePorts: nil)

    /// What is left of this without what an exclusion takes; nil when nothing is.
    func without(_ exclusion: PortExclusion) -> PortCondition? {
        switch exclusion {
        case .everything:
            return nil
        case .keys(let keys):
            let left = self.keys.subtracting(keys)
            return left.isEmpty ? nil : PortCondition(keys: left, sourcePorts: sourcePorts)
        case .sourcePorts(let ports):
            let left = (sourcePorts ?? .allPorts).subtracting(ports)
            return left.isEmpty ? nil : PortCondition(keys: keys, sourcePorts: left)
        }
    }
}

/// What a negated condition on an address takes from a rule's packets.
enum PortExclusion: Hashable, Sendable {
    case everything
    case keys(KeySet)
    case sourcePorts(KeySet)
}

/// A number that a port's name stands for somewhere, or a port of a service.
struct PortVariant: Hashable, Comparable, Sendable {
    var transport: TransportProtocol
    var port: UInt16

    /// Its place among `VerdictTables.rangeKey` values.
    var keys: KeySet {
        let key = VerdictTables.rangeKey(transport: transport, destinationPort: port)
        return KeySet(KeyInterval(start: key, end: key + 1))
    }

    var sourcePorts: KeySet { KeySet(KeyInterval(start: UInt32(port), end: UInt32(port) + 1)) }

    static func < (left: Self, right: Self) -> Bool {
        (left.transport, left.port) < (right.transport, right.port)
    }
}

extension KeySet {
    /// Every packet of a protocol.
    init(_ transport: TransportProtocol) {
        let start = UInt32(transport.number) << 16
        self.init(KeyInterval(start: start, end: start + 1 << 16))
    }

    /// Packets with a port.
    static let withPorts = KeySet(protocolsWithPorts.flatMap { KeySet($0).intervals })

    private static let protocolsWithPorts = (0...UInt8.max).map { TransportProtocol(number: $0) }.filter(\.hasPorts)

    /// Source ports.
    init(sourcePorts ranges: [PortRange]) {
        self.init(ranges.map { KeyInterval(start: UInt32($0.first), end: UInt32($0.last) + 1) })
    }

    /// Packets of any protocol with ports to one of `ranges`.
    init(destinationPorts ranges: [PortRange]) {
        let ports = KeySet(sourcePorts: ranges).intervals
        self.init(
            Self.protocolsWithPorts.flatMap { transport in
                let offset = UInt32(transport.number) << 16
                return ports.map { KeyInterval(start: $0.start + offset, end: $0.end + offset) }
            })
    }

    /// ICMP messages of a protocol.
    init(_ match: ICMPMatch, of transport: TransportProtocol) {
        let start = UInt32(transport.number) << 16
        guard let type = match.type else {
            self.init(transport)
            return
        }
        let first = start + UInt32(type) << 8
        guard let code = match.code else {
            self.init(KeyInterval(start: first, end: first + 256))
            return
        }
        self.init(KeyInterval(start: first + UInt32(code), end: first + UInt32(code) + 1))
    }
}
