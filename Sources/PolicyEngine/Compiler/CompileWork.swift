/// What the last change of a `VerdictCompiler` had to do: the cost of a change, in things made rather than in time.
public struct CompileWork: Sendable, Hashable {
    /// Endpoints that are new, gone or changed.
    public var endpointsChanged = 0
    /// Kinds of endpoints and network sets whose labels were settled: new ones, or those of a changed profile or namespace.
    public var labelsSettled = 0
    /// Policies whose rules were read anew.
    public var policiesRead = 0
    /// A selector evaluated against one combination of labels.
    public var selectorEvaluations = 0
    /// Stacks whose content was not known.
    public var stacksCompiled = 0
    /// Rows computed, base rows and pairs, before equal ones were found.
    public var rowsBuilt = 0
    /// Combinations of sets that were not known.
    public var identitiesInterned = 0
    /// Addresses whose membership was looked at.
    public var addressesVisited = 0
    /// Blocks whose sets were looked at.
    public var blocksVisited = 0
    /// Entries of the flat array of addresses that were passed over to find those in a block that is new or gone.
    public var addressesScanned = 0
    /// Memorised things dropped because the result has no use for them.
    public var entriesForgotten = 0

    public init() {}
}
