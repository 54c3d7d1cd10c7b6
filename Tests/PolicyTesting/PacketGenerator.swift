import PolicyModel

/// Packets that fall on and beside the edges of what a world's rules say.
public struct PacketGenerator: Sendable {
    /// What a rule of the world asks for, so that a packet can be made to meet it.
    private struct Aim: Sendable {
        var direction: Direction
        var rule: PolicyRule
        /// Of the NetworkPolicy that holds it; empty elsewhere.
        var namespace: String
    }

    private struct NamedAddress: Sendable {
        var address: IPAddress
        var transport: TransportProtocol
        var port: UInt16
    }

    private let local: [(key: EndpointKey, address: IPAddress)]
    private let localByNamespace: [String: [(key: EndpointKey, address: IPAddress)]]
    private let addresses: [IPVersion: [IPAddress]]
    private let edges: [IPVersion: [IPAddress]]
    private let transports: [TransportProtocol]
    private let sourcePorts: [UInt16]
    private let destinationPorts: [UInt16]
    private let aims: [Aim]
    /// Those of `aims` whose fields few packets get as far as: ports by name or negated, and services.
    private let portAims: [Aim]
    private let serviceAims: [Aim]
    private let namedPorts: [String: [NamedAddress]]
    private let ports: [IPAddress: [NamedPort]]
    private let services: [NamespacedName: [EndpointSlice]]

    public init(world: PolicyWorld) {
        let endpoints = world.endpoints.values.sorted { $0.key < $1.key }
        local = endpoints.filter { $0.node.isEmpty || $0.node == WorldGenerator.node }.flatMap { endpoint in
            endpoint.addresses.map { (endpoint.key, $0) }
        }
        localByNamespace = Dictionary(grouping: local) { $0.key.namespace }
        // Sorted, since the order of a dictionary differs from run to run.
        let slices = world.endpointSlices.sorted { $0.key < $1.key }.map(\.value)
        addresses = Dictionary(grouping: endpoints.flatMap(\.addresses), by: \.version)
        aims = Self.aims(of: world)
        portAims = aims.filter(\.rule.hasRarePorts)
        serviceAims = aims.filter { $0.rule.source.services != nil || $0.rule.destination.services != nil }
        let rules = aims.map(\.rule)
        let nets =
            rules.flatMap { $0.source.nets + $0.destination.nets + $0.source.notNets + $0.destination.notNets }
            + world.networkSets.sorted { $0.key < $1.key }.flatMap(\.value.nets)
        edges = Dictionary(
            grouping: nets.flatMap { [$0.first, $0.last, $0.first.previous, $0.last.next] } + slices.flatMap(\.addresses),
            by: \.version)
        transports = rules.flatMap { [$0.transport, $0.notTransport].compactMap { $0 } }
        sourcePorts = Self.edges(of: rules.flatMap { $0.source.ports + $0.source.notPorts })
        destinationPorts =
            Self.edges(of: rules.flatMap { $0.destination.ports + $0.destination.notPorts })
            + slices.flatMap { $0.ports.map(\.port) }
        var named: [String: [NamedAddress]] = [:]
        var ports: [IPAddress: [NamedPort]] = [:]
        for endpoint in endpoints {
            for address in endpoint.addresses {
                ports[address, default: []] += endpoint.ports
                for port in endpoint.ports {
                    named[port.name, default: []].append(
                        NamedAddress(address: address, transport: port.transport, port: port.port))
                }
            }
        }
        namedPorts = named
        self.ports = ports
        services = Dictionary(grouping: slices) { NamespacedName(namespace: $0.namespace, name: $0.service) }
    }

    private static func aims(of world: PolicyWorld) -> [Aim] {
        func name(_ reference: PolicyReference) -> String { "\(reference.kind)/\(reference.namespace)/\(reference.name)" }
        let enforced = world.policies.values.sorted { name($0.reference) < name($1.reference) }
        let staged = world.staged.values.sorted { name($0.reference) < name($1.reference) }
        var aims: [Aim] = []
        for policy in enforced + staged.map(\.policy) {
            for direction in Direction.allCases where policy.directions.contains(direction) {
                aims += policy.rules(direction).map {
                    Aim(direction: direction, rule: $0, namespace: policy.reference.namespace)
                }
            }
        }
        for profile in world.profiles.values.sorted(by: { $0.name < $1.name }) {
            for direction in Direction.allCases {
                aims += profile.rules(direction).map { Aim(direction: direction, rule: $0, namespace: "") }
            }
        }
        return aims
    }

    private static func edges(of ranges: [PortRange]) -> [UInt16] {
        ranges.flatMap { [$0.first, $0.last, $0.first &- 1, $0.last &+ 1] }
    }

    /// nil when no endpoint of the node has an address.
    public func probe(using random: inout SplitMix64) -> Probe? {
        guard !local.isEmpty else { return nil }
        if random.chance(12), !portAims.isEmpty { return aimed(at: random.pick(portAims), using: &random) }
        if random.chance(7), !serviceAims.isEmpty { return aimed(at: random.pick(serviceAims), using: &random) }
        if random.chance(40), !aims.isEmpty { return aimed(at: random.pick(aims), using: &random) }
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
            packet.destinationPort = message(using: &random)
        }
        return Probe(endpoint: key, direction: direction, packet: packet)
    }

    private func message(using random: inout SplitMix64) -> UInt16 {
        if random.chance(60) {
            return UInt16(random.pick([0, 3, 8, 128, 129, 255])) << 8 | UInt16(random.pick([0, 1, 3, 255]))
        }
        // As a number it may equal a port that some rule names; it must not match as one.
        return random.chance(50)
            ? random.pick([0x0800, 0x0000, 0x8000, 0x8100, 0x0303]) : port(destinationPorts, using: &random)
    }

    private func peer(_ version: IPVersion, using random: inout SplitMix64) -> IPAddress {
        let kind = random.number(0..<100)
        if kind < 55, let known = addresses[version], !known.isEmpty { return random.pick(known) }
        if kind < 80, let edges = edges[version], !edges.isEmpty { return random.pick(edges) }
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
            ? random.pick([22, 53, 80, 81, 443, 5432, 8080, 0, 65535, 49152]) : UInt16(random.number(0..<65536))
    }

    // MARK: Aimed packets

    /// Meets most of what the rule says of protocol, addresses and ports; what selectors say is left to chance.
    private func aimed(at aim: Aim, using random: inout SplitMix64) -> Probe {
        let rule = aim.rule
        let (mine, others) =
            aim.direction == .ingress ? (rule.destination, rule.source) : (rule.source, rule.destination)
        let candidates = localByNamespace[aim.namespace] ?? local
        var (key, own) = random.pick(random.chance(80) ? candidates : local)
        if let wanted = mine.namedPorts.first, random.chance(60),
            let holder = candidates.first(where: { ports[$0.address]?.contains { $0.name == wanted } == true })
        {
            (key, own) = holder
        }
        let slices = others.services.flatMap { reference -> [EndpointSlice]? in
            let namespace = reference.namespace.isEmpty ? aim.namespace : reference.namespace
            return services[NamespacedName(namespace: namespace, name: reference.name)]
        } ?? []
        let service = slices.isEmpty ? nil : random.pick(slices)
        let named = others.namedPorts.first.flatMap { namedPorts[$0] }?.filter {
            $0.address.version == own.version && $0.transport == rule.transport
        }
        let netEdges = (others.nets + others.notNets).flatMap { [$0.first, $0.last] }
        var peer = self.peer(own.version, using: &random)
        if let wanted = pick(service?.addresses ?? [], own.version, using: &random) {
            peer = wanted
        } else if let named, !named.isEmpty, random.chance(70) {
            peer = random.pick(named).address
        } else if let wanted = pick(netEdges, own.version, using: &random) {
            peer = wanted
        }
        let (source, destination) = aim.direction == .egress ? (own, peer) : (peer, own)

        var transport = rule.transport ?? self.transport(own.version, using: &random)
        // Mostly of the slice that has the address.
        let portSlice = random.chance(80) ? service : slices.isEmpty ? nil : random.pick(slices)
        let servicePort = portSlice.flatMap { $0.ports.isEmpty ? nil : random.pick($0.ports) }
        if random.chance(90), aim.direction == .egress, rule.transport == nil, let servicePort { transport = servicePort.transport }
        var packet = PacketTuple(source: source, destination: destination, transport: transport)
        if transport.hasPorts {
            packet.sourcePort = port(for: rule.source, at: source, transport, using: &random)
            packet.destinationPort =
                aim.direction == .egress && servicePort != nil
                ? servicePort?.port ?? 0 : port(for: rule.destination, at: destination, transport, using: &random)
        } else if transport.hasTypeAndCode {
            packet.destinationPort = message(using: &random)
            if let wanted = random.pick([rule.icmp, rule.notICMP]), let type = wanted.type, random.chance(80) {
                packet.destinationPort = UInt16(type) << 8 | UInt16(wanted.code ?? random.pick([0, 1, 3]))
            }
        }
        return Probe(endpoint: key, direction: aim.direction, packet: packet)
    }

    private func pick(_ addresses: [IPAddress], _ version: IPVersion, using random: inout SplitMix64) -> IPAddress? {
        let fitting = addresses.filter { $0.version == version }
        return fitting.isEmpty ? nil : random.pick(fitting)
    }

    private func port(
        for entity: EntityRule, at address: IPAddress, _ transport: TransportProtocol, using random: inout SplitMix64
    ) -> UInt16 {
        let names = entity.namedPorts + entity.notNamedPorts
        let named = (ports[address] ?? []).filter { names.contains($0.name) && $0.transport == transport }
        if !named.isEmpty, random.chance(70) { return random.pick(named).port }
        if !entity.notPorts.isEmpty, random.chance(entity.notNamedPorts.isEmpty ? 25 : 45) { return random.pick(entity.notPorts).last }
        let edges = Self.edges(of: entity.notPorts) + entity.ports.flatMap { [$0.first, $0.last] }
        return port(edges, using: &random)
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
