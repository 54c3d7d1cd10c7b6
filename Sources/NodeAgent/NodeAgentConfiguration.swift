/// How an agent behaves. The defaults are meant for every node; tests shorten them.
public struct NodeAgentConfiguration: Sendable {
    /// The node's name: endpoints with another `spec.node` are left to other agents.
    public var node: String
    /// Verdicts are computed and recorded, packets go on.
    public var observing: Bool
    /// How often the kernel's events are read. The ring has room for some 90,000: a flood of 4 million a second would fill it
    /// meanwhile, and no processor denies a tenth of that.
    public var pollInterval: Duration = .milliseconds(20)
    /// The window of flow records: every live flow is read once in it.
    public var flowWindow: Duration = .seconds(1)
    /// The wait after a first failure to apply; each further failure doubles it up to the longest.
    public var firstRetryDelay: Duration = .milliseconds(100)
    public var longestRetryDelay: Duration = .seconds(5)
    /// How long the interface of a container may be gone before its endpoint is taken out of the store.
    public var containerGracePeriod: Duration = .seconds(5)

    public init(node: String, observing: Bool = false) {
        self.node = node
        self.observing = observing
    }
}
