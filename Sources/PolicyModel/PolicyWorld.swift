/// Everything that decides a verdict, at one revision of the store.
public struct PolicyWorld: Sendable, Hashable {
    public var tiers: [String: Tier]
    public var policies: [PolicyReference: Policy]
    public var namespaces: [String: Namespace]
    public var endpoints: [EndpointKey: WorkloadEndpoint]
    public var staged: [PolicyReference: StagedPolicy]
    public var profiles: [String: Profile]
    public var serviceAccounts: [NamespacedName: ServiceAccount]
    /// By namespace (empty for global ones) and name.
    public var networkSets: [NamespacedName: NetworkSet]
    public var endpointSlices: [NamespacedName: EndpointSlice]

    public init(
        tiers: [String: Tier] = [:], policies: [PolicyReference: Policy] = [:],
        namespaces: [String: Namespace] = [:], endpoints: [EndpointKey: WorkloadEndpoint] = [:],
        staged: [PolicyReference: StagedPolicy] = [:], profiles: [String: Profile] = [:],
        serviceAccounts: [NamespacedName: ServiceAccount] = [:], networkSets: [NamespacedName: NetworkSet] = [:],
        endpointSlices: [NamespacedName: EndpointSlice] = [:]
    ) {
        self.tiers = tiers
        self.policies = policies
        self.namespaces = namespaces
        self.endpoints = endpoints
        self.staged = staged
        self.profiles = profiles
        self.serviceAccounts = serviceAccounts
        self.networkSets = networkSets
        self.endpointSlices = endpointSlices
    }
}

extension PolicyWorld {
    /// The objects that are in every world: the namespace `default` and the tier `default`, with defaults filled in. A
    /// server creates them at its first start and does not let them be deleted.
    public static let builtInObjects: [JSONValue] = [
        [
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": ["name": "default", "labels": [Namespace.nameLabel: "default"]], "status": ["phase": "Active"],
        ],
        [
            "apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": ["name": "default"],
            "spec": ["order": 1_000_000, "defaultAction": "Deny"],
        ],
    ]

    /// The world of `builtInObjects`.
    public static let builtIn = PolicyWorld(
        tiers: [Tier.defaultName: Tier(name: Tier.defaultName, order: Tier.defaultOrder)],
        namespaces: ["default": Namespace(name: "default", labels: [Namespace.nameLabel: "default"])])

    /// Adds or replaces what an API object says. Throws what is wrong with the object, or that its kind says nothing of
    /// policy; the world is unchanged then.
    public mutating func set(_ object: JSONValue) throws(ValidationError) {
        switch Kinds.find(object)?.resource {
        case Kinds.namespace.resource:
            let namespace = try Namespace(object: object)
            namespaces[namespace.name] = namespace
        case Kinds.tier.resource:
            let tier = try Tier(object: object)
            tiers[tier.name] = tier
        case Kinds.workloadEndpoint.resource:
            let endpoint = try WorkloadEndpoint(object: object)
            endpoints[endpoint.key] = endpoint
        default:
            let policy = try Policy(object: object)
            policies[policy.reference] = policy
        }
    }

    /// Removes what an API object said, by its resource name (`plural.group`); without effect for what is not there.
    public mutating func remove(resource: String, namespace: String, name: String) {
        switch resource {
        case Kinds.namespace.resource: namespaces[name] = nil
        case Kinds.tier.resource: tiers[name] = nil
        case Kinds.workloadEndpoint.resource: endpoints[EndpointKey(namespace: namespace, name: name)] = nil
        default:
            guard let kind = Kinds.find(resource: resource) else { return }
            policies[PolicyReference(kind: kind.kind, namespace: namespace, name: name)] = nil
        }
    }
}
