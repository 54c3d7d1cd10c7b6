import PolicyModel

/// One step of a stack's evaluation: a rule, the end of a tier, or the end of all.
struct StackEntry {
    /// Where evaluation ends when the entry matches; nil: goes on at `next`.
    var decision: DecisionID?
    /// The first entry of the next tier.
    var next: Int
    var ports: PortCondition
    /// The end of a tier, or of all: matches every packet.
    var isEnd: Bool
}

/// A stack made ready to compute rows: all rules in one list, those without a peer condition evaluated.
struct CompiledStack {
    /// What the rules without a peer condition lead to, on `start` up to the next segment's start.
    struct BaseSegment {
        var start: UInt32
        var outcome: RowOutcome
        /// The first entry that matches.
        var first: Int32
        /// No entry after it is ever asked.
        var last: Int32
    }

    let entries: [StackEntry]
    /// Positions of the entries without a peer condition, ends included.
    let unconditional: [Int]
    let base: [BaseSegment]
    /// What holds for each run of `blockLength` segments.
    let baseBlocks: [BaseBlock]
    let baseRow: RowID

    static let blockLength = 64

    struct BaseBlock {
        /// The smallest `first` and the largest `last` of its segments.
        var first: Int32
        var last: Int32
    }

    /// The sets that rules ask for, sorted, each with the rules that are found through it.
    let peerSets: [SetNumber]
    let rulesOfPeerSet: [[PeerRule]]

    /// Every set that a rule asks for, sorted.
    let sets: [SetNumber]

    struct PeerRule {
        var entry: Int
        /// Must hold too; nil: nothing more.
        var other: SetNumber?
    }

    /// Interns the decisions of all entries and the base row.
    init(_ content: StackContent, residuals: (ResidualID) -> ResidualPolicy?, rows: inout RowStore) {
        var entries: [StackEntry] = []
        var unconditional: [Int] = []
        var rulesBySet: [SetNumber: [PeerRule]] = [:]
        let always = PortCondition.always

        for tier in content.tiers {
            let policies = tier.policies.compactMap(residuals)
            let end = tier.defaultAction == .deny ? 1 : 0
            let next = entries.count + policies.reduce(0) { $0 + $1.rules.count } + end
            for policy in policies {
                for rule in policy.rules {
                    let reason = Reason.rule(tier: tier.name, policy: policy.reference, index: Int(rule.index))
                    let decision: DecisionID? =
                        switch rule.action {
                        case .allow: rows.intern(Decision(.allow, reason))
                        case .deny: rows.intern(Decision(.deny, reason))
                        case .pass, .log: nil
                        }
                    if let set = rule.peers.first {
                        let other = rule.peers.count > 1 ? rule.peers[1] : nil
                        rulesBySet[set, default: []].append(PeerRule(entry: entries.count, other: other))
                    } else {
                        unconditional.append(entries.count)
                    }
                    entries.append(StackEntry(decision: decision, next: next, ports: rule.ports, isEnd: false))
                }
            }
            if tier.defaultAction == .deny {
                let reason = Reason.endOfTier(tier: tier.name, triggers: policies.map(\.reference))
                unconditional.append(entries.count)
                entries.append(
                    StackEntry(decision: rows.intern(Decision(.deny, reason)), next: next, ports: always, isEnd: true))
            }
        }
        let final =
            content.profile.map { Decision(.allow, .profile(name: $0, index: 0)) } ?? Decision(.deny, .noProfile)
        unconditional.append(entries.count)
        entries.append(
            StackEntry(decision: rows.intern(final), next: entries.count + 1, ports: always, isEnd: true))

        self.entries = entries
        self.unconditional = unconditional
        peerSets = rulesBySet.keys.sorted()
        rulesOfPeerSet = peerSets.map { rulesBySet[$0] ?? [] }
        sets = Set(rulesBySet.flatMap { set, rules in [set] + rules.compactMap(\.other) }).sorted()

        var segments: [BaseSegment] = []
        var ranges = RowRanges()
        let evaluation = EntryEvaluation(entries: entries)
        evaluation.sweep(unconditional, from: 0, to: PortCondition.keyEnd, rows: &rows) { start, outcome, first, last in
            segments.append(BaseSegment(start: start, outcome: outcome, first: Int32(first), last: Int32(last)))
            ranges.append(start, outcome)
        }
        base = segments
        baseBlocks = stride(from: 0, to: segments.count, by: Self.blockLength).map { start in
            let block = segments[start..<min(start + Self.blockLength, segments.count)]
            return BaseBlock(first: block.map(\.first).min() ?? 0, last: block.map(\.last).max() ?? 0)
        }
        baseRow = rows.intern(Row(ranges: ranges.ranges))
    }

    var decisions: [DecisionID] { entries.compactMap(\.decision) }

    /// The positions of the rules that ask for sets and are met by an address in `exact` and `prefix` (sorted), in order.
    func matchingRules(exact: [SetNumber], prefix: [SetNumber]) -> [Int] {
        guard !peerSets.isEmpty else { return [] }
        var result: [Int] = []
        forEachCommon(exact) { collect($0, exact, prefix, &result) }
        forEachCommon(prefix) { index in
            // A set in both parts was met already.
            if !exact.sortedContains(peerSets[index]) { collect(index, exact, prefix, &result) }
        }
        return result.sorted()
    }

    private func collect(_ index: Int, _ exact: [SetNumber], _ prefix: [SetNumber], _ result: inout [Int]) {
        for rule in rulesOfPeerSet[index] {
            if let other = rule.other, !exact.sortedContains(other), !prefix.sortedContains(other) { continue }
            result.append(rule.entry)
        }
    }

    /// Calls `body` with the index in `peerSets` of each element of `sets` that is there.
    private func forEachCommon(_ sets: [SetNumber], _ body: (Int) -> Void) {
        if sets.count <= peerSets.count {
            for set in sets {
                let index = peerSets.firstIndex(notBelow: set)
                if index < peerSets.count, peerSets[index] == set { body(index) }
            }
        } else {
            for (index, set) in peerSets.enumerated() where sets.sortedContains(set) { body(index) }
        }
    }
}

extension PortCondition {
    static let always = PortCondition(keys: [KeyInterval(start: 0, end: keyEnd)])

    private init(keys: [KeyInterval]) {
        self.keys = keys
        sourcePorts = nil
    }
}

/// Ranges under construction: equal neighbours become one.
struct RowRanges {
    private(set) var ranges: [Row.Range] = []

    mutating func append(_ start: UInt32, _ outcome: RowOutcome) {
        if ranges.last?.outcome != outcome { ranges.append(Row.Range(start: start, outcome: outcome)) }
    }
}
