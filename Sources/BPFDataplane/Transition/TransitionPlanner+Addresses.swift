import PolicyEngine
import PolicyModel

/// Which addresses and prefixes get other numbers.
extension TransitionPlanner {
    private struct Origin: Hashable {
        var number: KernelNumber
        var identity: IdentityID
    }

    mutating func planMoves() throws(TransitionError) {
        try planPrefixMoves()
        try planExactMoves()
    }

    private mutating func planExactMoves() throws(TransitionError) {
        let keys = changedAddresses()
        work.keys += keys.count
        var fresh: [Origin: KernelNumber] = [:]
        for address in keys.sorted() {
            let present = old.exact.words[address]
            let wanted = target.exact[address] ?? .none
            guard let number = try number(for: wanted, from: present ?? 0, in: \.exact, fresh: &fresh) else { continue }
            if number != present ?? 0 { exactMoves.append(Move(key: address, number: number == 0 ? nil : number)) }
        }
        for move in exactMoves { state.exact.apply(move) }
        for address in keys {
            state.exact.noteSettled(address, target.exact[address].flatMap { $0 == .none ? nil : $0 })
        }
    }

    private mutating func changedAddresses() -> Set<IPAddress> {
        if manner == .settle { return old.exact.unsettled }
        if let changes { return Set(changes.exact.filter { old.tables.exact[$0] != target.exact[$0] }) }
        guard target.exact != old.tables.exact else { return [] }
        work.scanned += target.exact.count + old.tables.exact.count
        var keys: Set<IPAddress> = []
        for (address, identity) in target.exact where old.tables.exact[address] != identity { keys.insert(address) }
        for address in old.tables.exact.keys where target.exact[address] == nil { keys.insert(address) }
        return keys
    }

    /// Those whose content differs, and those whose number waits for a chance to be united with others.
    private mutating func changedPrefixes() -> Set<AddressBlock> {
        if manner == .settle { return old.prefixes.unsettled }
        if let changes {
            let keys = changes.prefixes.filter { old.tables.prefixes[$0] != target.prefixes[$0] }
            return keys.isEmpty ? [] : keys.union(old.prefixes.unsettled)
        }
        guard target.prefixes != old.tables.prefixes else { return [] }
        work.scanned += old.prefixes.words.count + target.prefixes.count
        return Set(old.prefixes.words.lazy.map(\.key)).union(target.prefixes.keys)
    }

    private func targetLengths() -> PrefixLengths {
        guard let changes else { return PrefixLengths(of: target.prefixes.keys) }
        var lengths = old.tableLengths
        for block in changes.prefixes {
            lengths.follow(block, before: old.tables.prefixes[block] != nil, after: target.prefixes[block] != nil)
        }
        return lengths
    }

    private mutating func planPrefixMoves() throws(TransitionError) {
        let keys = changedPrefixes()
        if keys.isEmpty { return }
        work.keys += keys.count
        let targetLengths = targetLengths()
        var fresh: [Origin: KernelNumber] = [:]
        for block in keys.sorted() {
            let present = old.prefixes.words[block]
            let from = present ?? old.prefixNumber(of: block.address, shorterThan: block.prefixLength)
            let inTarget = target.prefixes[block]
            if inTarget == nil, manner != .split {
                if present != nil { prefixMoves.append(Move(key: block, number: nil)) }
                continue
            }
            if inTarget == nil, present == nil { continue }
            let wanted = inTarget ?? targetLengths.longestMatch(
                in: target.prefixes, covering: block.address, shorterThan: block.prefixLength) ?? .none
            guard let number = try number(for: wanted, from: from, in: \.prefixes, fresh: &fresh) else { continue }
            if number != present { prefixMoves.append(Move(key: block, number: number)) }
        }
        for move in prefixMoves {
            state.prefixLengths.follow(move.key, before: old.prefixes.words[move.key] != nil, after: move.number != nil)
            state.prefixes.apply(move)
        }
        for block in keys { state.prefixes.noteSettled(block, target.prefixes[block]) }
    }

    /// The number that something which has `from` gets to mean `wanted`.
    private mutating func number<Key>(
        for wanted: IdentityID, from: KernelNumber, in space: WritableKeyPath<KernelState, IdentitySpace<Key>>,
        fresh: inout [Origin: KernelNumber]
    ) throws(TransitionError) -> KernelNumber? {
        let origin: Origin
        if manner == .split {
            if old[keyPath: space].meaning(of: from) == wanted { return from }
            origin = Origin(number: from, identity: wanted)
        } else {
            if let number = state[keyPath: space].number(of: wanted) { return number }
            origin = Origin(number: 0, identity: wanted)
        }
        if let number = fresh[origin] { return number }
        let number = try takeNumber()
        fresh[origin] = number
        state[keyPath: space].name(number, wanted)
        return number
    }

    /// Collects in which ways addresses move. O(what moves).
    mutating func findCrossings() {
        var seen: Set<Turn> = []
        for move in prefixMoves {
            // Whoever has no longer prefix than this one, before and after.
            let limit = move.key.prefixLength + 1
            let turn = Turn(
                before: old.prefixNumber(of: move.key.address, shorterThan: limit),
                after: state.prefixNumber(of: move.key.address, shorterThan: limit))
            guard turn.before != turn.after, seen.insert(turn).inserted else { continue }
            var exact = reach?.exactNumbers(under: turn.before) ?? []
            exact.insert(0)
            sweeps.append(
                PrefixSweep(
                    before: turn.before, after: turn.after, exact: exact, isFresh: turn.after >= old.nextNumber))
            work.crossings += 1
        }
        for sweep in sweeps { state.reach?.insert(sweep) }
        for move in exactMoves {
            note(
                exact: Turn(before: old.exact.words[move.key] ?? 0, after: move.number ?? 0),
                prefix: Turn(before: old.prefixNumber(of: move.key), after: state.prefixNumber(of: move.key)))
        }
    }

    private mutating func note(exact: Turn, prefix: Turn) {
        let crossing = Crossing(
            before: Combination(exact: exact.before, prefix: prefix.before),
            after: Combination(exact: exact.after, prefix: prefix.after))
        turns.insert(exact)
        guard crossings.insert(crossing).inserted else { return }
        work.crossings += 1
        state.reach?.insert(crossing.after)
        // Rows of these are of no use any more once no address has them.
        for combination in [crossing.before] + crossing.between where combination.isCombined {
            state.untidy.insert(combination)
        }
    }

    /// New prefixes, the longest first; then what changes; then removals, the shortest first. So the longest match of
    /// every address changes once, from its number before to its number after.
    mutating func moveAddresses() {
        let longestFirst = prefixMoves.sorted { $0.key.prefixLength > $1.key.prefixLength }
        for move in longestFirst where old.prefixes.words[move.key] == nil {
            if let number = move.number { steps.append(.prefix(move.key, number)) }
        }
        for move in longestFirst where old.prefixes.words[move.key] != nil {
            if let number = move.number { steps.append(.prefix(move.key, number)) }
        }
        for move in exactMoves {
            steps.append(move.number.map { .exact(move.key, $0) } ?? .removeExact(move.key))
        }
        for move in longestFirst.reversed() where move.number == nil { steps.append(.removePrefix(move.key)) }
    }
}

extension IdentitySpace {
    mutating func apply(_ move: Move<Key>) {
        if let number = move.number { set(move.key, number) } else { remove(move.key) }
    }

    /// `wanted`: what the tables say of the key; nil when they do not name it.
    mutating func noteSettled(_ key: Key, _ wanted: IdentityID?) {
        let settled = words[key] == nil ? wanted == nil : wanted.map { number(of: $0) == words[key] } ?? false
        if settled { unsettled.remove(key) } else { unsettled.insert(key) }
    }
}
