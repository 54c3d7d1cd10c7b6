import PolicyEngine
import PolicyModel

/// What a new process reads out of the pinned maps.
struct KernelContent: Sendable {
    var exact: [IPAddress: KernelNumber] = [:]
    var prefixes: [AddressBlock: KernelNumber] = [:]
    var pairs: [KernelNumber: [Combination: UInt32]] = [:]
    /// With the stacks of the generation in force.
    var legs: [LegKey: KernelState.LegState] = [:]
    var generation: UInt32 = 0
    var epoch: UInt64 = 1
    var nextNumber: KernelNumber = 1
}

extension KernelState {
    /// Takes over what another process left, in the middle of a change or not: the first transition builds everything
    /// beside it and then removes it. `word` reads the arena.
    init(adopting content: KernelContent, limits: Limits, word: (UInt32) -> UInt64) throws(TransitionError) {
        self.init(limits: limits)
        for (address, number) in content.exact { exact.set(address, number) }
        for (block, number) in content.prefixes {
            prefixes.set(block, number)
            prefixLengths.add(block)
        }
        pairs = content.pairs.mapValues { StackRows($0) }
        pairCount = content.pairs.values.reduce(0) { $0 + $1.count }
        legs = content.legs
        generation = content.generation & 3
        epoch = content.epoch
        nextNumber = max(1, content.nextNumber)
        legNumbers.adopt(Set(content.legs.values.map(\.number)))
        isGraced = false
        for rows in content.pairs.values {
            for index in rows.values {
                try adoptRow(at: index, depth: 0, word: word)
                arena.retain(index)
            }
        }
        arena.freeGaps()
        forgetNames()
        flatten()
    }

    private mutating func adoptRow(at index: UInt32, depth: Int, word: (UInt32) -> UInt64) throws(TransitionError) {
        guard depth < 3 else { throw .inconsistent("row \(index) in the arena names itself") }
        let count = Int(UInt32(truncatingIfNeeded: word(index)))
        guard index > 0, count > 0, Int(index) + count < limits.arenaWords else {
            throw .inconsistent("no row at \(index) of the arena")
        }
        var children: [UInt32] = []
        for offset in 1...UInt32(count) {
            guard case .sourcePorts(let child)? = KernelOutcome(word: UInt32(word(index + offset) >> 32)) else { continue }
            try adoptRow(at: child, depth: depth + 1, word: word)
            children.append(child)
        }
        arena.adopt(at: index, words: count + 1, naming: children)
    }
}
