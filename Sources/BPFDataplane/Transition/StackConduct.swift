import PolicyEngine

/// What a live stack of the kernel does while addresses move.
///
/// *Following*: it stays; each verdict under it changes when an address's word does. *Neutral*: under it every address
/// keeps its verdict, whatever its number; its legs leave it at the flip.
struct StackConduct {
    enum Value: Hashable {
        case index(UInt32)
        /// A row that is not in the arena yet.
        case row(RowID)
    }

    /// The pairs to add first.
    private(set) var additions: [Combination: Value] = [:]

    let rows: LayeredDictionary<Combination, UInt32>
    private let base: UInt32
    private var pinned: [Combination: Value] = [:]
    /// By prefix number: exact numbers that addresses come to have with it and whose value is settled, pinned or not.
    private var swept: [KernelNumber: Set<KernelNumber>] = [:]

    /// nil when the stack has no base row.
    init?(rows: LayeredDictionary<Combination, UInt32>) {
        guard let base = rows[.base] else { return nil }
        self.rows = rows
        self.base = base
    }

    func before(_ combination: Combination) -> Value { .index(rows[combination] ?? base) }

    private func value(_ combination: Combination) -> Value { additions[combination] ?? before(combination) }

    /// Makes `combination` lead to one of `allowed`, preferring the first. A pair is written once and only where no
    /// address can be: `isOccupied`. False when that cannot be.
    mutating func demand(_ combination: Combination, oneOf allowed: [Value], isOccupied: (Combination) -> Bool) -> Bool {
        let present = value(combination)
        if allowed.contains(present) {
            pinned[combination] = present
            return true
        }
        guard let wanted = allowed.first, pinned[combination] == nil, rows[combination] == nil,
            swept[combination.prefix]?.contains(combination.exact) != true, !isOccupied(combination)
        else { return false }
        additions[combination] = wanted
        pinned[combination] = wanted
        return true
    }

    /// Addresses come to stand where the sweep leads, so no later demand may change what they find there: where
    /// `expected` has nothing, the base row. False when an earlier demand already did.
    mutating func pin(_ sweep: PrefixSweep, _ expected: [Combination: Value]) -> Bool {
        for (combination, value) in additions
        where combination.prefix == sweep.after && sweep.exact.contains(combination.exact) {
            if expected[combination] != value { return false }
        }
        swept[sweep.after, default: []].formUnion(sweep.exact)
        return true
    }
}
