import PolicyModel

/// Gives pods endpoints, and replicas their owner.
struct WorkloadGrouping {
    private struct Name: Hashable {
        var namespace: String
        var kind: String
        var name: String
    }

    private var groups: [Name: [EndpointKey]] = [:]
    /// The endpoints that it added.
    private(set) var pods: Set<EndpointKey> = []

    /// Adds an endpoint for every pod, and for every controller that nobody shows a pod of.
    init(manifests: [WorkloadManifest], into world: inout PolicyWorld) {
        let owners = Dictionary(
            manifests.map { (Name(namespace: $0.namespace, kind: $0.kind, name: $0.name), $0.owner) }
        ) { first, _ in first }
        for key in world.endpoints.keys {
            groups[Name(namespace: key.namespace, kind: Kinds.workloadEndpoint.kind, name: key.name)] = [key]
        }
        // Pods first: whoever has some is not made up.
        let pods = manifests.filter { $0.kind == "Pod" || $0.kind == "VirtualMachineInstance" }
        let makers = manifests.filter { $0.kind != "Pod" && $0.kind != "VirtualMachineInstance" }
        for manifest in pods {
            let name = Self.root(manifest, owners)
            groups[name, default: []].append(add(manifest, to: &world))
        }
        for manifest in makers.sorted(by: { ($0.namespace, $0.name, $0.kind) < ($1.namespace, $1.name, $1.kind) })
        where manifest.owner.map({ owners[Name(namespace: manifest.namespace, kind: $0.kind, name: $0.name)] == nil }) ?? true {
            let name = Name(namespace: manifest.namespace, kind: manifest.kind, name: manifest.name)
            if groups[name] == nil { groups[name] = [add(manifest, to: &world)] }
        }
    }

    /// By title.
    var workloads: [Workload] {
        groups.map { name, endpoints in
            Workload(namespace: name.namespace, name: name.name, kind: name.kind, endpoints: endpoints.sorted())
        }.sorted { $0.title < $1.title }
    }

    /// The last of a pod's owners. Owners of owners are only known where the files hold them.
    private static func root(_ manifest: WorkloadManifest, _ owners: [Name: WorkloadManifest.Owner?]) -> Name {
        var name = Name(namespace: manifest.namespace, kind: manifest.kind, name: manifest.name)
        var next = manifest.owner
        // Files can say that two objects own each other.
        var seen: Set<Name> = [name]
        while let owner = next {
            let above = Name(namespace: manifest.namespace, kind: owner.kind, name: owner.name)
            guard seen.insert(above).inserted else { break }
            name = above
            next = owners[above] ?? nil
        }
        return name
    }

    /// Its own name, unless somebody else in the namespace has it: then with the kind behind.
    private mutating func add(_ manifest: WorkloadManifest, to world: inout PolicyWorld) -> EndpointKey {
        var key = EndpointKey(namespace: manifest.namespace, name: manifest.name)
        if world.endpoints[key] != nil { key.name = "\(manifest.name)[\(manifest.kind)]" }
        world.endpoints[key] = WorkloadEndpoint(
            key: key, labels: manifest.labels, addresses: manifest.addresses, ports: manifest.ports,
            serviceAccount: manifest.serviceAccount)
        pods.insert(key)
        return key
    }
}
