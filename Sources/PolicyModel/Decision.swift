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

/// A rule of a policy, or of a profile where the policy's kind is `Profile`.
public struct RuleReference: Sendable, Hashable, Codable {
    /// Empty for a profile.
    public var tier: String
    public var policy: PolicyReference
    public var index: Int

    public init(tier: String, policy: PolicyReference, index: Int) {
        self.tier = tier
        self.policy = policy
        self.index = index
    }
}

/// A verdict with its reason, and what the staged policies would have made of it.
public struct Decision: Sendable, Hashable, Codable {
    /// A verdict of the world in which the staged policies were enforced.
    public struct Pending: Sendable, Hashable, Codable {
        public var verdict: Verdict
        public var reason: Reason

        public init(_ verdict: Verdict, _ reason: Reason) {
            self.verdict = verdict
            self.reason = reason
        }
    }

    public var verdict: Verdict
    public var reason: Reason
    /// nil: the same verdict for the same reason.
    public var pending: Pending?
    /// A denial is told to who sent the packet.
    public var rejects: Bool
    /// The Log rules that the packet met before the one that decided, in order.
    public var logged: [RuleReference]

    public init(
        _ verdict: Verdict, _ reason: Reason, pending: Pending? = nil, rejects: Bool = false, logged: [RuleReference] = []
    ) {
        self.verdict = verdict
        self.reason = reason
        self.pending = pending
        self.rejects = rejects
        self.logged = logged
    }

    /// Members that are absent have the value that says nothing: a log of decisions outlives releases.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        verdict = try container.decode(Verdict.self, forKey: .verdict)
        reason = try container.decode(Reason.self, forKey: .reason)
        pending = try container.decodeIfPresent(Pending.self, forKey: .pending)
        rejects = try container.decodeIfPresent(Bool.self, forKey: .rejects) ?? false
        logged = try container.decodeIfPresent([RuleReference].self, forKey: .logged) ?? []
    }
}
