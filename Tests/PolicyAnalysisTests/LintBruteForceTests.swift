import PolicyAnalysis
import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

/// `unreachable-rule` against every packet of a world that has all there is to tell apart.
@Suite("Lint against brute force") struct LintBruteForceTests {
    @Test func aRuleIsUnreachableExactlyWhenNoPacketOfAnExhaustiveWorldReachesIt() {
        var random = SplitMix64(seed: 20261201)
        var counts = (worlds: 0, reachable: 0, unreachable: 0, acrossPolicies: 0, acrossTiers: 0, contradictions: 0)
        for _ in 0..<(4 * TestScale.factor) {
            let world = SmallWorld.world(using: &random)
            let findings = Lint(world: world).findings()
            let flagged = findings.filter { $0.code == .unreachableRule || $0.code == .contradiction }
            #expect(!findings.contains { $0.code == .notExamined })
            let reached = SmallWorld.reachedRules(of: world)
            for policy in world.policies.values {
                let object = LintObject(policy.reference)
                let isDead = flagged.contains { $0.object == object && $0.path == "spec.selector" }
                for index in policy.ingress.indices {
                    let path = "spec.ingress[\(index)]"
                    let finding = flagged.first { $0.object == object && $0.path == path }
                    let isReached = reached.contains(RuleReference(tier: policy.tier, policy: policy.reference, index: index))
                    #expect(isReached == (finding == nil && !isDead), "\(policy.reference.name) rule \(index): \(String(describing: finding)) in \(world.policies.values)")
                    if isReached { counts.reachable += 1 } else { counts.unreachable += 1 }
                    if finding?.message.contains("Policy ") == true { counts.acrossPolicies += 1 }
                    if finding?.message.contains("end of tier") == true { counts.acrossTiers += 1 }
                    if finding?.code == .contradiction { counts.contradictions += 1 }
                }
            }
            counts.worlds += 1
        }
        print("lint against brute force: \(counts)")
        #expect(counts.reachable > 5 * TestScale.factor && counts.unreachable > TestScale.factor)
    }
}

/// Worlds of a small language, with an endpoint or a set for everything that it can tell apart.
enum SmallWorld {
    private static let namespaces = ["one", "two"]
    /// In the block that rules name, in the block within it, in neither.
    private static let regions = ["10.1.2", "10.1.9", "172.16.0"]
    /// All that the selectors tell apart; `zx` contains `x` and is not it.
    private static let firstValues: [String?] = [nil, "x", "y", "z", "zx"]
    private static let secondValues: [String?] = [nil, "x", "z"]

    static func world(using random: inout SplitMix64) -> PolicyWorld {
        var world = population
        let action: Tier.DefaultAction = random.flips(50) ? .pass : .deny
        world.tiers["first"] = Tier(name: "first", order: 1, defaultAction: action)
        world.tiers["default"] = Tier(name: "default", order: Tier.defaultOrder)
        for index in 0..<Int.random(in: 2...5, using: &random) {
            let isGlobal = random.flips(60)
            let reference = PolicyReference(
                kind: isGlobal ? "GlobalNetworkPolicy" : "NetworkPolicy", namespace: isGlobal ? "" : random.one(of: namespaces),
                name: "p\(index)")
            world.policies[reference] = Policy(
                reference: reference, tier: random.flips(45) ? "first" : "default", order: Double(Int.random(in: 1...3, using: &random)),
                selector: random.flips(40) ? .all : selector(using: &random), directions: [.ingress],
                ingress: (0..<Int.random(in: 1...3, using: &random)).map { _ in rule(using: &random) })
        }
        return world
    }

    private static func rule(using random: inout SplitMix64) -> PolicyRule {
        var rule = PolicyRule(action: random.one(of: [.allow, .allow, .deny, .deny, .pass, .log]))
        rule.transport = random.one(of: [nil, nil, .tcp, .tcp, .udp, .icmp])
        if rule.transport == nil, random.flips(20) { rule.notTransport = random.one(of: [.tcp, .icmp]) }
        if rule.transport == .icmp, random.flips(50) { rule.icmp = ICMPMatch(type: 8, code: random.flips(50) ? 0 : nil) }
        if rule.transport?.hasPorts == true {
            if random.flips(50) { rule.destination.ports = [range(random.one(of: [(80, 80), (443, 443), (80, 443), (1, 1000)]))] }
            if random.flips(20) { rule.destination.notPorts = [range(random.one(of: [(80, 80), (81, 1000)]))] }
        }
        if random.flips(15) { rule.version = random.one(of: [.v4, .v6]) }
        if random.flips(25) { rule.source.nets = blocks(["10.1.0.0/16"]) }
        if random.flips(15) { rule.source.notNets = blocks([random.one(of: ["10.1.2.0/24", "10.1.0.0/16"])]) }
        if random.flips(40) { rule.source.selector = random.flips(25) ? .all : selector(using: &random) }
        if rule.source.selector != nil, random.flips(15) { rule.source.notSelector = selector(using: &random) }
        return rule
    }

    private static func selector(using random: inout SplitMix64, depth: Int = 2) -> Selector {
        if depth > 0, random.flips(35) {
            let parts = [selector(using: &random, depth: depth - 1), selector(using: &random, depth: depth - 1)]
            return random.one(of: [.and(parts), .or(parts), .not(parts[0])])
        }
        let value = random.one(of: ["x", "y"])
        return random.one(of: [
            .equals(key: "a", value: value), .notEquals(key: "a", value: value), .has(key: "a"), .has(key: "b"),
            .equals(key: "b", value: "x"), .isIn(key: "a", values: ["x", "y"]), .isNotIn(key: "a", values: ["x", "y"]),
            .contains(key: "a", value: "x"),
        ])
    }

    private static func range(_ ends: (UInt16, UInt16)) -> PortRange { PortRange(first: ends.0, last: ends.1) ?? PortRange(ends.0) }

    private static func blocks(_ texts: [String]) -> [AddressBlock] { texts.compactMap { AddressBlock($0) } }

    // MARK: Everybody

    /// Every combination of namespace, labels and region of addresses.
    private static let population: PolicyWorld = {
        var world = PolicyWorld()
        for name in namespaces { world.namespaces[name] = Namespace(name: name) }
        var number = 0
        for first in firstValues {
            for second in secondValues {
                var labels: [String: String] = [:]
                labels["a"] = first
                labels["b"] = second
                for namespace in namespaces + [""] {
                    number += 1
                    let addresses = regions.map { "\($0).\(number)" } + ["2001:db8::\(number)"]
                    let name = "e\(number)"
                    if namespace.isEmpty {
                        world.networkSets[NamespacedName(namespace: "", name: name)] = NetworkSet(
                            namespace: "", name: name, labels: labels, nets: blocks(addresses))
                    } else {
                        let key = EndpointKey(namespace: namespace, name: name)
                        world.endpoints[key] = WorkloadEndpoint(key: key, labels: labels, addresses: addresses.compactMap { IPAddress($0) })
                    }
                }
            }
        }
        return world
    }()

    private static let packets: [(TransportProtocol, UInt16)] = [
        (.tcp, 0), (.tcp, 50), (.tcp, 80), (.tcp, 200), (.tcp, 443), (.tcp, 900), (.tcp, 5000), (.udp, 0), (.udp, 50), (.udp, 80), (.udp, 200),
        (.udp, 443), (.udp, 900), (.udp, 5000), (.icmp, 0x0800), (.icmp, 0x0801), (.icmp, 0), (TransportProtocol(number: 47), 0),
    ]

    /// The rules that some packet matches when they are asked. Looks no further once all are.
    static func reachedRules(of world: PolicyWorld) -> Set<RuleReference> {
        let count = world.policies.values.reduce(0) { $0 + $1.ingress.count }
        let oracle = PolicyOracle(world: world)
        let peers = world.endpoints.values.flatMap(\.addresses) + world.networkSets.values.flatMap { $0.nets.map(\.address) }
            + (regions.map { "\($0).250" } + ["2001:db8::250"]).compactMap { IPAddress($0) }
        var reached: Set<RuleReference> = []
        // One for all to whom the same policies apply: rules ask nothing else of them here.
        var subjects: [[Bool]: WorkloadEndpoint] = [:]
        let policies = Array(world.policies.values)
        for endpoint in world.endpoints.values { subjects[policies.map { oracle.selects($0, endpoint.key) }] = endpoint }
        for endpoint in subjects.values where reached.count < count {
            for peer in peers {
                guard let own = endpoint.addresses.first(where: { $0.version == peer.version }) else { continue }
                for (transport, port) in packets {
                    let packet = PacketTuple(source: peer, destination: own, transport: transport, destinationPort: port)
                    let trace = oracle.trace(endpoint: endpoint.key, direction: .ingress, packet: packet)
                    if case .rule(let tier, let policy, let index) = trace.decision.reason {
                        reached.insert(RuleReference(tier: tier, policy: policy, index: index))
                    }
                    reached.formUnion(trace.decision.logged)
                    for tier in trace.tiers {
                        // What passes is in no decision.
                        guard case .passed(let policy, let index) = tier.outcome else { continue }
                        reached.insert(RuleReference(tier: tier.tier.name, policy: policy, index: index))
                    }
                }
            }
        }
        return reached
    }
}

extension SplitMix64 {
    mutating func flips(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func one<Element>(of choices: [Element]) -> Element { choices[Int.random(in: choices.indices, using: &self)] }
}
