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
            !isOccupied(combination)
        else { return false }
        additions[combination] = wanted
        pinned[combination] = wanted
        return true
    }
}
