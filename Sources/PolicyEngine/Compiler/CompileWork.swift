/// What the last `VerdictCompiler.compile` had to do: the cost of a change, in things made rather than in time.
public struct CompileWork: Sendable, Hashable {
    /// Endpoints that are new, gone or changed, or whose namespace changed.
    public var endpointsChanged = 0
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
    /// 1 when the table of prefixes was made anew.
    public var prefixTablesBuilt = 0
    /// Memorised things dropped because the result has no use for them.
    public var entriesForgotten = 0

    public init() {}
}
