import PolicyModel

/// Packets that fall on and beside the edges of what a world's rules say.
public struct PacketGenerator: Sendable {
    private let local: [(key: EndpointKey, address: IPAddress)]
    private let addresses: [IPVersion: [IPAddress]]
    private let edges: [IPVersion: [IPAddress]]
    private let transports: [TransportProtocol]
    private let sourcePorts: [UInt16]
    private let destinationPorts: [UInt16]

    public init(world: PolicyWorld) {
        let endpoints = world.endpoints.values.sorted { $0.key < $1.key }
        local = endpoints.filter { $0.node.isEmpty || $0.node == WorldGenerator.node }.flatMap { endpoint in
            endpoint.addresses.map { (endpoint.key, $0) }
        }
        addresses = Dictionary(grouping: endpoints.flatMap(\.addresses), by: \.version)

        // Sorted, since the order of a dictionary differs from run to run.
        let rules = world.policies.values.flatMap { $0.ingress + $0.egress }
        let nets = rules.flatMap { $0.source.nets + $0.destination.nets }.sorted()
        edges = Dictionary(
            grouping: nets.flatMap { [$0.first, $0.last, $0.first.previous, $0.last.next] }, by: \.version)
        transports = rules.compactMap(\.transport).sorted()
        sourcePorts = Self.edges(of: rules.flatMap(\.source.ports))
        destinationPorts = Self.edges(of: rules.flatMap(\.destination.ports))
    }

    private static func edges(of ranges: [PortRange]) -> [UInt16] {
        ranges.flatMap { [$0.first, $0.last, $0.first &- 1, $0.last &+ 1] }.sorted()
    }

    /// nil when no endpoint of the node has an address.
    public func probe(using random: inout SplitMix64) -> Probe? {
        guard !local.isEmpty else { return nil }
        let (key, own) = random.pick(local)
        let peer = peer(own.version, using: &random)
        let direction = random.pick(Direction.allCases)
        let (source, destination) = direction == .egress ? (own, peer) : (peer, own)
        var packet = PacketTuple(
            source: source, destination: destination, transport: transport(own.version, using: &random))
        if packet.transport.hasPorts {
            packet.sourcePort = port(sourcePorts, using: &random)
            packet.destinationPort = port(destinationPorts, using: &random)
        } else if packet.transport.hasTypeAndCode {
            // As a number it may equal a port that some rule names; it must not match as one.
            packet.destinationPort =
                random.chance(50)
                ? random.pick([0x0800, 0x0000, 0x8000, 0x8100, 0x0303]) : port(destinationPorts, using: &random)
        }
        return Probe(endpoint: key, direction: direction, packet: packet)
    }

    private func peer(_ version: IPVersion, using random: inout SplitMix64) -> IPAddress {
        let kind = random.number(0..<100)
        if kind < 55, let known = addresses[version], !known.isEmpty { return random.pick(known) }
        if kind < 78, let edges = edges[version], !edges.isEmpty { return random.pick(edges) }
        if kind < 92 { return AddressGenerator.address(version, using: &random) }
        return AddressGenerator.stranger(version, using: &random)
    }

    private func transport(_ version: IPVersion, using random: inout SplitMix64) -> TransportProtocol {
        let kind = random.number(0..<100)
        if kind < 35, !transports.isEmpty { return random.pick(transports) }
        if kind < 60 { return .tcp }
        if kind < 75 { return .udp }
        if kind < 80 { return .sctp }
        if kind < 84 { return .udpLite }
        if kind < 94 { return version == .v4 ? .icmp : .icmpV6 }
        return TransportProtocol(number: UInt8(random.number(0..<256)))
    }

    private func port(_ edges: [UInt16], using random: inout SplitMix64) -> UInt16 {
        if random.chance(60), !edges.isEmpty { return random.pick(edges) }
        return random.chance(70)
            ? random.pick([22, 53, 80, 443, 5432, 8080, 0, 65535, 49152]) : UInt16(random.number(0..<65536))
    }
}

extension PacketTuple {
    /// Whether a kernel may be asked about it as a packet between two hosts: unicast addresses, two ends that differ, the ICMP
    /// of its version, and no protocol number that IPv6 uses for extension headers.
    public var isOrdinary: Bool {
        let addressesOrdinary = [source, destination].allSatisfy { address in
            switch address.version {
            case .v4: (1...223).contains(address.low >> 24) && address.low >> 24 != 127
            case .v6: address.high >> 56 != 0xff && address.high >> 54 != 0x3fa && address.high >> 56 != 0
            }
        }
        let foreign: Set<UInt8> =
            version == .v4 ? [4, 41, 58] : [0, 1, 4, 41, 43, 44, 51, 59, 60, 135, 139, 140, 253, 254]
        return addressesOrdinary && source != destination && !foreign.contains(transport.number)
    }
}
