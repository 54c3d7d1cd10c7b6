import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

@testable import PolicyAnalysis

/// What connectivity says is what the oracle says of packets that stand for everything: each end, each range of addresses, and
/// every edge of ports, types and protocols that a rule of the world mentions.
@Suite struct ConnectivityAgainstOracleTests {
    private struct Counts {
        var packets = 0
        var allowed = 0
        var external = 0
        var sourcePorts = 0
        var versions: [IPVersion: Int] = [:]
        var transports: Set<UInt8> = []
        var wrong: [String] = []
    }

    private static let stride: UInt64 = 47
    private static let options = WorldGenerator.Options(policies: 8...30, endpoints: 4...14, namespaces: 2...4)

    @Test func saysWhatTheOracleSays() {
        var counts = Counts()
        for example in CaseGenerator(seed: 70_000, packetsPerWorld: 0, options: Self.options).cases(40) {
            Self.compare(example.world, with: example.world, seed: example.seed, &counts)
        }
        print(
            """
            connectivity against the oracle: \(counts.packets) packets, \(counts.allowed) allowed, \(counts.external) with an \
            address of nobody, \(counts.sourcePorts) where the source port decides, IPv4 \(counts.versions[.v4] ?? 0), \
            IPv6 \(counts.versions[.v6] ?? 0), \(counts.transports.count) protocols
            """)
        #expect(counts.wrong.isEmpty, "\(counts.wrong.count) wrong, the first: \(counts.wrong.first ?? "")")
        #expect(counts.packets >= 100_000)
        #expect(counts.allowed * 100 / max(counts.packets, 1) >= 10)
        #expect(counts.external >= 20_000)
        #expect(counts.sourcePorts >= 50)
        #expect((counts.versions[.v6] ?? 0) >= 5_000)
        #expect(counts.transports.count >= 8)
    }

    /// Every sixth of the faults; all of them in a long run.
    @Test(arguments: PlantedFault.ofVerdicts.enumerated().filter { $0.offset % 6 == 0 || TestScale.factor > 1 }.map(\.element))
    func noticesAPlantedFault(_ fault: PlantedFault) {
        for example in CaseGenerator(seed: 70_000, packetsPerWorld: 0, options: Self.options).cases(400) {
            let faulty = fault.apply(to: example.world)
            guard faulty != example.world else { continue }
            var counts = Counts()
            Self.compare(faulty, with: example.world, seed: example.seed, &counts, stopsEarly: true)
            if !counts.wrong.isEmpty { return }
        }
        Issue.record("the planted fault \"\(fault)\" is not noticed")
    }

    /// Compares the connectivity of a world with the oracle of another, which should be the same.
    private static func compare(
        _ world: PolicyWorld, with judged: PolicyWorld, seed: UInt64, _ counts: inout Counts, stopsEarly: Bool = false
    ) {
        let oracle = PolicyOracle(world: judged)
        let cuts = WorldBlocks.ofRulesAndSets(of: judged)
        var reachability = Reachability(AnalysisWorld(world: world), cuts: cuts)
        let keys = Self.keys(of: judged)
        let sourcePorts = Self.sourcePorts(of: judged)
        // One in so many of the packets is enough, another one in each world.
        var step = Int(seed % stride)
        let peers = reachability.peers
        for source in peers.indices {
            for destination in peers.indices where source != destination {
                for version in IPVersion.allCases {
                    guard let number = reachability.connections(from: source, to: destination, version) else { continue }
                    let set = reachability.set(number)
                    guard let from = peers[source].addresses[version], let to = peers[destination].addresses[version] else {
                        counts.wrong.append("seed \(seed): \(peers[source].title) has no address")
                        continue
                    }
                    for (transport, port) in keys {
                        step += 1
                        guard step % Int(stride) == 0 else { continue }
                        let sources = set.sources(transport: transport, destinationPort: port)
                        let asked = transport.hasPorts ? [sourcePorts[step / Int(stride) % sourcePorts.count], 49152] : [0]
                        if !sources.isEmpty, sources != .all { counts.sourcePorts += 1 }
                        for sourcePort in asked {
                            let packet = PacketTuple(
                                source: from, destination: to, transport: transport, sourcePort: sourcePort, destinationPort: port)
                            let egress = peers[source].endpoint.map {
                                oracle.decide(endpoint: $0, direction: .egress, packet: packet).verdict == .allow
                            }
                            let ingress = peers[destination].endpoint.map {
                                oracle.decide(endpoint: $0, direction: .ingress, packet: packet).verdict == .allow
                            }
                            let wanted = (egress ?? true) && (ingress ?? true)
                            let given = transport.hasPorts ? sources.ranges.contains { $0.contains(sourcePort) } : !sources.isEmpty
                            counts.packets += 1
                            counts.allowed += wanted ? 1 : 0
                            counts.external += peers[source].isExternal || peers[destination].isExternal ? 1 : 0
                            counts.versions[version, default: 0] += 1
                            counts.transports.insert(transport.number)
                            guard given != wanted else { continue }
                            counts.wrong.append(
                                "seed \(seed): \(peers[source].title) to \(peers[destination].title), \(transport) port \(port) from "
                                    + "\(sourcePort): oracle \(wanted), connectivity \(given) (\(set))")
                            if stopsEarly { return }
                        }
                    }
                }
            }
        }
    }

    private static func rules(of world: PolicyWorld) -> [PolicyRule] {
        world.policies.values.flatMap { $0.ingress + $0.egress } + world.profiles.values.flatMap { $0.ingress + $0.egress }
    }

    /// Protocols that rules name and others, each with the edges of the ports or messages that are mentioned.
    private static func keys(of world: PolicyWorld) -> [(TransportProtocol, UInt16)] {
        let rules = rules(of: world)
        var transports: Set<TransportProtocol> = [.tcp, .udp, .sctp, .icmp, .icmpV6, TransportProtocol(number: 47)]
        transports.formUnion(rules.flatMap { [$0.transport, $0.notTransport].compactMap { $0 } })
        var ports: Set<UInt16> = [1, 65535]
        for range in rules.flatMap({ $0.destination.ports + $0.destination.notPorts }) {
            ports.formUnion([range.first, range.last])
            if range.first > 1 { ports.insert(range.first - 1) }
            if range.last < .max { ports.insert(range.last + 1) }
        }
        ports.formUnion(world.endpoints.values.flatMap { $0.ports.map(\.port) })
        ports.formUnion(world.endpointSlices.values.flatMap { $0.ports.map(\.port) })
        ports.remove(0)
        var messages: Set<UInt16> = [0, 0x0800, 0xffff]
        for icmp in rules.flatMap({ [$0.icmp, $0.notICMP].compactMap { $0 } }) {
            messages.insert(UInt16(icmp.type ?? 0) << 8 | UInt16(icmp.code ?? 1))
        }
        return transports.sorted().flatMap { transport in
            (transport.hasPorts ? ports.sorted() : transport.hasTypeAndCode ? messages.sorted() : [0]).map { (transport, $0) }
        }
    }

    private static func sourcePorts(of world: PolicyWorld) -> [UInt16] {
        var ports: Set<UInt16> = [1, 65535]
        for range in rules(of: world).flatMap({ $0.source.ports + $0.source.notPorts }) {
            ports.formUnion([range.first, range.last])
            if range.first > 1 { ports.insert(range.first - 1) }
            if range.last < .max { ports.insert(range.last + 1) }
        }
        ports.remove(0)
        return ports.sorted()
    }
}
