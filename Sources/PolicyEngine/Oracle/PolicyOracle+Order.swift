import PolicyModel

extension PolicyOracle {
    /// The tiers of a world with their policies, both in the order in which they are asked. Policies whose tier does not exist
    /// are left out.
    public static func order(of world: PolicyWorld) -> [(tier: Tier, policies: [Policy])] {
        OracleStack(world.enforcedPolicies, in: world).tiers.map { ($0.tier, $0.policies.map(\.policy)) }
    }
}

extension PolicyOracle {
    /// The network sets of the world by name, each with the labels that selectors see: `NetworkSet NAMESPACE/NAME`,
    /// `GlobalNetworkSet NAME`.
    public var networkSets: [(name: String, labels: [String: String])] {
        peers.networkSets.map { ($0.peer.name, $0.peer.labels) }
    }
}
