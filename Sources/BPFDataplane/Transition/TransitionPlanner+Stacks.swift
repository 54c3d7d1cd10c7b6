import PolicyEngine
import PolicyModel

/// Which stacks stay, and what is built.
extension TransitionPlanner {
    var wantedStacks: Set<StackID> {
        var wanted: Set<StackID> = []
        for stacks in targetLegs.values {
            wanted.insert(stacks.ingress)
            wanted.insert(stacks.egress)
        }
        return wanted
    }

    static func leftStacks(
        _ old: KernelState, _ targetLegs: [LegKey: VerdictTables.LegStacks]
    ) -> Set<KernelNumber> {
        var left: Set<KernelNumber> = []
        for (key, leg) in old.legs {
            for direction in Direction.allCases {
                let id = old.stackMeanings[leg[direction]]
                if id == nil || targetLegs[key]?[direction] != id { left.insert(leg[direction]) }
            }
        }
        return left
    }

    /// How a live stack can behave; nil when it cannot behave so.
    mutating func conduct(of stack: KernelNumber, following: Bool) -> StackConduct? {
        guard let rows = old.pairs[stack], let conduct = StackConduct(rows: rows) else { return nil }
        guard following else { return stay(conduct) }
        guard let id = old.stackMeanings[stack], let now = target.stacks[id], keepsItsRows(id, now) else { return nil }
        return follow(conduct, now, isLeft: leftStacks.contains(stack))
    }

    /// - Parameter isLeft: a leg goes from the stack, for which nothing may change before it has.
    mutating func follow(_ conduct: StackConduct, _ now: Stack, isLeft: Bool) -> StackConduct? {
        var conduct = conduct
        // First: what addresses find where they go to stand is worth more than what they pass.
        for sweep in sweeps where !follow(sweep, now, isLeft: isLeft, &conduct) { return nil }
        for turn in turns {
            let wanted = now.exact[state.exact.meaning(of: turn.after)].map(value)
            guard demand(Combination(exact: turn.after, prefix: 0), wanted, of: &conduct) else { return nil }
        }
        for crossing in crossings where !follow(crossing, now, isLeft: isLeft, &conduct) { return nil }
        return conduct
    }

    private mutating func stay(_ conduct: StackConduct) -> StackConduct? {
        var conduct = conduct
        for sweep in sweeps where !stay(sweep, &conduct) { return nil }
        for turn in turns {
            let row = conduct.value(Combination(exact: turn.before, prefix: 0))
            guard demand(Combination(exact: turn.after, prefix: 0), row, of: &conduct) else { return nil }
        }
        for crossing in crossings where !stay(crossing, &conduct) { return nil }
        return conduct
    }

    private mutating func follow(
        _ crossing: Crossing, _ now: Stack, isLeft: Bool, _ conduct: inout StackConduct
    ) -> Bool {
        let before = conduct.effect(crossing.before)
        if crossing.after.isCombined {
            let identity = state.identity(of: crossing.after)
            let own = now.combined[identity.prefix]?[identity.exact].map(value)
            guard demand(crossing.after, own, of: &conduct) else { return false }
        }
        let after = conduct.effect(crossing.after)
        if isLeft, after != before { return false }
        // Without a word of its own that changes, a verdict could not change.
        return crossing.between.allSatisfy { combination in
            work.demands += 1
            return conduct.demand(passing: combination, [before, after]) { isOccupied(combination) }
        }
    }

    /// What stands for a number before stands for the one after: `turns` and sweeps see to the rows of one number.
    private mutating func stay(_ crossing: Crossing, _ conduct: inout StackConduct) -> Bool {
        let own = crossing.before.isCombined ? conduct.value(crossing.before) : nil
        guard crossing.after.isCombined else { return own == nil }
        return ([crossing.after] + crossing.between.filter(\.isCombined)).allSatisfy { demand($0, own, of: &conduct) }
    }

    private mutating func follow(
        _ sweep: PrefixSweep, _ now: Stack, isLeft: Bool, _ conduct: inout StackConduct
    ) -> Bool {
        let meaning = state.prefixes.meaning(of: sweep.after)
        let row = now.prefixes[meaning].map(value)
        var own: [Combination: StackConduct.Value] = [:]
        for (identity, row) in now.combined[meaning] ?? [:] {
            let value = value(row)
            for number in state.exact.numbers(meaning: identity) {
                let combination = Combination(exact: number, prefix: sweep.after)
                if combination.isCombined, state.reach?.contains(combination) ?? true { own[combination] = value }
            }
        }
        if isLeft {
            let before = conduct.value(Combination(exact: 0, prefix: sweep.before))
            guard row == before, own.isEmpty, sweep.before == 0 || conduct.rows.combinedCount == 0 else { return false }
        }
        guard demand(Combination(exact: 0, prefix: sweep.after), row, of: &conduct) else { return false }
        for (combination, value) in own {
            guard demand(combination, value, of: &conduct) else { return false }
        }
        return conduct.pin(sweep, own)
    }

    private mutating func stay(_ sweep: PrefixSweep, _ conduct: inout StackConduct) -> Bool {
        let row = conduct.value(Combination(exact: 0, prefix: sweep.before))
        guard demand(Combination(exact: 0, prefix: sweep.after), row, of: &conduct) else { return false }
        var own: [Combination: StackConduct.Value] = [:]
        for (combination, row) in conduct.rows.combined(under: sweep.before, among: sweep.exact) {
            let swept = Combination(exact: combination.exact, prefix: sweep.after)
            own[swept] = .index(row)
            guard swept.isCombined, demand(swept, .index(row), of: &conduct) else { return false }
        }
        return conduct.pin(sweep, own)
    }

    /// Rows of both numbers of stacks that stay whose identity nobody has any more.
    mutating func noteLeftPairs(_ kept: [StackID: KernelNumber]) {
        for (id, stack) in kept {
            guard let changes, !changes.stacks.contains(id) else {
                state.untidyStacks.insert(stack)
                continue
            }
            for identity in changes.pairs[id] ?? [] where identity.prefix != .none && target.stacks[id]?[identity] == nil {
                for exact in old.exact.numbers(meaning: identity.exact) {
                    for prefix in old.prefixes.numbers(meaning: identity.prefix) {
                        state.untidyPairs[stack, default: []].insert(Combination(exact: exact, prefix: prefix))
                    }
                }
            }
        }
    }

    private mutating func demand(
        _ key: Combination, _ wanted: StackConduct.Value?, of conduct: inout StackConduct
    ) -> Bool {
        work.demands += 1
        return conduct.demand(key, wanted) { isOccupied(key) }
    }

    /// Whether some packet may ask for this row.
    private func isOccupied(_ key: Combination) -> Bool {
        if key.isCombined { return reach?.contains(key) ?? true }
        return key.prefix == 0 ? old.exact.isHeld(key.exact) : old.prefixes.isHeld(key.prefix)
    }

    /// Finds out what all addresses have.
    mutating func lookAtAll() {
        work.scanned += old.exact.words.count + old.prefixes.words.count
        let made = KernelPoints(of: old, moved: Set(exactMoves.map(\.key)))
        points = made
        reach = Reach(of: made)
        state.reach = reach
        // Rows for what nobody has any more are found by looking at all of them.
        for (stack, rows) in old.pairs where rows.combinedCount > 0 { state.untidyStacks.insert(stack) }
    }

    func value(_ row: RowID) -> StackConduct.Value {
        guard let content = target.rows[row], let index = old.arena.index(of: row, content) else { return .row(row) }
        return .index(index)
    }

    /// Whether every combination that an address has now and then leads to the same rows in both versions of a stack.
    private func keepsItsRows(_ id: StackID, _ now: Stack) -> Bool {
        guard let before = old.tables.stacks[id], before.base == now.base else { return false }
        if let changes, !changes.stacks.contains(id) {
            return (changes.pairs[id] ?? []).allSatisfy { before[$0] == now[$0] || !mayStay($0, isNew: before[$0] == nil) }
        }
        if before == now { return true }
        let (rowsBefore, rowsNow) = (before.pairs, now.pairs)
        return Set(rowsBefore.keys).union(rowsNow.keys).allSatisfy {
            rowsBefore[$0] == rowsNow[$0] || !mayStay($0, isNew: rowsBefore[$0] == nil)
        }
    }

    /// Whether some address may ask for the row of an identity, or of one part where the other is `none`, before and after.
    func mayStay(_ identity: Identity, isNew: Bool) -> Bool {
        let exact = old.exact.numbers(meaning: identity.exact).filter(state.exact.isHeld)
        let prefixes = old.prefixes.numbers(meaning: identity.prefix).filter(state.prefixes.isHeld)
        if exact.isEmpty || prefixes.isEmpty { return false }
        if let points {
            return points.unchanged.contains {
                (identity.exact == .none || identity.exact == $0.exact) && (identity.prefix == .none || identity.prefix == $0.prefix)
            }
        }
        if identity.exact == .none || identity.prefix == .none { return true }
        if let changes, (isNew ? changes.identities : changes.endedIdentities).contains(identity) { return false }
        return exact.contains { exact in
            prefixes.contains { reach?.contains(Combination(exact: exact, prefix: $0)) ?? true }
        }
    }

    /// Rows, the pairs that stacks in force need, and whole new stacks.
    mutating func build(
        _ additions: [(stack: KernelNumber, pairs: [Combination: StackConduct.Value])], kept: [StackID: KernelNumber]
    ) throws(TransitionError) {
        let keptNumbers = Set(kept.values)
        for (stack, pairs) in additions {
            for (combination, value) in pairs {
                let index: UInt32
                switch value {
                case .index(let present): index = present
                case .row(let row): index = try self.index(of: row)
                }
                try addPair(stack, combination, index)
            }
            if keptNumbers.contains(stack) {
                for combination in pairs.keys where combination.isCombined { state.untidy.insert(combination) }
            }
        }
        state.kernelStacks = kept
        state.stackMeanings = [:]
        for (id, stack) in kept { state.stackMeanings[stack] = id }
        let missing = wantedStacks.filter { kept[$0] == nil }.sorted()
        if missing.isEmpty { return }
        for id in missing {
            guard let stack = target.stacks[id] else { throw .inconsistent("no stack \(id.rawValue)") }
            try build(id, stack)
        }
    }

    private mutating func build(_ id: StackID, _ stack: Stack) throws(TransitionError) {
        let number = try takeNumber()
        state.kernelStacks[id] = number
        state.stackMeanings[number] = id
        state.pairs[number] = StackRows()
        try addPair(number, .base, try index(of: stack.base))
        for (identity, row) in stack.exact {
            let index = try index(of: row)
            for exact in state.exact.numbers(meaning: identity) {
                try addPair(number, Combination(exact: exact, prefix: 0), index)
            }
        }
        for (identity, row) in stack.prefixes {
            let index = try index(of: row)
            for prefix in state.prefixes.numbers(meaning: identity) {
                try addPair(number, Combination(exact: 0, prefix: prefix), index)
            }
        }
        for (prefixIdentity, rows) in stack.combined {
            let prefixNumbers = state.prefixes.numbers(meaning: prefixIdentity)
            for (identity, row) in rows {
                let index = try index(of: row)
                for exact in state.exact.numbers(meaning: identity) {
                    for prefix in prefixNumbers {
                        let combination = Combination(exact: exact, prefix: prefix)
                        if state.reach?.contains(combination) ?? true { try addPair(number, combination, index) }
                    }
                }
            }
        }
    }

    private mutating func addPair(
        _ stack: KernelNumber, _ combination: Combination, _ index: UInt32
    ) throws(TransitionError) {
        if state.pairs[stack]?.update(index, forKey: combination) == nil { state.pairCount += 1 }
        state.arena.retain(index)
        steps.append(.pair(stack: stack, combination, row: index))
        guard state.pairCount <= state.limits.pairs else {
            throw .full(map: "pairs", capacity: state.limits.pairs, needed: state.pairCount)
        }
    }

    /// Writes the row where it is not in the arena yet, and first the rows it names.
    mutating func index(of id: RowID) throws(TransitionError) -> UInt32 {
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
