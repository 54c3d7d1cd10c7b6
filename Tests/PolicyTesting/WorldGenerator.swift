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
            tiers: ClosedRange<Int> = 3...6, policies: ClosedRange<Int> = 20...60,
            endpoints: ClosedRange<Int> = 30...200, namespaces: ClosedRange<Int> = 3...6, remotePercent: Int = 30
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

        let peers = PeerGenerator(namespaces: names, options: options)
        let endpoints = peers.endpoints(using: &random)
        for endpoint in endpoints { world.endpoints[endpoint.key] = endpoint }
        let addresses = endpoints.flatMap(\.addresses)
        addPeers(peers, around: addresses, to: &world, using: &random)

        let rules = RuleGenerator(addresses: addresses)
        var policies = PolicyGenerator(namespaces: names, tiers: world.tiers.keys.sorted(), rules: rules)
        var enforced: [Policy] = []
        for _ in 0..<random.number(options.policies) {
            let policy = policies.policy(using: &random)
            world.policies[policy.reference] = policy
            enforced.append(policy)
        }
        for profile in policies.profiles(using: &random) { world.profiles[profile.name] = profile }
        for staged in policies.staged(beside: enforced, using: &random) { world.staged[staged.reference] = staged }
        return world
    }

    private static func addTiers(
        _ count: Int, to world: inout PolicyWorld, using random: inout SplitMix64
    ) {
        for name in ["default", "kube-admin", "kube-baseline", "platform", "audit", "edge"].prefix(count) {
            let order = random.pick([nil, 0, 100, 100, 200.5, -1, Tier.defaultOrder])
            let rejects = random.chance(30)
            world.tiers[name] = Tier(
                name: name, order: order, defaultAction: random.chance(45) ? .pass : .deny,
                denyAction: rejects ? .reject : .drop)
        }
    }

    private static func addPeers(
        _ peers: PeerGenerator, around addresses: [IPAddress], to world: inout PolicyWorld, using random: inout SplitMix64
    ) {
        for account in peers.serviceAccounts(using: &random) {
            world.serviceAccounts[NamespacedName(namespace: account.namespace, name: account.name)] = account
        }
        for set in peers.networkSets(around: addresses, using: &random) {
            world.networkSets[NamespacedName(namespace: set.namespace, name: set.name)] = set
        }
        for slice in peers.endpointSlices(around: addresses, using: &random) {
            world.endpointSlices[NamespacedName(namespace: slice.namespace, name: slice.name)] = slice
        }
    }
}
