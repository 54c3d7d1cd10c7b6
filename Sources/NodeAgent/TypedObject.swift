import Datastore
import PolicyModel

/// A stored object that takes part in verdicts.
enum TypedObject {
    case namespace(Namespace)
    case tier(Tier)
    case policy(Policy)
    case endpoint(WorkloadEndpoint)

    /// nil for a kind that decides nothing.
    init?(_ object: StoredObject) throws {
        guard let place = TypedPlace(object.key) else { return nil }
        switch place {
        case .namespace: self = .namespace(try Namespace(object: object.value))
        case .tier: self = .tier(try Tier(object: object.value))
        case .policy: self = .policy(try Policy(object: object.value))
        case .endpoint: self = .endpoint(try WorkloadEndpoint(object: object.value))
        }
    }
}

/// Where in a `PolicyWorld` an object belongs.
enum TypedPlace: Hashable {
    case namespace(String)
    case tier(String)
    case policy(PolicyReference)
    case endpoint(EndpointKey)

    static let endpointResource = "workloadendpoints.projectcalico.org"

    /// nil for a kind that decides nothing.
    init?(_ key: StoreKey) {
        switch key.resource {
        case "namespaces":
            self = .namespace(key.name)
        case "tiers.projectcalico.org":
            self = .tier(key.name)
        case "networkpolicies.projectcalico.org":
            self = .policy(PolicyReference(kind: "NetworkPolicy", namespace: key.namespace, name: key.name))
        case "globalnetworkpolicies.projectcalico.org":
            self = .policy(PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: key.name))
        case Self.endpointResource:
            self = .endpoint(EndpointKey(namespace: key.namespace, name: key.name))
        default:
            return nil
        }
    }
}
