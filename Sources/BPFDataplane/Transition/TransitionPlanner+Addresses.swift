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
        var keys = manner == .settle ? old.exact.unsettled : []
        if manner != .settle, target.exact != old.tables.exact {
            for (address, identity) in target.exact where old.tables.exact[address] != identity { keys.insert(address) }
            for address in old.tables.exact.keys where target.exact[address] == nil { keys.insert(address) }
        }
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

    private mutating func planPrefixMoves() throws(TransitionError) {
        let changes = manner == .settle ? !old.prefixes.unsettled.isEmpty : target.prefixes != old.tables.prefixes
        guard changes else { return }
        let targetLengths = PrefixLengths(of: target.prefixes.keys)
        let keys = Set(old.prefixes.words.keys).union(target.prefixes.keys)
        var fresh: [Origin: KernelNumber] = [:]
        for block in keys.sorted() {
            let present = old.prefixes.words[block]
            let from = present ?? old.prefixNumber(of: block.address, shorterThan: block.prefixLength)
            let inTarget = target.prefixes[block]
            if inTarget == nil, manner != .split {
                prefixMoves.append(Move(key: block, number: nil))
                continue
            }
            let wanted = inTarget ?? targetLengths.longestMatch(
                in: target.prefixes, covering: block.address, shorterThan: block.prefixLength) ?? .none
            guard let number = try number(for: wanted, from: from, in: \.prefixes, fresh: &fresh) else { continue }
            if number != present { prefixMoves.append(Move(key: block, number: number)) }
        }
        for move in prefixMoves {
            if old.prefixes.words[move.key] == nil { state.prefixLengths.add(move.key) }
            if move.number == nil { state.prefixLengths.remove(move.key) }
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

    /// Collects in which ways addresses move. O(what moves), or O(all addresses) when a prefix moves.
    mutating func findCrossings() {
        if prefixMoves.isEmpty {
            for move in exactMoves {
                let prefix = old.prefixNumber(of: move.key)
                note(exact: (old.exact.words[move.key] ?? 0, move.number ?? 0), prefix: (prefix, prefix))
            }
            return
        }
        for address in Set(old.exact.words.keys).union(state.exact.words.keys) {
            note(
                exact: (old.exact.words[address] ?? 0, state.exact.words[address] ?? 0),
                prefix: (old.prefixNumber(of: address), state.prefixNumber(of: address)))
        }
        for block in Set(old.prefixes.words.keys).union(state.prefixes.words.keys) {
            let limit = block.prefixLength + 1
            note(
                exact: (0, 0),
                prefix: (
                    old.prefixNumber(of: block.address, shorterThan: limit),
                    state.prefixNumber(of: block.address, shorterThan: limit)
                ))
        }
    }

    private mutating func note(exact: (KernelNumber, KernelNumber), prefix: (KernelNumber, KernelNumber)) {
        let before = Combination(exact: exact.0, prefix: prefix.0)
        let after = Combination(exact: exact.1, prefix: prefix.1)
        guard before != after else { return }
        let identity = Identity(
            exact: state.exact.meaning(of: after.exact), prefix: state.prefixes.meaning(of: after.prefix))
        crossings.insert(Crossing(before: before, after: after, identity: identity))
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
