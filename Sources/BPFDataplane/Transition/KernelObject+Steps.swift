import CBPF
import CLinux
import Glibc
import PolicyModel

/// Steps as writes to the kernel's maps. Consecutive steps on one hash go in one batch.
extension KernelObject {
    /// When it throws, every step was taken back that could be seen: `before` is in force.
    func execute(_ transition: Transition, before: KernelState) throws {
        let certain = transition.steps[transition.firstCertain...]
        let uncertain = transition.steps[..<transition.firstCertain]
        do {
            try execute(uncertain)
        } catch {
            for step in uncertain.reversed() { takeBack(step, before) }
            throw Self.explain(error, before)
        }
        try execute(certain)
    }

    /// Writes all steps in order.
    func execute(_ steps: ArraySlice<TransitionStep>) throws {
        var rest = steps
        while let step = rest.first {
            switch step {
            case .pair:
                var keys: [bulkhead_pair_key] = []
                var values: [UInt64] = []
                while case .pair(let stack, let combination, let row)? = rest.first {
                    let key = bulkhead_pair_key(stack, combination)
                    keys.append(key)
                    values.append(bulkhead_word(row, KernelTag.of(key)))
                    rest.removeFirst()
                }
                try pairs.update(keys: keys, values: values)
            case .exact:
                var keys: [bulkhead_exact_key] = []
                var values: [UInt64] = []
                while case .exact(let address, let number)? = rest.first {
                    let key = bulkhead_exact_key(address)
                    keys.append(key)
                    values.append(bulkhead_word(number, KernelTag.of(key)))
                    rest.removeFirst()
                }
                try exact.update(keys: keys, values: values)
            default:
                rest.removeFirst()
                try execute(step)
            }
        }
    }

    private func execute(_ step: TransitionStep) throws {
        switch step {
        case .reserve(let next): meta.store(UInt64(next), at: Int(BULKHEAD_META_NEXT_ID.rawValue))
        case .row(let index, let words): arena.store(contentsOf: words, at: Int(index))
        case .pair, .exact: try execute([step])
        case .removePair(let stack, let combination): try pairs.delete(bulkhead_pair_key(stack, combination))
        case .removeExact(let address): try exact.delete(bulkhead_exact_key(address))
        case .prefix(let block, let number):
            shortcuts.willSet(block)
            try prefixes.update(bulkhead_prefix_key(block), bulkhead_word(number, ~number))
            shortcuts.didSet(block, number)
        case .removePrefix(let block):
            try prefixes.delete(bulkhead_prefix_key(block))
            shortcuts.didRemove(block)
        case .leg(let key, let number): try legs.setPayload(number, for: bulkhead_leg_key(key))
        case .removeLeg(let key): try legs.delete(bulkhead_leg_key(key))
        case .word(let leg, let direction, let generation, let word):
            let value = UInt64(word.bound) << 32 | UInt64(word.stack)
            stacks.store(value, at: Self.stackIndex(leg, direction, generation))
        case .generation(let generation): meta.store(UInt64(generation), at: Int(BULKHEAD_META_GENERATION.rawValue))
        case .epoch(let epoch): meta.store(epoch, at: Int(BULKHEAD_META_EPOCH.rawValue))
        case .grace: _ = bulkhead_wait_for_grace()
        }
    }

    /// `BULKHEAD_STACK_INDEX`.
    static func stackIndex(_ leg: UInt32, _ direction: Direction, _ generation: UInt32) -> Int {
        Int(leg) * 8 + Int(direction.rawValue) * 4 + Int(generation & 3)
    }

    /// A step that may not have happened. Removals cannot fail for want of room, and what was there fits again.
    private func takeBack(_ step: TransitionStep, _ before: KernelState) {
        switch step {
        case .pair(let stack, let combination, _), .removePair(let stack, let combination):
            let row = before.pairs[stack]?[combination]
            _ = try? execute(row.map { .pair(stack: stack, combination, row: $0) } ?? .removePair(stack: stack, combination))
        case .leg(let key, _): _ = try? execute(.removeLeg(key))
        case .exact(let address, _), .removeExact(let address):
            let number = before.exact.words[address]
            _ = try? execute(number.map { .exact(address, $0) } ?? .removeExact(address))
        case .prefix(let block, _), .removePrefix(let block):
            let number = before.prefixes.words[block]
            _ = try? execute(number.map { .prefix(block, $0) } ?? .removePrefix(block))
        default: break
        }
    }

    private static func explain(_ error: any Error, _ state: KernelState) -> any Error {
        guard case .map(let name, _, let number)? = error as? KernelError, [E2BIG, ENOMEM, ENOSPC].contains(number)
        else { return error }
        let fill = state.fill.first { $0.name == name }
        return BPFDataplaneError.refused(
            map: name, entries: fill?.used ?? 0, capacity: fill?.capacity ?? 0, errno: number)
    }
}
