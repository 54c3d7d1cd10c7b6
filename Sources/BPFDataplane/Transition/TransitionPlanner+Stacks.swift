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
        guard let rows = old.pairs[stack], var conduct = StackConduct(rows: rows) else { return nil }
        var followed: (id: StackID, stack: Stack)?
        if following {
            guard let id = old.stackMeanings[stack], let now = target.stacks[id], keepsItsRows(id, now) else { return nil }
            followed = (id, now)
        }
        let isLeft = leftStacks.contains(stack)
        // First: what addresses find where they go to stand is worth more than what they pass.
        for sweep in sweeps {
            let isPossible = followed.map { follow(sweep, $0.id, $0.stack, isLeft: isLeft, &conduct) } ?? stay(sweep, &conduct)
            if !isPossible { return nil }
        }
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

    /// Under the new number whoever has a row of its own has it since this change: the target's other pairs do not
    /// name an identity that nobody had before.
    private mutating func follow(
        _ sweep: PrefixSweep, _ id: StackID, _ now: Stack, isLeft: Bool, _ conduct: inout StackConduct
    ) -> Bool {
        let meaning = state.prefixes.meaning(of: sweep.after)
        var own: [Combination: StackConduct.Value] = [:]
        let named = changes.flatMap { $0.stacks.contains(id) ? nil : $0.pairs[id] ?? [] } ?? Set(now.pairs.keys)
        for identity in named where identity.prefix == meaning {
            guard let row = now.pairs[identity] else { continue }
            for exact in state.exact.numbers(meaning: identity.exact) {
                own[Combination(exact: exact, prefix: sweep.after)] = value(row)
            }
        }
        if isLeft {
            let base = value(now.base)
            for (combination, row) in conduct.rows
            where combination.prefix == sweep.before && sweep.exact.contains(combination.exact) {
                let after = own[Combination(exact: combination.exact, prefix: sweep.after)] ?? base
                if after != .index(row) { return false }
            }
            for (combination, after) in own
            where conduct.before(Combination(exact: combination.exact, prefix: sweep.before)) != after { return false }
        }
        for (combination, after) in own {
            guard demand(combination, [after], of: &conduct) else { return false }
        }
        return conduct.pin(sweep, own)
    }

    private mutating func stay(_ sweep: PrefixSweep, _ conduct: inout StackConduct) -> Bool {
        var own: [Combination: StackConduct.Value] = [:]
        for (combination, row) in conduct.rows
        where combination.prefix == sweep.before && sweep.exact.contains(combination.exact) {
            let swept = Combination(exact: combination.exact, prefix: sweep.after)
            own[swept] = .index(row)
            guard demand(swept, [.index(row)], of: &conduct) else { return false }
        }
        return conduct.pin(sweep, own)
    }

    /// Pairs of stacks that stay whose identity a sweep has taken the last address from.
    mutating func noteLeftPairs(_ kept: [StackID: KernelNumber]) {
        // Where another number means the same, a pair may be of no use though the tables name its identity.
        let isPlain = sweeps.allSatisfy { old.prefixes.numbers(meaning: old.prefixes.meaning(of: $0.before)).count == 1 }
        for (id, stack) in kept {
            guard isPlain, let changes, !changes.stacks.contains(id) else {
                state.untidyStacks.insert(stack)
                continue
            }
            for identity in changes.pairs[id] ?? [] where target.stacks[id]?.pairs[identity] == nil {
                for exact in old.exact.numbers(meaning: identity.exact) {
                    for prefix in old.prefixes.numbers(meaning: identity.prefix) {
                        state.untidyPairs[stack, default: []].insert(Combination(exact: exact, prefix: prefix))
                    }
                }
            }
        }
    }

    private mutating func demand(
        _ combination: Combination, _ allowed: [StackConduct.Value], of conduct: inout StackConduct
    ) -> Bool {
        work.demands += 1
        if manner == .split { return conduct.demand(combination, oneOf: allowed) { _ in false } }
        guard isCareful else {
            return conduct.demand(combination, oneOf: allowed) { old.reach?.contains($0) ?? true }
        }
        let occupied = carefulPoints().occupied
        return conduct.demand(combination, oneOf: allowed) { occupied.contains($0) }
    }

    private mutating func carefulPoints() -> KernelPoints {
        if let points { return points }
        work.scanned += old.exact.words.count + old.prefixes.words.count
        let made = KernelPoints(of: old, moved: Set(exactMoves.map(\.key)))
        points = made
        return made
    }

    private func value(_ row: RowID) -> StackConduct.Value {
        guard let content = target.rows[row], let index = old.arena.index(of: row, content) else { return .row(row) }
        return .index(index)
    }

    /// Whether every combination that an address has now and then leads to the same row in both versions of a stack.
    private mutating func keepsItsRows(_ id: StackID, _ now: Stack) -> Bool {
        guard let before = old.tables.stacks[id], before.base == now.base else { return false }
        let changed: Set<Identity>
        if let changes, !changes.stacks.contains(id) {
            guard let named = changes.pairs[id] else { return true }
            changed = named.filter { before.pairs[$0] != now.pairs[$0] }
            // An address that stays has neither an identity that nobody had before nor one that nobody has now.
            if !isCareful {
                return changed.allSatisfy { identity in
                    (before.pairs[identity] == nil && changes.identities.contains(identity))
                        || (now.pairs[identity] == nil && changes.endedIdentities.contains(identity))
                }
            }
        } else {
            if before.pairs == now.pairs { return true }
            changed = Set(before.pairs.keys).union(now.pairs.keys).filter { before.pairs[$0] != now.pairs[$0] }
        }
        let known = changed.filter {
            !old.exact.numbers(meaning: $0.exact).isEmpty && !old.prefixes.numbers(meaning: $0.prefix).isEmpty
        }
        return known.isEmpty || carefulPoints().unchanged.isDisjoint(with: known)
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
            if keptNumbers.contains(stack) { state.untidy.formUnion(pairs.keys) }
        }
        state.kernelStacks = kept
        state.stackMeanings = [:]
        for (id, stack) in kept { state.stackMeanings[stack] = id }
        let missing = wantedStacks.filter { kept[$0] == nil }.sorted()
        if missing.isEmpty { return }
        // The numbers of "in no set" are asked for with nearly every pair and can be many.
        let exactNumbers = [IdentityID.none: state.exact.numbers(meaning: .none)]
        let prefixNumbers = [IdentityID.none: state.prefixes.numbers(meaning: .none)]
        for id in missing {
            guard let stack = target.stacks[id] else { throw .inconsistent("no stack \(id.rawValue)") }
            let number = try takeNumber()
            state.kernelStacks[id] = number
            state.stackMeanings[number] = id
            state.pairs[number] = LayeredDictionary()
            try addPair(number, .base, try index(of: stack.base))
            for (identity, row) in stack.pairs {
                let index = try index(of: row)
                let exactNumbers = exactNumbers[identity.exact] ?? state.exact.numbers(meaning: identity.exact)
                let prefixNumbers = prefixNumbers[identity.prefix] ?? state.prefixes.numbers(meaning: identity.prefix)
                // Numbers that settling unites leave pairs that nobody can be at.
                if exactNumbers.count + prefixNumbers.count > 2 { state.untidyStacks.insert(number) }
                for exact in exactNumbers {
                    for prefix in prefixNumbers { try addPair(number, Combination(exact: exact, prefix: prefix), index) }
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
