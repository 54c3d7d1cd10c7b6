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

    /// What decides for a combination, above the base row: a row of its own, or that of its exact number upon that of its
    /// prefix number. Equal effects give equal verdicts.
    struct Effect: Hashable {
        var own: Value?
        var exact: Value?
        var prefix: Value?
    }

    /// The rows to add first.
    private(set) var additions: [Combination: Value] = [:]

    let rows: StackRows
    private let base: UInt32
    /// What is to stay as it is from here on; nil: without a row.
    private var pinned: [Combination: Value?] = [:]
    /// By prefix number: exact numbers that addresses come to have with it. Whether they have a row together is settled.
    private var swept: [KernelNumber: Set<KernelNumber>] = [:]

    /// nil when the stack has no base row.
    init?(rows: StackRows) {
        guard let base = rows[.base] else { return nil }
        self.rows = rows
        self.base = base
    }

    func value(_ key: Combination) -> Value? { additions[key] ?? rows[key].map(Value.index) }

    func effect(_ combination: Combination) -> Effect {
        if combination.isCombined, let own = value(combination) { return Effect(own: own) }
        return Effect(exact: value(combination.exactAlone), prefix: value(combination.prefixAlone))
    }

    /// Makes `key` have this row, or none. A row is written once and only where nobody reads it: `isOccupied`. False
    /// when that cannot be.
    mutating func demand(_ key: Combination, _ wanted: Value?, isOccupied: () -> Bool) -> Bool {
        if let pin = pinned[key] { return pin == wanted }
        let present = value(key)
        if present != wanted {
            guard present == nil, let wanted, key != .nothing, !isSwept(key), !isOccupied() else { return false }
            additions[key] = wanted
        }
        pinned.updateValue(wanted, forKey: key)
        return true
    }

    /// Makes a combination that packets pass through have one of these effects, as `demand`.
    mutating func demand(passing combination: Combination, _ allowed: [Effect], isOccupied: () -> Bool) -> Bool {
        if allowed.contains(effect(combination)) {
            if combination.isCombined { pinned.updateValue(value(combination), forKey: combination) }
            return true
        }
        guard combination.isCombined, value(combination) == nil else { return false }
        return allowed.contains { effect in
            // An effect of two rows is not that of one.
            if effect.exact != nil, effect.prefix != nil { return false }
            return demand(combination, effect.own ?? effect.exact ?? effect.prefix ?? .index(base), isOccupied: isOccupied)
        }
    }

    /// Addresses come to stand where the sweep leads, so no later demand may change what they find there: `expected`, and
    /// else no row of both numbers. False when there is another already.
    mutating func pin(_ sweep: PrefixSweep, _ expected: [Combination: Value]) -> Bool {
        if !sweep.isFresh, rows.combined(under: sweep.after, among: sweep.exact).contains(where: { expected[$0.key] == nil }) {
            return false
        }
        for (key, value) in additions where key.isCombined && key.prefix == sweep.after && sweep.exact.contains(key.exact) {
            if expected[key] != value { return false }
        }
        swept[sweep.after, default: []].formUnion(sweep.exact)
        return true
    }

    private func isSwept(_ key: Combination) -> Bool {
        key.isCombined && swept[key.prefix]?.contains(key.exact) == true
    }
}
