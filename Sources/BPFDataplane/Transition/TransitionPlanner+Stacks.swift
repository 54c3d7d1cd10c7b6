import PolicyEngine
import PolicyModel

/// Which stacks stay, and what is built.
extension TransitionPlanner {
    private var wantedStacks: Set<StackID> {
        var wanted: Set<StackID> = []
        for stacks in targetLegs.values {
            wanted.insert(stacks.ingress)
            wanted.insert(stacks.egress)
        }
        return wanted
    }

    /// How a live stack can behave; nil when it cannot behave so.
    mutating func conduct(of stack: KernelNumber, following: Bool) -> StackConduct? {
        guard let rows = old.pairs[stack], var conduct = StackConduct(rows: rows) else { return nil }
        var followed: (id: StackID, stack: Stack)?
        if following {
            guard let id = old.stackMeanings[stack], let now = target.stacks[id], keepsItsRows(id, now) else { return nil }
            followed = (id, now)
        }
        let isLeft = isLeft(stack)
        for crossing in crossings {
            let before = conduct.before(crossing.before)
            let after = followed.map { value($0.stack.pairs[crossing.identity] ?? $0.stack.base) } ?? before
            if isLeft, after != before { return nil }
            // Without a word of its own that changes, a verdict could not change.
            guard demand(crossing.after, [after], of: &conduct) else { return nil }
            for combination in crossing.between {
                guard demand(combination, [before, after], of: &conduct) else { return nil }
            }
        }
        return conduct
    }

    private mutating func demand(
        _ combination: Combination, _ allowed: [StackConduct.Value], of conduct: inout StackConduct
    ) -> Bool {
        if points == nil, manner != .split {
            points = KernelPoints(of: old, moved: Set(exactMoves.map(\.key)))
        }
        let occupied = points?.occupied
        return conduct.demand(combination, oneOf: allowed) { occupied?.contains($0) ?? false }
    }

    private func value(_ row: RowID) -> StackConduct.Value {
        guard let content = target.rows[row], let index = old.arena.index(of: row, content) else { return .row(row) }
        return .index(index)
    }

    /// Whether a leg goes from the stack to another, or goes altogether.
    private func isLeft(_ stack: KernelNumber) -> Bool {
        guard let id = old.stackMeanings[stack] else { return true }
        return old.legs.contains { key, leg in
            (leg.ingress == stack && targetLegs[key]?.ingress != id)
                || (leg.egress == stack && targetLegs[key]?.egress != id)
        }
    }

    /// Whether every combination that an address has now and then leads to the same row in both versions of a stack.
    private mutating func keepsItsRows(_ id: StackID, _ now: Stack) -> Bool {
        guard let before = old.tables.stacks[id], before.base == now.base else { return false }
        if before.pairs == now.pairs { return true }
        let changed = Set(before.pairs.keys).union(now.pairs.keys).filter { before.pairs[$0] != now.pairs[$0] }
        let exactHeld = old.exact.numbersByMeaning()
        let prefixesHeld = old.prefixes.numbersByMeaning()
        let known = changed.filter { exactHeld[$0.exact] != nil && prefixesHeld[$0.prefix] != nil }
        if known.isEmpty { return true }
        if points == nil { points = KernelPoints(of: old, moved: Set(exactMoves.map(\.key))) }
        return points?.unchanged.isDisjoint(with: known) ?? false
    }

    /// Rows, the pairs that stacks in force need, and whole new stacks.
    mutating func build(
        _ additions: [(stack: KernelNumber, pairs: [Combination: StackConduct.Value])], kept: [StackID: KernelNumber]
    ) throws(TransitionError) {
        for (stack, pairs) in additions {
            for (combination, value) in pairs {
                let index: UInt32
                switch value {
                case .index(let present): index = present
                case .row(let row): index = try self.index(of: row)
                }
                try addPair(stack, combination, index)
            }
            if kept.values.contains(stack) { state.untidyStacks.insert(stack) }
        }
        state.kernelStacks = kept
        state.stackMeanings = [:]
        for (id, stack) in kept { state.stackMeanings[stack] = id }
        let missing = wantedStacks.filter { kept[$0] == nil }.sorted()
        if missing.isEmpty { return }
        let exactNumbers = state.exact.numbersByMeaning()
        let prefixNumbers = state.prefixes.numbersByMeaning()
        for id in missing {
            guard let stack = target.stacks[id] else { throw .inconsistent("no stack \(id.rawValue)") }
            let number = try takeNumber()
            state.kernelStacks[id] = number
            state.stackMeanings[number] = id
            state.pairs[number] = [:]
            try addPair(number, .base, try index(of: stack.base))
            for (identity, row) in stack.pairs {
                let index = try index(of: row)
                for exact in exactNumbers[identity.exact] ?? [] {
                    for prefix in prefixNumbers[identity.prefix] ?? [] {
                        try addPair(number, Combination(exact: exact, prefix: prefix), index)
                    }
                }
            }
        }
    }

    private mutating func addPair(
        _ stack: KernelNumber, _ combination: Combination, _ index: UInt32
    ) throws(TransitionError) {
        if state.pairs[stack]?.updateValue(index, forKey: combination) == nil { state.pairCount += 1 }
        state.arena.retain(index)
        steps.append(.pair(stack: stack, combination, row: index))
        guard state.pairCount <= state.limits.pairs else {
            throw .full(map: "pairs", capacity: state.limits.pairs, needed: state.pairCount)
        }
    }

    /// Writes the row where it is not in the arena yet, and first the rows it names.
    private mutating func index(of id: RowID) throws(TransitionError) -> UInt32 {
        guard let row = target.rows[id] else { throw .inconsistent("no row \(id.rawValue)") }
        if let index = state.arena.index(of: id, row) { return index }
        var words = [UInt64(row.ranges.count)]
        var children: [UInt32] = []
        for range in row.ranges {
            let outcome: KernelOutcome
            switch range.outcome {
            case .decide(let decision):
                guard let number = decisions[decision], let content = target.decisions[decision] else {
                    throw .inconsistent("no decision \(decision.rawValue)")
                }
                outcome = KernelOutcome(content, number: number)
            case .sourcePorts(let child):
                guard child != id else { throw .inconsistent("row \(id.rawValue) names itself") }
                let index = try index(of: child)
                children.append(index)
                outcome = .sourcePorts(index)
            case .inherit:
                outcome = .inherit
            }
            words.append(UInt64(outcome.word) << 32 | UInt64(range.start))
        }
        guard let index = state.arena.allocate(words: words.count) else {
            let needed = state.arena.used + words.count
            throw .full(map: "arena", capacity: state.arena.capacity, needed: needed)
        }
        state.arena.note(id, row, at: index, naming: children)
        steps.append(.row(index: index, words: words))
        return index
    }
}
