import CBPF
import Glibc
import PolicyModel

/// What an agent finds in the pinned maps when it starts.
struct Inheritance {
    var state: KernelState
    /// Numbers of decisions that rows or flows name.
    var decisions: Set<UInt32> = []
    /// Slots that legs or flows have.
    var slots: Set<UInt32> = []
}

extension KernelObject {
    func inheritance(limits: Limits) throws -> Inheritance {
        let content = try readContent()
        shortcuts.adopt(content.prefixes)
        let state = try KernelState(adopting: content, limits: limits) { arena.load(Int($0)) }
        var inheritance = Inheritance(state: state)
        for rows in content.pairs.values {
            for row in rows.values { collectDecisions(row, &inheritance.decisions) }
        }
        inheritance.slots.formUnion(content.legs.keys.map(\.slot))
        try collect(flows, &inheritance)
        try collect(halfOpen, &inheritance)
        return inheritance
    }

    private func collect(
        _ table: borrowing HashMapHandle<bulkhead_flow_key, bulkhead_flow>, _ inheritance: inout Inheritance
    ) throws {
        try table.forEach { key, flow in
            inheritance.slots.insert(key.slot)
            inheritance.decisions.insert(flow.outcome & KernelOutcome.payloadMask)
        }
    }

    private func collectDecisions(_ row: UInt32, _ used: inout Set<UInt32>) {
        for offset in 0..<Int(UInt32(truncatingIfNeeded: arena.load(Int(row)))) {
            switch KernelOutcome(word: UInt32(arena.load(Int(row) + 1 + offset) >> 32)) {
            case .allow(let decision), .deny(let decision), .reject(let decision): used.insert(decision)
            case .sourcePorts(let child): collectDecisions(child, &used)
            case .inherit, nil: break
            }
        }
    }

    /// What the maps hold, as an earlier agent left it.
    private func readContent() throws -> KernelContent {
        var content = KernelContent()
        content.generation = UInt32(meta.load(Int(BULKHEAD_META_GENERATION.rawValue)) & 3)
        content.epoch = max(1, meta.load(Int(BULKHEAD_META_EPOCH.rawValue)))
        content.nextNumber = UInt32(truncatingIfNeeded: max(1, meta.load(Int(BULKHEAD_META_NEXT_ID.rawValue))))
        try exact.forEach { key, value in
            guard let address = key.address.address(family: key.family) else { return }
            content.exact[address] = UInt32(truncatingIfNeeded: value)
        }
        try prefixes.forEach { key, value in
            guard let block = key.block else { return }
            content.prefixes[block] = UInt32(truncatingIfNeeded: value)
        }
        try pairs.forEach { key, value in
            let combination = Combination(exact: key.exact, prefix: key.prefix)
            content.pairs[key.stack, default: [:]][combination] = UInt32(truncatingIfNeeded: value)
        }
        try legs.forEach { key, value in
            guard let address = key.address.address(family: key.family & ~BULKHEAD_SHARED_LEG) else { return }
            let number = UInt32(truncatingIfNeeded: value)
            func stack(_ direction: Direction) -> KernelNumber {
                UInt32(truncatingIfNeeded: stacks.load(Self.stackIndex(number, direction, content.generation)))
            }
            content.legs[LegKey(slot: key.slot, address: address)] = KernelState.LegState(
                number: number, ingress: stack(.ingress), egress: stack(.egress))
        }
        // What a crash left of legs that are gone must not speak for the next that get their numbers.
        let taken = Set(content.legs.values.map(\.number))
        for number in 0..<UInt32(stacks.count / 8) where !taken.contains(number) {
            for index in Int(number) * 8..<Int(number) * 8 + 8 where stacks.load(index) != 0 { stacks.store(0, at: index) }
        }
        return content
    }
}
