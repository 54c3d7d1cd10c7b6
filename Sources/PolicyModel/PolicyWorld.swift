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
    /// The objects that are in every world: the namespace `default` and `Tier.builtIn`, with defaults filled in. A server
    /// creates them at its first start and does not let them be deleted.
    public static let builtInObjects: [JSONValue] = [
        [
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": ["name": "default", "labels": [Namespace.nameLabel: "default"]], "status": ["phase": "Active"],
        ]
    ] + Tier.builtIn.map { tier in
        [
            "apiVersion": .string(Kinds.tier.apiVersion), "kind": .string(Kinds.tier.kind),
            "metadata": ["name": .string(tier.name)],
            "spec": [
                "order": .integer(Int64(tier.order ?? 0)), "defaultAction": .string(tier.defaultAction.rawValue),
            ],
        ]
    }

    /// The world of `builtInObjects`.
    public static let builtIn = PolicyWorld(
        tiers: Dictionary(Tier.builtIn.map { ($0.name, $0) }) { first, _ in first },
        namespaces: ["default": Namespace(name: "default", labels: [Namespace.nameLabel: "default"])])

    /// Adds or replaces what an API object says; kinds that say nothing of policy (a Service, a Secret) leave it as it is.
    /// Throws what is wrong with the object, or that its kind is not known; the world is unchanged then.
    ///
    /// - Returns: whether the world changed.
    @discardableResult
    public mutating func set(_ object: JSONValue) throws(ValidationError) -> Bool {
        let kind = Kinds.find(object)
        switch kind?.resource {
        case Kinds.namespace.resource:
            let namespace = try Namespace(object: object)
            return namespaces.updateValue(namespace, forKey: namespace.name) != namespace
        case Kinds.tier.resource:
            let tier = try Tier(object: object)
            return tiers.updateValue(tier, forKey: tier.name) != tier
        case Kinds.workloadEndpoint.resource:
            let endpoint = try WorkloadEndpoint(object: object)
            return endpoints.updateValue(endpoint, forKey: endpoint.key) != endpoint
        case Kinds.profile.resource:
            let profile = try Profile(object: object)
            return profiles.updateValue(profile, forKey: profile.name) != profile
        case Kinds.networkSet.resource, Kinds.globalNetworkSet.resource:
            let networkSet = try NetworkSet(object: object)
            let key = NamespacedName(namespace: networkSet.namespace, name: networkSet.name)
            return networkSets.updateValue(networkSet, forKey: key) != networkSet
        case Kinds.serviceAccount.resource:
            let account = try ServiceAccount(object: object)
            let key = NamespacedName(namespace: account.namespace, name: account.name)
            return serviceAccounts.updateValue(account, forKey: key) != account
        case Kinds.endpointSlice.resource:
            let slice = try EndpointSlice(object: object)
            let key = NamespacedName(namespace: slice.namespace, name: slice.name)
            return endpointSlices.updateValue(slice, forKey: key) != slice
        case Kinds.stagedNetworkPolicy.resource, Kinds.stagedGlobalNetworkPolicy.resource,
            Kinds.stagedKubernetesNetworkPolicy.resource:
            let policy = try StagedPolicy(object: object)
            return staged.updateValue(policy, forKey: policy.reference) != policy
        default:
            if let kind, !Self.policyResources.contains(kind.resource) {
                _ = try ObjectDecoding.validated(object, [kind])
                return false
            }
            let policy = try Policy(object: object)
            return policies.updateValue(policy, forKey: policy.reference) != policy
        }
    }

    /// Removes what an API object said, by its resource name (`plural.group`); without effect for what is not there.
    ///
    /// - Returns: whether the world changed.
    @discardableResult
    public mutating func remove(resource: String, namespace: String, name: String) -> Bool {
        let key = NamespacedName(namespace: namespace, name: name)
        switch resource {
        case Kinds.namespace.resource: return namespaces.removeValue(forKey: name) != nil
        case Kinds.tier.resource: return tiers.removeValue(forKey: name) != nil
        case Kinds.workloadEndpoint.resource: return endpoints.removeValue(forKey: key) != nil
        case Kinds.profile.resource: return profiles.removeValue(forKey: name) != nil
        case Kinds.networkSet.resource: return networkSets.removeValue(forKey: key) != nil
        case Kinds.globalNetworkSet.resource:
            return networkSets.removeValue(forKey: NamespacedName(namespace: "", name: name)) != nil
        case Kinds.serviceAccount.resource: return serviceAccounts.removeValue(forKey: key) != nil
        case Kinds.endpointSlice.resource: return endpointSlices.removeValue(forKey: key) != nil
        default:
            guard let kind = Kinds.find(resource: resource) else { return false }
            let reference = Policy.reference(kind: kind, namespace: namespace, name: name)
            if Kinds.enforced(kind) != nil { return staged.removeValue(forKey: reference) != nil }
            return Self.policyResources.contains(resource) && policies.removeValue(forKey: reference) != nil
        }
    }

    /// The resources of policies that are enforced.
    private static let policyResources: Set<String> = [
        Kinds.networkPolicy.resource, Kinds.globalNetworkPolicy.resource, Kinds.kubernetesNetworkPolicy.resource,
        Kinds.clusterNetworkPolicy.resource, Kinds.adminNetworkPolicy.resource, Kinds.baselineAdminNetworkPolicy.resource,
    ]

    /// The resources (`plural.group`) whose objects `set` puts into the world; others say nothing of policy.
    public static let resources: Set<String> = policyResources.union([
        Kinds.namespace.resource, Kinds.serviceAccount.resource, Kinds.endpointSlice.resource, Kinds.tier.resource,
        Kinds.stagedNetworkPolicy.resource, Kinds.stagedGlobalNetworkPolicy.resource,
        Kinds.stagedKubernetesNetworkPolicy.resource, Kinds.networkSet.resource, Kinds.globalNetworkSet.resource,
        Kinds.profile.resource, Kinds.workloadEndpoint.resource,
    ])
}
