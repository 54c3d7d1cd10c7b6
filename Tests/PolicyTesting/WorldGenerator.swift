import PolicyModel

/// Makes worlds in which much overlaps: labels, nets, port ranges, orders and names.
public enum WorldGenerator {
    /// The node whose endpoints are asked about.
    public static let node = "node-a"
    static let otherNode = "node-b"

    public struct Options: Sendable {
        public var tiers: ClosedRange<Int>
        public var policies: ClosedRange<Int>
        public var endpoints: ClosedRange<Int>
        public var namespaces: ClosedRange<Int>
        /// Endpoints of another node, in a hundred.
        public var remotePercent: Int

        public init(
            tiers: ClosedRange<Int> = 2...5, policies: ClosedRange<Int> = 10...40,
            endpoints: ClosedRange<Int> = 15...60, namespaces: ClosedRange<Int> = 3...6, remotePercent: Int = 30
        ) {
            self.tiers = tiers
            self.policies = policies
            self.endpoints = endpoints
            self.namespaces = namespaces
            self.remotePercent = remotePercent
        }
    }

    public static func world(using random: inout SplitMix64, options: Options = Options()) -> PolicyWorld {
        var world = PolicyWorld()
        let names = Array(["shop", "shop-2", "bank", "lab", "ops", "web"].prefix(random.number(options.namespaces)))
        // One namespace in some worlds has endpoints but no object.
        let absent = random.chance(40) ? names.last : nil
        for name in names where name != absent {
            world.namespaces[name] = Namespace(name: name, labels: LabelGenerator.namespaceLabels(using: &random))
        }
        addTiers(random.number(options.tiers), to: &world, using: &random)
        let endpoints = endpoints(random.number(options.endpoints), in: names, options, using: &random)
        for endpoint in endpoints { world.endpoints[endpoint.key] = endpoint }
        var rules = RuleGenerator(addresses: endpoints.flatMap(\.addresses))
        for _ in 0..<random.number(options.policies) {
            let policy = policy(in: names, tiers: world.tiers.keys.sorted(), rules: &rules, using: &random)
            world.policies[policy.reference] = policy
        }
        return world
    }

    private static func addTiers(_ count: Int, to world: inout PolicyWorld, using random: inout SplitMix64) {
        for name in ["default", "security", "platform", "audit", "edge"].prefix(count) {
            let order = random.pick([nil, 0, 100, 100, 200.5, -1, Tier.defaultOrder])
            world.tiers[name] = Tier(name: name, order: order, defaultAction: random.chance(45) ? .pass : .deny)
        }
    }

    private static func endpoints(
        _ count: Int, in names: [String], _ options: Options, using random: inout SplitMix64
    ) -> [WorkloadEndpoint] {
        var taken: [IPAddress] = []
        return (0..<count).map { index in
            let namespace = random.pick(names)
            var addresses: [IPAddress] = []
            // A few claim what another has already.
            let version = random.pick([nil, nil, nil, IPVersion.v4, .v6])
            for candidate in IPVersion.allCases where version == nil || version == candidate {
                for _ in 0..<(random.chance(10) ? 2 : 1) {
                    let claimed = taken.filter { $0.version == candidate }
                    let address =
                        random.chance(6) && !claimed.isEmpty
                        ? random.pick(claimed) : AddressGenerator.address(candidate, using: &random)
                    if !addresses.contains(address) { addresses.append(address) }
                }
            }
            taken += addresses
            return WorkloadEndpoint(
                key: EndpointKey(namespace: namespace, name: "e\(index)"),
                labels: LabelGenerator.endpointLabels(using: &random),
                node: random.chance(options.remotePercent) ? otherNode : random.pick(["", node]),
                orchestrator: random.pick(["", "k8s", "podman"]), interfaceName: "veth\(index)", addresses: addresses)
        }
    }

    private static func policy(
        in names: [String], tiers: [String], rules: inout RuleGenerator, using random: inout SplitMix64
    ) -> Policy {
        let global = random.chance(45)
        // Names of which one is the beginning of another: ties compare more than the name.
        let name =
            random.pick(["p", "p-1", "p.1", "p1", "q", "q-a", "r", "guard", "allow"]) + random.pick(["", "", "0", "7"])
        let reference = PolicyReference(
            kind: global ? "GlobalNetworkPolicy" : "NetworkPolicy", namespace: global ? "" : random.pick(names),
            name: name)
        let namespace = global ? nil : reference.namespace
        let count = { (random: inout SplitMix64) in random.pick([0, 1, 1, 2, 2, 3, 4]) }
        return Policy(
            reference: reference, tier: random.chance(3) ? "absent" : random.pick(tiers),
            order: random.pick([nil, 1, 1, 2, 10, 10.5, -5]),
            selector: random.chance(40) ? .all : LabelGenerator.selector(using: &random),
            namespaceSelector: global && random.chance(35) ? LabelGenerator.namespaceSelector(using: &random) : nil,
            directions: random.pick([[.ingress], [.egress], [.ingress, .egress], [.ingress, .egress]]),
            ingress: (0..<count(&random)).map { _ in rules.rule(.ingress, in: namespace, using: &random) },
            egress: (0..<count(&random)).map { _ in rules.rule(.egress, in: namespace, using: &random) })
    }
}
