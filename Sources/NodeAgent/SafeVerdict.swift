import Datastore
import PolicyModel

/// What stands for an object that cannot be read and of which no earlier version is known: nothing passes that it could
/// have forbidden.
struct SafeVerdict {
    /// No user can give a tier this name.
    static let tier = "(unreadable)"

    /// The places in the world that the objects took.
    private(set) var places: [StoreKey: TypedPlace] = [:]
    /// Endpoints that do not even say which interface is theirs.
    private(set) var withoutInterface: Set<StoreKey> = []

    /// * An endpoint keeps its interface and has no address: everything that it sends or gets is dropped.
    /// * A policy denies everything in its namespace, or everywhere, before every other policy.
    /// * Any other object that decides could have been a part of any policy: all is denied.
    /// * A staged policy changes no verdict, so nothing stands for it.
    mutating func add(_ object: StoredObject, at place: TypedPlace, to world: inout PolicyWorld) {
        switch place {
        case .staged:
            return
        case .endpoint(let key):
            let interface = object.value["spec"]?["interfaceName"]?.stringValue ?? ""
            world.endpoints[key] = WorkloadEndpoint(
                key: key, node: object.value["spec"]?["node"]?.stringValue ?? "", interfaceName: interface)
            if interface.isEmpty { withoutInterface.insert(object.key) }
            places[object.key] = place
        case .policy(let reference):
            add(denial: reference, of: object.key, to: &world)
        default:
            let name = object.key.namespace.isEmpty ? object.key.name : "\(object.key.namespace)/\(object.key.name)"
            let kind = object.value["kind"]?.stringValue ?? object.key.resource
            add(denial: PolicyReference(kind: kind, namespace: "", name: name), of: object.key, to: &world)
        }
    }

    private mutating func add(denial reference: PolicyReference, of key: StoreKey, to world: inout PolicyWorld) {
        // Before every tier that an order can name.
        world.tiers[Self.tier] = Tier(name: Self.tier, order: -Double.greatestFiniteMagnitude)
        let denial = PolicyRule(action: .deny)
        world.policies[reference] = Policy(
            reference: reference, tier: Self.tier, directions: [.ingress, .egress], ingress: [denial], egress: [denial])
        places[key] = .policy(reference)
    }

    /// The object can be read again, or is gone.
    mutating func remove(_ key: StoreKey, from world: inout PolicyWorld) {
        withoutInterface.remove(key)
        guard let place = places.removeValue(forKey: key) else { return }
        world.copy(place, from: PolicyWorld())
        if !world.policies.values.contains(where: { $0.tier == Self.tier }) { world.tiers[Self.tier] = nil }
    }
}
