import Datastore
import PolicyEngine
import PolicyModel

/// The typed world that follows the store.
///
/// An object whose newest version cannot be read is named in `undecodable` and keeps the last version that could be: of
/// this process, or the one that a process before remembered. Where nobody remembers, the safe verdict stands for it.
struct WorldMirror {
    /// An endpoint that a container engine's hook wrote: it must not outlive its interface.
    struct ContainerEndpoint: Hashable {
        var revision: Int64
        var interfaceName: String
    }

    /// Why an object cannot be read, and what decides in its place.
    struct Unreadable: Hashable {
        enum Substitute: Hashable {
            case earlierVersion
            case nothing
            case safeVerdict
        }

        var message: String
        var substitute: Substitute
    }

    private(set) var world = PolicyWorld.builtIn
    /// The store's revision up to which everything is in `world`.
    private(set) var revision: Int64 = 0
    /// What is wrong with the newest version of an object.
    private(set) var undecodable: [StoreKey: Unreadable] = [:]
    private(set) var containers: [EndpointKey: ContainerEndpoint] = [:]
    /// Endpoints that were deleted since somebody last forgot them.
    private(set) var departed: [EndpointKey: WorkloadEndpoint] = [:]
    private var safeVerdict = SafeVerdict()
    private var requests: [EndpointKey: String] = [:]
    /// Endpoints that were asked for anew.
    private var requested: Set<EndpointKey> = []
    private var accepted = AcceptedChanges()
    /// Places that may be different since somebody last asked.
    private var touched: Set<TypedPlace> = []
    private let recall: (StoreKey) -> AcceptedVersion

    /// - Parameter recall: what processes before remembered of an object.
    init(recall: @escaping (StoreKey) -> AcceptedVersion = { _ in .never }) {
        self.recall = recall
        touched = Set(WorldChange.between(PolicyWorld(), world).map(TypedPlace.init))
    }

    /// An interface that nobody claims may belong to an endpoint that cannot be read.
    var keepsUnclaimedInterfaces: Bool { !safeVerdict.withoutInterface.isEmpty }

    /// Takes over a whole list. Returns whether the world changed.
    mutating func replace(with objects: [StoredObject], revision: Int64) -> Bool {
        let former = self
        world = .builtIn
        undecodable = [:]
        containers = [:]
        safeVerdict = SafeVerdict()
        requests = [:]
        accepted = AcceptedChanges(isWhole: true)
        touched = []
        for object in objects { put(object, former: former) }
        // What the first list holds was asked for before this process.
        if former.revision > 0 {
            requested.formUnion(requests.filter { former.requests[$0.key] != $0.value }.keys)
        }
        self.revision = revision
        let changes = WorldChange.between(former.world, world)
        touched = former.touched.union(changes.map(TypedPlace.init))
        return !changes.isEmpty
    }

    /// Returns whether the world changed. Events up to `revision` are already in it and are passed over.
    mutating func apply(_ event: StoreEvent) -> Bool {
        guard event.object.revision > revision else { return false }
        revision = event.object.revision
        switch event.kind {
        case .added, .modified:
            let before = requests
            let changed = put(event.object, former: nil)
            if case .endpoint(let key)? = TypedPlace(event.object.key), requests[key] != before[key] || event.kind == .added {
                requested.insert(key)
            }
            return changed
        case .deleted:
            return remove(event.object.key)
        }
    }

    /// How the world differs from what it was at the last call, at first from an empty one: each object once, those that others inherit from first.
    mutating func takeChanges() -> [WorldChange] {
        defer { touched = [] }
        return touched.sorted { $0.rank < $1.rank }.map(world.change)
    }

    /// What is to be remembered since the last call.
    mutating func takeAccepted() -> AcceptedChanges {
        defer { accepted = AcceptedChanges() }
        return accepted
    }

    /// The endpoints that were asked for since the last call.
    mutating func takeRequested() -> Set<EndpointKey> {
        defer { requested = [] }
        return requested
    }

    mutating func forgetDeparted() { departed = [:] }

    // MARK: Parts

    /// - Parameter former: the mirror before this world was begun; nil: this world goes on.
    @discardableResult
    private mutating func put(_ object: StoredObject, former: WorldMirror?) -> Bool {
        guard let place = TypedPlace(object.key) else { return false }
        touch(place, object.key)
        defer { touch(place, object.key) }
        let before = world[place]
        do {
            // First: the safe verdict may be where the object belongs.
            let stoodFor = safeVerdict.places[object.key] != nil
            if stoodFor {
                var trial = PolicyWorld()
                try trial.set(object.value)
                safeVerdict.remove(object.key, from: &world)
            }
            try world.set(object.value)
            undecodable[object.key] = nil
            note(object, at: place)
            let changed = stoodFor || world[place] != before
            if changed || former != nil {
                accepted.versions[object.key] = .some(object)
                accepted.kept.remove(object.key)
            }
            return changed
        } catch {
            let substitute = substitute(for: object, at: place, before: before, former: former)
            undecodable[object.key] = Unreadable(message: Self.describe(error), substitute: substitute)
            accepted.kept.insert(object.key)
            return world[place] != before || substitute == .safeVerdict
        }
    }

    private mutating func substitute(
        for object: StoredObject, at place: TypedPlace, before: AnyHashable?, former: WorldMirror?
    ) -> Unreadable.Substitute {
        if safeVerdict.places[object.key] != nil { return .safeVerdict }
        if let former {
            if former.world[place] != nil, former.safeVerdict.places[object.key] == nil {
                world.copy(place, from: former.world)
                if case .endpoint(let key) = place {
                    containers[key] = former.containers[key]
                    requests[key] = former.requests[key]
                }
                return .earlierVersion
            }
        } else if before != nil {
            return .earlierVersion
        }
        switch recall(object.key) {
        case .version(let earlier):
            if (try? world.set(earlier.value)) != nil {
                note(earlier, at: place)
                return .earlierVersion
            }
            fallthrough
        case .unknown:
            safeVerdict.add(object, at: place, to: &world)
            if case .staged = place { return .nothing }
            return .safeVerdict
        case .never:
            return .nothing
        }
    }

    /// What may become different with an object: its own place, and what stands for it.
    private mutating func touch(_ place: TypedPlace, _ key: StoreKey) {
        touched.insert(place)
        guard let substitute = safeVerdict.places[key] else { return }
        touched.insert(substitute)
        touched.insert(.tier(SafeVerdict.tier))
    }

    /// What is not policy.
    private mutating func note(_ object: StoredObject, at place: TypedPlace) {
        guard case .endpoint(let key) = place else { return }
        let isContainer = object.value["spec"]?["containerID"]?.stringValue.map { !$0.isEmpty } ?? false
        containers[key] =
            isContainer
            ? ContainerEndpoint(
                revision: object.revision, interfaceName: object.value["spec"]?["interfaceName"]?.stringValue ?? "") : nil
        requests[key] = object.value["metadata"]?["annotations"]?[NodeAgent.requestAnnotation]?.stringValue
    }

    private mutating func remove(_ key: StoreKey) -> Bool {
        undecodable[key] = nil
        guard let place = TypedPlace(key) else { return false }
        accepted.versions[key] = .some(nil)
        accepted.kept.remove(key)
        if case .endpoint(let endpoint) = place {
            departed[endpoint] = world.endpoints[endpoint]
            containers[endpoint] = nil
            requests[endpoint] = nil
            requested.remove(endpoint)
        }
        touch(place, key)
        let stoodFor = safeVerdict.places[key] != nil
        safeVerdict.remove(key, from: &world)
        let before = world[place]
        world.copy(place, from: .builtIn)
        return stoodFor || world[place] != before
    }

    private static func describe(_ error: any Error) -> String {
        guard let invalid = error as? ValidationError else { return "\(error)" }
        return invalid.errors.map { "\($0.path): \($0.message)" }.joined(separator: "; ")
    }
}
