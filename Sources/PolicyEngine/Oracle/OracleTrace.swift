import PolicyModel

/// Everything the oracle asked on the way to one decision, in order. What comes after the deciding tier or profile is not
/// listed.
public struct OracleTrace: Sendable, Hashable {
    /// Whether a policy speaks of the endpoint's traffic in the direction, or the first thing that stands against it.
    public enum Applicability: Sendable, Hashable {
        case applies
        /// Its types leave the direction out.
        case otherDirection
        /// A NetworkPolicy of another namespace.
        case otherNamespace
        /// The endpoint's namespace does not match its namespaceSelector.
        case namespaceSelector
        /// The endpoint's service account does not match its serviceAccountSelector.
        case serviceAccountSelector
        /// The endpoint's labels do not match its selector.
        case selector
    }

    public enum TierOutcome: Sendable, Hashable {
        /// No policy of the tier applies, so the tier is skipped.
        case noPolicyApplies
        /// A rule allowed or denied.
        case decided
        /// A Pass rule left the tier.
        case passed(policy: PolicyReference, index: Int)
        /// No rule matched.
        case endOfTier(Tier.DefaultAction)
    }

    public struct RuleTrace: Sendable, Hashable {
        /// As the user wrote the list, from 0.
        public var index: Int
        public var rule: PolicyRule
        /// nil: the rule matched.
        public var mismatch: RuleMismatch?

        public var matched: Bool { mismatch == nil }
    }

    public struct PolicyTrace: Sendable, Hashable {
        public var policy: Policy
        /// What reasons name: the policy, or the staged object that would enforce it.
        public var reference: PolicyReference
        public var applicability: Applicability
        /// Up to the one that decided; empty for policies that do not apply or come after the one that decided.
        public var rules: [RuleTrace]
    }

    public struct TierTrace: Sendable, Hashable {
        public var tier: Tier
        /// Every policy of the tier, in order.
        public var policies: [PolicyTrace]
        public var outcome: TierOutcome
    }

    public struct ProfileTrace: Sendable, Hashable {
        public var name: String
        /// False: there is no such profile, and the packet is denied.
        public var exists: Bool
        /// Up to the one that decided, or passed on.
        public var rules: [RuleTrace]
    }

    public var endpoint: EndpointKey
    public var direction: Direction
    public var packet: PacketTuple
    public var tiers: [TierTrace]
    /// Asked when no tier decided.
    public var profiles: [ProfileTrace]
    /// Policies whose tier does not exist: they do not act.
    public var strays: [PolicyReference]
    public var decision: Decision

    mutating func appendPolicy(_ policy: PolicyTrace) {
        guard !tiers.isEmpty else { return }
        tiers[tiers.count - 1].policies.append(policy)
    }

    mutating func appendRule(_ rule: RuleTrace) {
        guard let tier = tiers.indices.last, let policy = tiers[tier].policies.indices.last else { return }
        tiers[tier].policies[policy].rules.append(rule)
    }

    mutating func appendProfileRule(_ rule: RuleTrace) {
        guard !profiles.isEmpty else { return }
        profiles[profiles.count - 1].rules.append(rule)
    }

    mutating func setOutcome(_ outcome: TierOutcome) {
        guard !tiers.isEmpty else { return }
        tiers[tiers.count - 1].outcome = outcome
    }
}
