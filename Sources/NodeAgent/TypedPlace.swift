import Datastore
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
