import PolicyModel

/// What a change wrote in `VerdictCompiler.tables`: keys that are new, gone or have another value. Nothing else differs.
public struct TableChanges: Sendable {
    public internal(set) var legs: Set<Leg> = []
    public internal(set) var exact: [IPAddress] = []
    public internal(set) var prefixes: Set<AddressBlock> = []
    /// Stacks that are new or gone.
    public internal(set) var stacks: Set<StackID> = []
    /// Identities whose row of their own differs, by stack that was there before and is now; `none` as a part stands for a
    /// row of the other part alone.
    public internal(set) var pairs: [StackID: Set<Identity>] = [:]
    public internal(set) var rows: [RowID] = []
    public internal(set) var decisions: [DecisionID] = []

    /// Combinations of both parts that addresses have now and did not have before, though blocks had the prefix before and have
    /// it now.
    public internal(set) var identities: Set<Identity> = []
    /// Combinations that addresses had before and have no more, likewise.
    public internal(set) var endedIdentities: Set<Identity> = []

    public init() {}

    /// Adds what a later change wrote: what then differs from the tables before both is named.
    public mutating func add(_ later: TableChanges) {
        legs.formUnion(later.legs)
        exact += later.exact
        prefixes.formUnion(later.prefixes)
        stacks.formUnion(later.stacks)
        pairs.merge(later.pairs) { $0.union($1) }
        rows += later.rows
        decisions += later.decisions
        identities.formUnion(later.identities)
        endedIdentities.formUnion(later.endedIdentities)
    }

    public var isEmpty: Bool {
        legs.isEmpty && exact.isEmpty && prefixes.isEmpty && stacks.isEmpty && pairs.isEmpty && rows.isEmpty
            && decisions.isEmpty
    }
}
