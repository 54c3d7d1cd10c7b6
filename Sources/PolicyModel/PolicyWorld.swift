/// Everything that decides a verdict, at one revision of the store.
public struct PolicyWorld: Sendable, Hashable {
    public var tiers: [String: Tier]
    public var policies: [PolicyReference: Policy]
    public var namespaces: [String: Namespace]
    public var endpoints: [EndpointKey: WorkloadEndpoint]

    public init(
        tiers: [String: Tier] = [:], policies: [PolicyReference: Policy] = [:],
        namespaces: [String: Namespace] = [:], endpoints: [EndpointKey: WorkloadEndpoint] = [:]
    ) {
        self.tiers = tiers
        self.policies = policies
        self.namespaces = namespaces
        self.endpoints = endpoints
    }
}
