import PolicyModel

/// One step of a stack's evaluation: one way to match a rule, the end of a tier, or the end of all.
struct StackEntry: Sendable {
    /// What happens when it matches.
    enum Step: Sendable {
        case end(EndingID, rejects: Bool)
        /// Evaluation goes on at `next`.
        case leave
        /// The next entry is asked.
        case log(LogID)
    }

    var step: Step
    /// The first entry of the next tier or profile.
    var next: Int32
    var ports: PortCondition
    var worlds: Worlds
    /// Equal for the alternatives of one rule.
    var rule: Int32
    /// Indexes of sets in `CompiledStack.sets`: the peer must be in all of them.
    var peers: [Int32] = []
    var exclusions: [Exclusion] = []

    struct Exclusion: Sendable {
        /// Index in `CompiledStack.sets`.
        var set: Int32
        var ports: PortExclusion
    }

    /// What the entry asks of ports for a peer that is in the sets of `held` (sorted indexes); nil: it does not match.
    func ports(_ held: [Int32]) -> PortCondition? {
        for set in peers where !held.sortedContains(set) { return nil }
        var result: PortCondition? = ports
        for exclusion in exclusions where held.sortedContains(exclusion.set) {
            result = result?.without(exclusion.ports)
        }
        return result
    }

    /// An entry that some packet of a peer can match.
    struct Chosen {
        var position: Int
        var ports: PortCondition
    }
}

/// A verdict with its reason, interned.
struct EndingID: InternedID {
    let rawValue: Int32
}

/// A Log rule, interned.
struct LogID: InternedID {
    let rawValue: Int32
}

struct Ending: Hashable, Sendable {
    var verdict: Verdict
    var reason: Reason
}
