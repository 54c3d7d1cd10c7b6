import PolicyEngine

/// One way in which addresses whose exact number changes move: from a combination of kernel numbers to another. All addresses
/// of one crossing have the same verdicts before, and after.
struct Crossing: Hashable, Sendable {
    var before: Combination
    var after: Combination

    /// What a packet may read while the two words change one after the other.
    var between: [Combination] {
        guard before.exact != after.exact, before.prefix != after.prefix else { return [] }
        return [
            Combination(exact: after.exact, prefix: before.prefix),
            Combination(exact: before.exact, prefix: after.prefix),
        ]
    }
}

/// A new number for one address or prefix.
struct Move<Key: Hashable & Sendable>: Sendable {
    var key: Key
    /// nil: the entry goes, and what lies beneath it holds.
    var number: KernelNumber?
}
