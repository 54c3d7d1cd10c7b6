import Datastore
import PolicyModel

/// The policies of the store, as far as their status goes.
struct TrackedPolicies {
    struct Tracked: Hashable {
        var key: StoreKey
        var reference: PolicyReference
        var isStaged: Bool
        var generation: Int64
        /// The write that made the generation.
        var generationRevision: Int64
        var status: JSONValue?
    }

    private(set) var policies: [StoreKey: Tracked] = [:]
    /// Something is not as it was when this was last asked.
    private var changed = true

    /// The resources whose objects have a policy's status, with the kind of their references and whether they are staged.
    static let resources: [String: (kind: String, isStaged: Bool)] = [
        "networkpolicies.projectcalico.org": ("NetworkPolicy", false),
        "globalnetworkpolicies.projectcalico.org": ("GlobalNetworkPolicy", false),
        "networkpolicies.networking.k8s.io": ("NetworkPolicy", false),
        "clusternetworkpolicies.policy.networking.k8s.io": ("ClusterNetworkPolicy", false),
        "adminnetworkpolicies.policy.networking.k8s.io": ("AdminNetworkPolicy", false),
        "baselineadminnetworkpolicies.policy.networking.k8s.io": ("BaselineAdminNetworkPolicy", false),
        "stagednetworkpolicies.projectcalico.org": ("StagedNetworkPolicy", true),
        "stagedglobalnetworkpolicies.projectcalico.org": ("StagedGlobalNetworkPolicy", true),
        "stagedkubernetesnetworkpolicies.projectcalico.org": ("StagedKubernetesNetworkPolicy", true),
    ]

    mutating func replace(with objects: [StoredObject]) {
        let listed = Set(objects.map(\.key))
        policies = policies.filter { listed.contains($0.key) }
        for object in objects { put(object) }
        changed = true
    }

    mutating func apply(_ event: StoreEvent) {
        guard Self.resources[event.object.key.resource] != nil else { return }
        changed = true
        if event.kind == .deleted { policies[event.object.key] = nil } else { put(event.object) }
    }

    mutating func takeChanged() -> Bool {
        defer { changed = false }
        return changed
    }

    private mutating func put(_ object: StoredObject) {
        guard let (kind, isStaged) = Self.resources[object.key.resource] else { return }
        let generation = object.value["metadata"]?["generation"]?.integerValue ?? 1
        let before = policies[object.key]
        let isKubernetes = object.key.resource == "networkpolicies.networking.k8s.io"
        policies[object.key] = Tracked(
            key: object.key,
            reference: PolicyReference(
                kind: kind, namespace: object.key.namespace,
                name: (isKubernetes ? Policy.kubernetesPrefix : "") + object.key.name),
            isStaged: isStaged, generation: generation,
            generationRevision: before?.generation == generation ? before?.generationRevision ?? object.revision : object.revision,
            status: object.value["status"])
    }
}
