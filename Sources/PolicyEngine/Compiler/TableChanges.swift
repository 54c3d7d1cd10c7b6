import PolicyModel

/// What a change wrote in `VerdictCompiler.tables`: keys that are new, gone or have another value. Nothing else differs.
public struct TableChanges: Sendable {
    public internal(set) var legs: Set<Leg> = []
    public internal(set) var exact: [IPAddress] = []
    public internal(set) var prefixes: Set<AddressBlock> = []
    /// Stacks that are new or gone.
    public internal(set) var stacks: Set<StackID> = []
    /// Identities whose pair differs, by stack that was there before and is now.
    public internal(set) var pairs: [StackID: Set<Identity>] = [:]
    public internal(set) var rows: [RowID] = []
    public internal(set) var decisions: [DecisionID] = []

    public init() {}

    public var isEmpty: Bool {
        legs.isEmpty && exact.isEmpty && prefixes.isEmpty && stacks.isEmpty && pairs.isEmpty && rows.isEmpty
            && decisions.isEmpty
    }
}
