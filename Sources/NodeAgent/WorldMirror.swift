import Datastore
import PolicyModel

/// The typed world that follows the store.
///
/// An object whose newest version cannot be decoded keeps its last good version and is named in `undecodable`.
struct WorldMirror {
    /// An endpoint that a container engine's hook wrote: it must not outlive its interface.
    struct ContainerEndpoint: Hashable {
        var revision: Int64
        var interfaceName: String
    }

    private(set) var world = PolicyWorld.builtIn
    /// The store's revision up to which everything is in `world`.
    private(set) var revision: Int64 = 0
    /// What is wrong with the newest version of an object.
    private(set) var undecodable: [StoreKey: String] = [:]
    private(set) var containers: [EndpointKey: ContainerEndpoint] = [:]

    /// Takes over a whole list. Returns whether the world changed.
    mutating func replace(with objects: [StoredObject], revision: Int64) -> Bool {
        let before = world
        undecodable = [:]
        containers = [:]
        // In every world, also in one whose server has not made them yet.
        var listed: Set<TypedPlace> = Set(
            PolicyWorld.builtIn.namespaces.keys.map(TypedPlace.namespace) + PolicyWorld.builtIn.tiers.keys.map(TypedPlace.tier))
        for object in objects {
            if let place = TypedPlace(object.key) { listed.insert(place) }
            put(object)
        }
        world.namespaces = world.namespaces.filter { listed.contains(.namespace($0.key)) }
        world.tiers = world.tiers.filter { listed.contains(.tier($0.key)) }
        world.policies = world.policies.filter { listed.contains(.policy($0.key)) }
        world.endpoints = world.endpoints.filter { listed.contains(.endpoint($0.key)) }
        self.revision = revision
        return world != before
    }

    /// Returns whether the world changed. Events up to `revision` are already in it and are passed over.
    mutating func apply(_ event: StoreEvent) -> Bool {
        guard event.object.revision > revision else { return false }
        revision = event.object.revision
        switch event.kind {
        case .added, .modified: return put(event.object)
        case .deleted: return remove(event.object.key)
        }
    }

    @discardableResult
    private mutating func put(_ object: StoredObject) -> Bool {
        let typed: TypedObject?
        do {
            typed = try TypedObject(object)
            undecodable[object.key] = nil
        } catch {
            undecodable[object.key] = Self.describe(error)
            return false
        }
        switch typed {
        case nil:
            return false
        case .namespace(let namespace):
            return world.namespaces.updateValue(namespace, forKey: namespace.name) != namespace
        case .tier(let tier):
            return world.tiers.updateValue(tier, forKey: tier.name) != tier
        case .policy(let policy):
            return world.policies.updateValue(policy, forKey: policy.reference) != policy
        case .endpoint(let endpoint):
            let isContainer = object.value["spec"]?["containerID"]?.stringValue.map { !$0.isEmpty } ?? false
            containers[endpoint.key] =
                isContainer
                ? ContainerEndpoint(revision: object.revision, interfaceName: endpoint.interfaceName) : nil
            return world.endpoints.updateValue(endpoint, forKey: endpoint.key) != endpoint
        }
    }

    private mutating func remove(_ key: StoreKey) -> Bool {
        undecodable[key] = nil
        switch TypedPlace(key) {
        case nil:
            return false
        case .namespace(let name):
            let former = world.namespaces[name]
            world.namespaces[name] = PolicyWorld.builtIn.namespaces[name]
            return world.namespaces[name] != former
        case .tier(let name):
            let former = world.tiers[name]
            world.tiers[name] = PolicyWorld.builtIn.tiers[name]
            return world.tiers[name] != former
        case .policy(let reference):
            return world.policies.removeValue(forKey: reference) != nil
        case .endpoint(let key):
            containers[key] = nil
            return world.endpoints.removeValue(forKey: key) != nil
        }
    }

    private static func describe(_ error: any Error) -> String {
        guard let invalid = error as? ValidationError else { return "\(error)" }
        return invalid.errors.map { "\($0.path): \($0.message)" }.joined(separator: "; ")
    }
}
