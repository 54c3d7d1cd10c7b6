import Datastore
import PolicyEngine
import PolicyModel

/// Where in a `PolicyWorld` an object belongs.
enum TypedPlace: Hashable {
    case namespace(String)
    case serviceAccount(NamespacedName)
    case tier(String)
    case policy(PolicyReference)
    case staged(PolicyReference)
    case profile(String)
    case networkSet(NamespacedName)
    case endpointSlice(NamespacedName)
    case endpoint(EndpointKey)

    static let endpointResource = "workloadendpoints.projectcalico.org"

    /// nil for a kind that decides nothing.
    init?(_ key: StoreKey) {
        let named = NamespacedName(namespace: key.namespace, name: key.name)
        func reference(_ kind: String) -> PolicyReference {
            PolicyReference(kind: kind, namespace: key.namespace, name: key.name)
        }
        switch key.resource {
        case "namespaces":
            self = .namespace(key.name)
        case "serviceaccounts":
            self = .serviceAccount(named)
        case "tiers.projectcalico.org":
            self = .tier(key.name)
        case "networkpolicies.projectcalico.org":
            self = .policy(reference("NetworkPolicy"))
        case "globalnetworkpolicies.projectcalico.org":
            self = .policy(reference("GlobalNetworkPolicy"))
        case "networkpolicies.networking.k8s.io":
            self = .policy(
                PolicyReference(
                    kind: "NetworkPolicy", namespace: key.namespace, name: Policy.kubernetesPrefix + key.name))
        case "clusternetworkpolicies.policy.networking.k8s.io":
            self = .policy(reference("ClusterNetworkPolicy"))
        case "adminnetworkpolicies.policy.networking.k8s.io":
            self = .policy(reference("AdminNetworkPolicy"))
        case "baselineadminnetworkpolicies.policy.networking.k8s.io":
            self = .policy(reference("BaselineAdminNetworkPolicy"))
        case "stagednetworkpolicies.projectcalico.org":
            self = .staged(reference("StagedNetworkPolicy"))
        case "stagedglobalnetworkpolicies.projectcalico.org":
            self = .staged(reference("StagedGlobalNetworkPolicy"))
        case "stagedkubernetesnetworkpolicies.projectcalico.org":
            self = .staged(reference("StagedKubernetesNetworkPolicy"))
        case "profiles.projectcalico.org":
            self = .profile(key.name)
        case "networksets.projectcalico.org", "globalnetworksets.projectcalico.org":
            self = .networkSet(named)
        case "endpointslices.discovery.k8s.io":
            self = .endpointSlice(named)
        case Self.endpointResource:
            self = .endpoint(EndpointKey(namespace: key.namespace, name: key.name))
        default:
            return nil
        }
    }
}

extension TypedPlace {
    init(_ change: WorldChange) {
        switch change {
        case .namespace(let name, _): self = .namespace(name)
        case .serviceAccount(let name, _): self = .serviceAccount(name)
        case .tier(let name, _): self = .tier(name)
        case .policy(let reference, _): self = .policy(reference)
        case .staged(let reference, _): self = .staged(reference)
        case .profile(let name, _): self = .profile(name)
        case .networkSet(let name, _): self = .networkSet(name)
        case .endpointSlice(let name, _): self = .endpointSlice(name)
        case .endpoint(let key, _): self = .endpoint(key)
        }
    }

    /// What others inherit from comes before them: their labels are then settled once.
    var rank: Int {
        switch self {
        case .tier: 0
        case .namespace, .serviceAccount, .profile: 1
        case .endpoint, .networkSet, .endpointSlice: 2
        case .policy, .staged: 3
        }
    }
}

extension PolicyWorld {
    /// What is at a place, to be compared; nil: nothing.
    subscript(place: TypedPlace) -> AnyHashable? {
        switch place {
        case .namespace(let name): namespaces[name].map(AnyHashable.init)
        case .serviceAccount(let name): serviceAccounts[name].map(AnyHashable.init)
        case .tier(let name): tiers[name].map(AnyHashable.init)
        case .policy(let reference): policies[reference].map(AnyHashable.init)
        case .staged(let reference): staged[reference].map(AnyHashable.init)
        case .profile(let name): profiles[name].map(AnyHashable.init)
        case .networkSet(let name): networkSets[name].map(AnyHashable.init)
        case .endpointSlice(let name): endpointSlices[name].map(AnyHashable.init)
        case .endpoint(let key): endpoints[key].map(AnyHashable.init)
        }
    }

    /// What is at a place, for who follows this world.
    func change(at place: TypedPlace) -> WorldChange {
        switch place {
        case .namespace(let name): .namespace(name, namespaces[name])
        case .serviceAccount(let name): .serviceAccount(name, serviceAccounts[name])
        case .tier(let name): .tier(name, tiers[name])
        case .policy(let reference): .policy(reference, policies[reference])
        case .staged(let reference): .staged(reference, staged[reference])
        case .profile(let name): .profile(name, profiles[name])
        case .networkSet(let name): .networkSet(name, networkSets[name])
        case .endpointSlice(let name): .endpointSlice(name, endpointSlices[name])
        case .endpoint(let key): .endpoint(key, endpoints[key])
        }
    }

    /// Makes one object what a change says.
    mutating func apply(_ change: WorldChange) {
        switch change {
        case .namespace(let name, let value): namespaces[name] = value
        case .serviceAccount(let name, let value): serviceAccounts[name] = value
        case .tier(let name, let value): tiers[name] = value
        case .policy(let reference, let value): policies[reference] = value
        case .staged(let reference, let value): staged[reference] = value
        case .profile(let name, let value): profiles[name] = value
        case .networkSet(let name, let value): networkSets[name] = value
        case .endpointSlice(let name, let value): endpointSlices[name] = value
        case .endpoint(let key, let value): endpoints[key] = value
        }
    }

    /// Makes a place what it is in another world.
    mutating func copy(_ place: TypedPlace, from other: PolicyWorld) {
        switch place {
        case .namespace(let name): namespaces[name] = other.namespaces[name]
        case .serviceAccount(let name): serviceAccounts[name] = other.serviceAccounts[name]
        case .tier(let name): tiers[name] = other.tiers[name]
        case .policy(let reference): policies[reference] = other.policies[reference]
        case .staged(let reference): staged[reference] = other.staged[reference]
        case .profile(let name): profiles[name] = other.profiles[name]
        case .networkSet(let name): networkSets[name] = other.networkSets[name]
        case .endpointSlice(let name): endpointSlices[name] = other.endpointSlices[name]
        case .endpoint(let key): endpoints[key] = other.endpoints[key]
        }
    }
}
