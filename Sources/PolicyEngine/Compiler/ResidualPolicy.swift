import PolicyModel

/// What is left of a policy or profile when direction, IP version and the local end's address are known.
struct ResidualPolicy: Hashable, Sendable {
    /// Whose rules they are.
    enum Owner: Hashable, Sendable {
        case policy(PolicyReference)
        case profile(String)
    }

    var owner: Owner
    var rules: [ResidualRule]
    /// nil: as the tier says.
    var denyAction: DenyAction?
}

struct ResidualID: InternedID {
    let rawValue: Int32
}

struct ResidualRule: Hashable, Sendable {
    /// Several alternatives of one rule follow each other.
    var position: Int32
    var index: Int32
    var action: RuleAction
    var ports: PortCondition
    /// The sets that the peer must be in, all of them.
    var peers: [SetNumber]
    var exclusions: [CompiledRule.Exclusion]

    /// What is left of a rule for a local address in sets for which `holds` is true.
    static func left(of rule: CompiledRule, holds: (SetNumber) -> Bool) -> [ResidualRule] {
        let taken = rule.localExclusions.filter { holds($0.set) }
        return rule.alternatives.compactMap { alternative in
            guard alternative.local.allSatisfy(holds) else { return nil }
            var ports: PortCondition? = alternative.ports
            for exclusion in taken { ports = ports?.without(exclusion.ports) }
            return ports.map {
                ResidualRule(
                    position: rule.position, index: rule.index, action: rule.action, ports: $0, peers: alternative.peers,
                    exclusions: rule.peerExclusions)
            }
        }
    }
}

/// Names a residual policy before it is computed.
struct ResidualKey: Hashable, Sendable {
    var revision: Int32
    var direction: Direction
    var version: IPVersion
    /// The local endpoint's labels, where rules compare with them.
    var subject: SubjectValues
    /// Whether the local address is in each set that the rules ask it about.
    var holds: [Bool]
}

/// In which evaluations something takes part.
struct Worlds: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    /// Decides packets.
    static let enforced = Worlds(rawValue: 1)
    /// As if staged policies were enforced.
    static let pending = Worlds(rawValue: 2)
    static let both: Worlds = [.enforced, .pending]
}

/// The content that gives a stack its number.
struct StackContent: Hashable, Sendable {
    struct TierContent: Hashable, Sendable {
        var name: String
        var defaultAction: Tier.DefaultAction
        var denyAction: DenyAction
        /// In order.
        var policies: [PolicyPart]
    }

    struct PolicyPart: Hashable, Sendable {
        var residual: ResidualID
        var worlds: Worlds
    }

    var version: IPVersion
    var tiers: [TierContent]
    /// In order, up to the first that does not exist: nil.
    var profiles: [ResidualID?]
}
