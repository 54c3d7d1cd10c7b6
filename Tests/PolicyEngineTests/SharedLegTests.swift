import Dataplane
import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

/// Legs that stand for addresses that no object names.
@Suite struct SharedLegTests {
    /// Every group, link-local or admitted address that an endpoint has a leg for is decided as the oracle decides it; and
    /// there is a leg wherever no rule asks for the endpoint's own address.
    @Test func theyDecideAsTheOracle() {
        var (asked, denied, present, absent) = ([SharedLeg: Int](), 0, 0, 0)
        for example in CaseGenerator(seed: 77, packetsPerWorld: 60).cases(140) {
            var world = example.world
            for key in world.endpoints.keys { world.endpoints[key]?.admissions.sources = [AddressBlock(address: Self.stranger, prefixLength: 24)].compactMap(\.self) }
            let oracle = PolicyOracle(world: world)
            let compiler = Self.compiled(world)
            let evaluator = TableEvaluator(tables: compiler.tables)
            for probe in example.probes {
                for kind in SharedLeg.allCases {
                    let local = Self.address(kind, probe.packet.source.version)
                    guard let local, let direction = Self.direction(kind, probe.direction) else { continue }
                    var packet = probe.packet
                    if direction == .ingress { packet.destination = local } else { packet.source = local }
                    let leg = Leg(endpoint: probe.endpoint, address: kind.address(local.version))
                    guard compiler.tables.legs[leg] != nil else {
                        absent += 1
                        continue
                    }
                    present += 1
                    let wanted = oracle.decide(endpoint: probe.endpoint, direction: direction, packet: packet)
                    let given = evaluator.decide(endpoint: probe.endpoint, direction: direction, packet: packet)
                    #expect(given == wanted, "seed \(example.seed), \(kind) \(direction) of \(probe.endpoint), \(packet)")
                    asked[kind, default: 0] += 1
                    if wanted.verdict == .deny { denied += 1 }
                }
            }
            #expect(compiler.checkInvariants() == [])
        }
        print("shared legs: asked \(asked), denied \(denied); \(present) with a leg, \(absent) without")
        for kind in SharedLeg.allCases { #expect(asked[kind, default: 0] >= 100, "\(kind)") }
        #expect(denied * 4 >= present && absent > 0)
    }

    private static let stranger = IPAddress(v4: 0xc633_6407)

    private static func compiled(_ world: PolicyWorld) -> VerdictCompiler {
        var compiler = VerdictCompiler()
        _ = compiler.compile(world, node: WorldGenerator.node)
        return compiler
    }

    private static func address(_ kind: SharedLeg, _ version: IPVersion) -> IPAddress? {
        switch (kind, version) {
        case (.groups, .v4): IPAddress(v4: 0xeffe_0101)
        case (.groups, .v6): IPAddress("ff0e::114")
        case (.linkLocal, .v6): IPAddress("fe80::1234")
        case (.otherSources, .v4): stranger
        default: nil
        }
    }

    private static func direction(_ kind: SharedLeg, _ direction: Direction) -> Direction? {
        switch kind {
        case .groups: direction == .ingress ? direction : nil
        case .otherSources: direction == .egress ? direction : nil
        case .linkLocal: direction
        }
    }

    @Test func aRuleAboutTheLocalAddressTakesThemAway() throws {
        let key = EndpointKey(namespace: "shop", name: "web")
        var world = PolicyWorld()
        world.namespaces["shop"] = Namespace(name: "shop", labels: [:])
        world.tiers["default"] = Tier(name: "default", order: Tier.defaultOrder)
        world.endpoints[key] = WorkloadEndpoint(
            key: key, addresses: [IPAddress(v4: 0x0a00_0001), try #require(IPAddress("fd00::1"))])
        var rule = PolicyRule(action: .allow)
        let reference = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "open")
        func kinds(_ direction: Direction) -> Set<IPAddress> {
            world.policies[reference] = Policy(
                reference: reference, directions: [direction], ingress: direction == .ingress ? [rule] : [],
                egress: direction == .egress ? [rule] : [])
            return Set(Self.compiled(world).tables.legs.keys.map(\.address)).subtracting(world.endpoints[key]?.addresses ?? [])
        }
        let groups = Set(IPVersion.allCases.map(SharedLeg.groups.address))
        let linkLocal = SharedLeg.linkLocal.address(.v6)
        #expect(kinds(.ingress) == groups.union([linkLocal]))
        rule.destination.nets = [try #require(AddressBlock("239.0.0.0/8"))]
        #expect(kinds(.ingress) == [SharedLeg.groups.address(.v6), linkLocal], "IPv4 alone is asked about")
        rule.destination.nets = [try #require(AddressBlock("fe80::/16"))]
        #expect(kinds(.ingress) == [SharedLeg.groups.address(.v4)])
        rule = PolicyRule(action: .allow)
        rule.source.nets = [try #require(AddressBlock("fe80::/16"))]
        #expect(kinds(.egress) == groups, "what is sent says nothing of what comes to groups")
    }
}
