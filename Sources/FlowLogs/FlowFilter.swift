import PolicyModel

/// Which flow records are asked for: those for which everything holds that is set.
public struct FlowFilter: Sendable, Hashable {
    /// A policy or profile by its name; in a text `NAME`, or `SCOPE/NAME` with the policy's namespace or its tier.
    public struct PolicyName: Sendable, Hashable {
        public var scope: String?
        public var name: String

        /// nil for a text that is no such name.
        public init?(_ text: String) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard (1...2).contains(parts.count), !parts.contains("") else { return nil }
            scope = parts.count == 2 ? parts[0] : nil
            name = parts[parts.count - 1]
        }

        /// Whether it had a part in the decision: its rule decided, or its tier ended for it.
        public func isPart(of reason: Reason) -> Bool {
            switch reason {
            case .rule(let tier, let policy, _): names(policy, tier: tier)
            case .endOfTier(let tier, let triggers): triggers.contains { names($0, tier: tier) }
            case .profile(let profile, _): scope == nil && profile == name
            case .noProfile: false
            }
        }

        private func names(_ policy: PolicyReference, tier: String) -> Bool {
            guard policy.name == name else { return false }
            guard let scope else { return true }
            return policy.namespace == scope || tier == scope
        }
    }

    /// Of either end.
    public var namespace: String?
    /// Of each set a workload is one of the ends.
    public var workloads: [Set<EndpointKey>] = []
    /// Each matches the labels that one of the ends had.
    public var labels: [Selector] = []
    /// A protocol number.
    public var transport: UInt8?
    /// That was addressed; `type << 8 | code` for ICMP.
    public var destinationPort: UInt16?
    public var verdict: Verdict?
    /// Of the decision, or of the one that the staged policies would have made.
    public var policy: PolicyName?
    /// Nanoseconds since 1970: records that ended then or later.
    public var since: Int64?

    public init() {}
}
