import PolicyModel

/// A world that files or a server describe, and the workloads in it.
public struct AnalysisWorld: Sendable, Hashable {
    public private(set) var world: PolicyWorld
    /// By title.
    public private(set) var workloads: [Workload]
    /// The endpoints whose address nobody told: one that is in no block but those that hold every address stands for it.
    public private(set) var assumed: Set<EndpointKey>
    /// The endpoints that services pick, and the services.
    private let services: [ServiceManifest]
    private var pods: Set<EndpointKey>
    /// The slices that were made of these.
    private var made: Set<NamespacedName> = []

    /// Every endpoint is a workload of its own. Wherever the endpoints run, they are policed.
    public init(world: PolicyWorld) {
        let workloads = world.endpoints.keys.map { key in
            Workload(namespace: key.namespace, name: key.name, kind: Kinds.workloadEndpoint.kind, endpoints: [key])
        }
        self.world = world
        self.workloads = workloads.sorted { $0.title < $1.title }
        assumed = []
        services = []
        pods = []
        for key in world.endpoints.keys { self.world.endpoints[key]?.node = "" }
    }

    /// - Parameters:
    ///   - workloads: by title.
    ///   - pods: the endpoints that `services` pick.
    init(
        world: PolicyWorld, workloads: [Workload], pods: Set<EndpointKey>, services: [ServiceManifest]
    ) throws(WorldError) {
        self.world = world
        self.workloads = workloads
        self.pods = pods
        self.services = services
        assumed = Set(world.endpoints.lazy.filter { $0.value.addresses.isEmpty }.map(\.key))
        for key in world.endpoints.keys { self.world.endpoints[key]?.node = "" }
        try settle(apartFrom: [])
    }

    /// Gives those without addresses some, and services their slices.
    private mutating func settle(apartFrom blocks: Set<AddressBlock>) throws(WorldError) {
        for name in made { world.endpointSlices[name] = nil }
        for key in assumed { world.endpoints[key]?.addresses = [] }
        try AssumedAddresses.give(assumed.sorted(), in: &world, apartFrom: blocks)
        made = ServiceSlices.add(services, of: pods, to: &world)
    }

    /// The same world with pods that are not there yet, each a workload by itself.
    ///
    /// - Parameters:
    ///   - pods: without addresses.
    ///   - blocks: of worlds that this one is compared with: assumed addresses are in none of them.
    func adding(_ added: [WorkloadEndpoint], apartFrom blocks: Set<AddressBlock>) throws(WorldError) -> AnalysisWorld {
        var result = self
        for endpoint in added {
            result.world.endpoints[endpoint.key] = endpoint
            result.assumed.insert(endpoint.key)
            result.pods.insert(endpoint.key)
            result.workloads.append(Workload(
                namespace: endpoint.key.namespace, name: endpoint.key.name, kind: Workload.newKind, endpoints: [endpoint.key]))
        }
        result.workloads.sort { $0.title < $1.title }
        try result.settle(apartFrom: blocks)
        return result
    }

    /// The same workloads under other objects.
    func changing(_ change: (inout PolicyWorld) -> Void) -> AnalysisWorld {
        var result = self
        change(&result.world)
        return result
    }
}

extension AnalysisWorld {
    /// The end of a connection that a person means: `host`, an address, an endpoint, or a workload, of whose replicas the first
    /// stands for all; nil for nobody.
    public func end(meantBy text: String) -> ExplainEnd? {
        switch ExplainEnd(text) {
        case .endpoint(let key)? where world.endpoints[key] != nil: return .endpoint(key)
        case .endpoint?, nil: break
        case let other?: return other
        }
        return workloads.first { $0.isMeant(by: text) }?.endpoints.first.map(ExplainEnd.endpoint)
    }
}
