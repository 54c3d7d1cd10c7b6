/// What finally happens to a packet at one end.
public enum Verdict: UInt8, Sendable, Hashable, Codable, CaseIterable {
    case deny = 0
    case allow = 1
}

/// Names one policy object.
public struct PolicyReference: Sendable, Hashable, Codable {
    /// As in the API: `NetworkPolicy`, `GlobalNetworkPolicy`.
    public var kind: String
    /// Empty for kinds without a namespace.
    public var namespace: String
    public var name: String

    public init(kind: String, namespace: String, name: String) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }
}

/// Why a verdict is what it is.
public enum Reason: Sendable, Hashable, Codable {
    /// The rule at `index` (as the user wrote the list, from 0) of a policy in a tier.
    case rule(tier: String, policy: PolicyReference, index: Int)
    /// No rule of the tier matched; `triggers` are all its policies that select the endpoint for the direction, in order.
    case endOfTier(tier: String, triggers: [PolicyReference])
    /// A profile's rule, after all tiers.
    case profile(name: String, index: Int)
    /// No tier decided and no profile of the endpoint exists or matched: denied.
    case noProfile
}

/// A verdict with its reason.
public struct Decision: Sendable, Hashable, Codable {
    public var verdict: Verdict
    public var reason: Reason

    public init(_ verdict: Verdict, _ reason: Reason) {
        self.verdict = verdict
        self.reason = reason
    }
}
