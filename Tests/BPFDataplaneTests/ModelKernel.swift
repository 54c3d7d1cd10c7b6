import PolicyEngine
import PolicyModel

@testable import BPFDataplane

/// The maps as values, and the kernel program's lookups over them.
struct ModelKernel {
    var arena: [UInt32: UInt64] = [:]
    var pairs: [KernelNumber: [Combination: UInt32]] = [:]
    var exact: [IPAddress: KernelNumber] = [:]
    var prefixes: [AddressBlock: KernelNumber] = [:]
    var legs: [LegKey: UInt32] = [:]
    var words: [UInt32: StackWord] = [:]
    var generation: UInt32 = 0
    var epoch: UInt64 = 1

    mutating func apply(_ step: TransitionStep) {
        switch step {
        case .reserve, .grace: break
        case .row(let index, let words):
            for (offset, word) in words.enumerated() { arena[index + UInt32(offset)] = word }
        case .pair(let stack, let combination, let row): pairs[stack, default: [:]][combination] = row
        case .removePair(let stack, let combination):
            pairs[stack]?[combination] = nil
            if pairs[stack]?.isEmpty == true { pairs[stack] = nil }
        case .exact(let address, let number): exact[address] = number
        case .removeExact(let address): exact[address] = nil
        case .prefix(let block, let number): prefixes[block] = number
        case .removePrefix(let block): prefixes[block] = nil
        case .leg(let key, let number): legs[key] = number
        case .removeLeg(let key): legs[key] = nil
        case .word(let leg, let direction, let generation, let word):
            words[Self.index(leg, direction, generation)] = word
        case .generation(let value): generation = value
        case .epoch(let value): epoch = value
        }
    }

    static func index(_ leg: UInt32, _ direction: Direction, _ generation: UInt32) -> UInt32 {
        leg * 8 + UInt32(direction.rawValue) * 4 + (generation & 3)
    }

    func prefixNumber(_ address: IPAddress) -> KernelNumber {
        var longest = -1
        var number: KernelNumber = 0
        for (block, value) in prefixes where block.prefixLength > longest && block.contains(address) {
            longest = block.prefixLength
            number = value
        }
        return number
    }

    /// The outcome word of a row for a key.
    func outcome(row: UInt32, key: UInt32) -> UInt32? {
        guard let header = arena[row] else { return nil }
        var found: UInt32?
        for offset in 0..<UInt32(truncatingIfNeeded: header) {
            guard let range = arena[row + 1 + offset] else { return nil }
            if UInt32(truncatingIfNeeded: range) <= key { found = UInt32(range >> 32) }
        }
        return found
    }
}

/// What is asked of the kernel.
struct Probe: Hashable {
    var leg: LegKey
    var direction: Direction
    var peer: IPAddress
    var key: UInt32
    var sourcePort: UInt32
}

/// What a packet gets: the outcome word of a decision, or a drop with its cause.
enum ModelVerdict: Hashable {
    case decided(UInt32)
    case noTable
    case notSynchronised
    case broken(String)
}

/// The moments, as indices into the history, at which one packet reads its words.
struct ReadingTimes {
    var generation = 0
    var leg = 0
    var word = 0
    var exact = 0
    var prefix = 0
    var both = 0
    var exactRow = 0
    var prefixRow = 0
    var base = 0
    var arena = 0
}

/// The lookups of `decide()` in `Kernel/`, each at its own moment of a history.
func decide(_ probe: Probe, _ history: [ModelKernel], _ times: ReadingTimes) -> ModelVerdict {
    let generation = history[times.generation].generation
    guard let leg = history[times.leg].legs[probe.leg] else { return .noTable }
    let word = history[times.word].words[ModelKernel.index(leg, probe.direction, generation)] ?? .noTable
    if word.stack == 0 { return .noTable }
    let exact = history[times.exact].exact[probe.peer] ?? 0
    let prefix = history[times.prefix].prefixNumber(probe.peer)
    if exact >= word.bound || prefix >= word.bound { return .notSynchronised }
    func row(_ moment: Int, _ combination: Combination) -> UInt32? { history[moment].pairs[word.stack]?[combination] }
    var rows: [UInt32] = []
    let both = Combination(exact: exact, prefix: prefix)
    if both.isCombined, let row = row(times.both, both) {
        rows = [row]
    } else {
        if exact != 0, let row = row(times.exactRow, both.exactAlone) { rows.append(row) }
        if prefix != 0, let row = row(times.prefixRow, both.prefixAlone) { rows.append(row) }
    }
    guard let base = row(times.base, .base) else { return .broken("no base of \(word.stack)") }
    var outcome: UInt32?
    for row in rows + [base] where outcome == nil || outcome == KernelOutcome.inherit.word {
        outcome = history[times.arena].outcome(row: row, key: probe.key)
        if outcome == nil { return .broken("no row at \(row)") }
    }
    guard let outcome, let kind = KernelOutcome(word: outcome) else { return .broken("no outcome") }
    if case .sourcePorts(let row) = kind {
        guard let last = history[times.arena].outcome(row: row, key: probe.sourcePort) else {
            return .broken("no source port row at \(row)")
        }
        return .decided(last)
    }
    return .decided(outcome)
}

func decide(_ probe: Probe, in kernel: ModelKernel) -> ModelVerdict { decide(probe, [kernel], ReadingTimes()) }
