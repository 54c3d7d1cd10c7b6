import PolicyModel

/// A stack made ready to compute rows: all rules in one list, those that ask for no set evaluated.
struct CompiledStack: Sendable {
    /// What the entries that ask the peer for no set lead to, on `start` up to the next segment's start. An entry that only excludes
    /// sets is one of them: it matches who is in none.
    struct BaseSegment: Sendable {
        var start: UInt32
        var outcome: RowOutcome
        /// The first entry that matches.
        var first: Int32
        /// No entry after it is ever asked.
        var last: Int32
    }

    let entries: [StackEntry]
    /// Where nothing else decides.
    let final: EndingID
    /// Whether some entry takes part in one evaluation only.
    let hasPending: Bool
    /// Positions of the entries that ask for no set, ends included.
    let unconditional: [Int]
    let base: [BaseSegment]
    /// What holds for each run of `blockLength` segments.
    let baseBlocks: [BaseBlock]
    let baseRow: RowID

    static let blockLength = 64

    struct BaseBlock: Sendable {
        /// The smallest `first` and the largest `last` of its segments.
        var first: Int32
        var last: Int32
    }

    /// Every set that an entry asks for or excludes, sorted.
    let sets: [SetNumber]
    /// The entries that are found through a set: those that exclude it, and those whose first condition it is.
    let entriesOfSet: [[Int32]]

    /// Interns the endings and Log rules of all entries, and the base row.
    init(_ content: StackContent, residuals: (ResidualID) -> ResidualPolicy?, rows: inout RowStore) {
        var list = EntryList()
        // Moved, not copied: nobody else may hold the store while it grows.
        swap(&list.rows, &rows)
        for tier in content.tiers {
            list.append(tier, policies: tier.policies.compactMap { part in residuals(part.residual).map { ($0, part.worlds) } })
        }
        for profile in content.profiles {
            guard let residual = profile.flatMap(residuals) else { break }
            list.append(profile: residual)
        }
        let final = list.appendEnd()
        swap(&list.rows, &rows)

        let sets = Set(list.entries.flatMap { $0.peers + $0.exclusions.map(\.set) }).sorted()
        let indexes = Dictionary(uniqueKeysWithValues: sets.enumerated().map { ($1, Int32($0)) })
        var entriesOfSet = [[Int32]](repeating: [], count: sets.count)
        var unconditional: [Int] = []
        for position in list.entries.indices {
            list.entries[position].peers = list.entries[position].peers.compactMap { indexes[$0] }
            for place in list.entries[position].exclusions.indices {
                let set = indexes[list.entries[position].exclusions[place].set] ?? 0
                list.entries[position].exclusions[place].set = set
                entriesOfSet[Int(set)].append(Int32(position))
            }
            if let first = list.entries[position].peers.first {
                entriesOfSet[Int(first)].append(Int32(position))
            } else {
                unconditional.append(position)
            }
        }
        let entries = list.entries
        self.entries = entries
        self.sets = sets
        self.entriesOfSet = entriesOfSet
        self.unconditional = unconditional
        hasPending = entries.contains { $0.worlds != .both }

        var segments: [BaseSegment] = []
        var ranges = RowRanges()
        self.final = final
        let evaluation = EntryEvaluation(entries: entries, hasPending: hasPending, final: final)
        let chosen = unconditional.map { StackEntry.Chosen(position: $0, ports: entries[$0].ports) }
        evaluation.sweep(chosen, from: 0, to: KeySet.keyEnd, rows: &rows) { start, outcome, first, last in
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

    var evaluation: EntryEvaluation { EntryEvaluation(entries: entries, hasPending: hasPending, final: final) }

    /// The endings and Log rules that its entries name.
    var names: (endings: Set<EndingID>, logs: Set<LogID>) {
        var endings: Set<EndingID> = []
        var logs: Set<LogID> = []
        for entry in entries {
            switch entry.step {
            case .end(let ending, _): endings.insert(ending)
            case .log(let log): logs.insert(log)
            case .leave: break
            }
        }
        return (endings, logs)
    }

    /// The indexes in `sets` of those that an address in `exact` and `prefix` (sorted) is in, sorted.
    func held(exact: [SetNumber], prefix: [SetNumber]) -> [Int32] {
        var result = held(exact)
        if !prefix.isEmpty {
            let more = held(prefix)
            if result.isEmpty { return more }
            if !more.isEmpty { result = Set(result).union(more).sorted() }
        }
        return result
    }

    /// As the other, of one list of sets.
    func held(_ other: [SetNumber]) -> [Int32] {
        var result: [Int32] = []
        if other.count <= sets.count {
            for set in other {
                let index = sets.firstIndex(notBelow: set)
                if index < sets.count, sets[index] == set { result.append(Int32(index)) }
            }
        } else {
            for (index, set) in sets.enumerated() where other.sortedContains(set) { result.append(Int32(index)) }
        }
        return result
    }
}

/// The entries of a stack under construction.
private struct EntryList {
    var entries: [StackEntry] = []
    var rows = RowStore()
    private var nextRule: Int32 = 0

    init() {}

    mutating func append(_ tier: StackContent.TierContent, policies: [(residual: ResidualPolicy, worlds: Worlds)]) {
        let start = entries.count
        for (residual, worlds) in policies {
            guard case .policy(let reference) = residual.owner else { continue }
            let rejects = (residual.denyAction ?? tier.denyAction) == .reject
            append(residual, worlds: worlds, rejects: rejects) { index in
                (
                    .rule(tier: tier.name, policy: reference, index: index),
                    RuleReference(tier: tier.name, policy: reference, index: index)
                )
            }
        }
        if tier.defaultAction == .deny {
            let enforced = Self.triggers(policies, in: .enforced)
            let pending = Self.triggers(policies, in: .pending)
            let ends: [([PolicyReference], Worlds)] =
                enforced == pending ? [(enforced, .both)] : [(enforced, .enforced), (pending, .pending)]
            for (triggers, worlds) in ends where !triggers.isEmpty {
                let ending = rows.intern(Ending(verdict: .deny, reason: .endOfTier(tier: tier.name, triggers: triggers)))
                appendAlways(.end(ending, rejects: tier.denyAction == .reject), worlds)
            }
        }
        close(from: start)
    }

    private static func triggers(
        _ policies: [(residual: ResidualPolicy, worlds: Worlds)], in worlds: Worlds
    ) -> [PolicyReference] {
        policies.compactMap { policy in
            guard policy.worlds.contains(worlds), case .policy(let reference) = policy.residual.owner else { return nil }
            return reference
        }
    }

    mutating func append(profile residual: ResidualPolicy) {
        guard case .profile(let name) = residual.owner else { return }
        let start = entries.count
        let reference = PolicyReference(kind: "Profile", namespace: "", name: name)
        append(residual, worlds: .both, rejects: false) { index in
            (.profile(name: name, index: index), RuleReference(tier: "", policy: reference, index: index))
        }
        close(from: start)
    }

    mutating func appendEnd() -> EndingID {
        let start = entries.count
        let ending = rows.intern(Ending(verdict: .deny, reason: .noProfile))
        appendAlways(.end(ending, rejects: false), .both)
        close(from: start)
        return ending
    }

    private mutating func append(
        _ residual: ResidualPolicy, worlds: Worlds, rejects: Bool,
        names: (Int) -> (reason: Reason, reference: RuleReference)
    ) {
        var position: Int32 = -1
        var step = StackEntry.Step.leave
        for rule in residual.rules {
            if rule.position != position {
                position = rule.position
                nextRule += 1
                let (reason, reference) = names(Int(rule.index))
                step =
                    switch rule.action {
                    case .allow: .end(rows.intern(Ending(verdict: .allow, reason: reason)), rejects: false)
                    case .deny: .end(rows.intern(Ending(verdict: .deny, reason: reason)), rejects: rejects)
                    case .pass: .leave
                    case .log: .log(rows.intern(reference))
                    }
            }
            // What would be logged is not told.
            if rule.action == .log, !worlds.contains(.enforced) { continue }
            entries.append(
                StackEntry(
                    step: step, next: 0, ports: rule.ports, worlds: worlds, rule: nextRule, peers: rule.peers,
                    exclusions: rule.exclusions.map { StackEntry.Exclusion(set: $0.set, ports: $0.ports) }))
        }
    }

    private mutating func appendAlways(_ step: StackEntry.Step, _ worlds: Worlds) {
        nextRule += 1
        entries.append(StackEntry(step: step, next: 0, ports: .always, worlds: worlds, rule: nextRule))
    }

    /// Whoever leaves this tier or profile goes on behind it.
    private mutating func close(from start: Int) {
        for position in start..<entries.count { entries[position].next = Int32(entries.count) }
    }
}

/// Ranges under construction: equal neighbours become one.
struct RowRanges {
    private(set) var ranges: [Row.Range] = []

    mutating func append(_ start: UInt32, _ outcome: RowOutcome) {
        if ranges.last?.outcome != outcome { ranges.append(Row.Range(start: start, outcome: outcome)) }
    }
}
