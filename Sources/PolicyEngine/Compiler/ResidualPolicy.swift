import PolicyModel

/// What is left of a policy when direction, IP version and the local end's address are known.
struct ResidualPolicy: Hashable {
    var reference: PolicyReference
    var rules: [ResidualRule]
}

struct ResidualID: InternedID {
    let rawValue: Int32
}

struct ResidualRule: Hashable {
    var index: Int32
    var action: RuleAction
    var ports: PortCondition
    /// The sets that the peer must be in, all of them; at most two.
    var peers: [SetNumber]
}

/// Names a residual policy before it is computed.
struct ResidualKey: Hashable {
    var policyRevision: Int32
    var direction: Direction
    var version: IPVersion
    /// Whether each rule's local side holds; empty where no rule has one.
    var localSides: [Bool]
}

/// The content that gives a stack its number.
struct StackContent: Hashable {
    struct TierContent: Hashable {
        var name: String
        var defaultAction: Tier.DefaultAction
        /// In order.
        var policies: [ResidualID]
    }

    var version: IPVersion
    var tiers: [TierContent]
    /// nil: no profile exists.
    var profile: String?
}
