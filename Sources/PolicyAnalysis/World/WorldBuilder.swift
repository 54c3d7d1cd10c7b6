import PolicyModel

/// Makes a world and its workloads of objects as files hold them, in any order.
///
/// Objects get the defaults of the API server and pass the same validator; one that is wrong is refused alone. A namespace
/// or service account that workloads name and nobody declares is made up, without labels but the namespace's name.
public struct WorldBuilder: Sendable {
    /// What became of an object.
    public enum Outcome: Sendable, Hashable {
        case taken
        /// It says nothing of policy, or nothing that policies decide; why, in a sentence.
        case leftOut(String)
    }

    /// Names an object whatever its kind.
    struct ObjectName: Sendable, Hashable {
        var kind: String
        var name: NamespacedName
    }

    private var world = PolicyWorld.builtIn
    private var manifests: [WorkloadManifest] = []
    private var services: [NamespacedName: ServiceManifest] = [:]
    private var known: Set<ObjectName> = []
    /// The tiers that policies name, by the number of the object that does.
    private var tiersOfPolicies: [(object: Int, tier: String)] = []
    /// How many objects `add` was asked to take.
    public private(set) var count = 0

    public init() {}

    /// Takes an object in. One without a namespace that needs one is of `default`.
    /// - Throws: everything that is wrong with it; nothing of it is taken then.
    public mutating func add(_ sent: JSONValue) throws(ValidationError) -> Outcome {
        count += 1
        guard case .object = sent else {
            throw ValidationError([FieldError(path: "", message: "must be an object, not a text, a number or a list")])
        }
        guard let apiVersion = sent["apiVersion"]?.stringValue, let kindName = sent["kind"]?.stringValue else {
            let missing = sent["apiVersion"]?.stringValue == nil ? "apiVersion" : "kind"
            throw ValidationError([FieldError(path: missing, message: "is required", reason: .required)])
        }
        if WorkloadManifest.describesPods(apiVersion: apiVersion, kind: kindName) {
            return try add(workload: Self.placed(sent), kind: kindName)
        }
        // Of no consequence for the world, and of use to who reads it.
        if Kinds.offline.contains(where: { $0.isKind(of: sent) }) { return .taken }
        guard let kind = Kinds.find(apiVersion: apiVersion, kind: kindName) else {
            return try Self.unserved(apiVersion, kindName)
        }
        var object = kind.namespaced ? Self.placed(sent) : sent
        Defaulting.apply(to: &object, kind: kind)
        let decides = PolicyWorld.resources.contains(kind.resource)
        // What says nothing of policy may come from a server that knows more fields.
        let errors = Validator.validate(object, kind: kind).filter { decides || $0.reason != .unknown }
        guard errors.isEmpty else { throw ValidationError(errors) }
        let name = try claim(object, kind: kind.resource)
        Validator.prune(&object, kind: kind)
        try world.set(object)
        if kind.resource == Kinds.service.resource { services[name.name] = ServiceManifest(object) }
        if let tier = object["spec"]?["tier"]?.stringValue, Self.namesTier(kind) {
            tiersOfPolicies.append((count - 1, tier))
        }
        guard decides || kind.resource == Kinds.service.resource else {
            return .leftOut("a \(kindName) says nothing of policy")
        }
        return .taken
    }

    /// What objects that are right demand of others and do not find, once all are there: the number of the object, from 0 in
    /// the order of `add`, and what is wrong.
    public var missing: [(object: Int, error: FieldError)] {
        tiersOfPolicies.compactMap { object, tier in
            guard world.tiers[tier] == nil else { return nil }
            return (object, FieldError(path: "spec.tier", message: "there is no tier \"\(tier)\": add the Tier too"))
        }
    }

    /// The world of everything that was taken.
    public func finish() throws(WorldError) -> AnalysisWorld {
        var finished = world
        let grouping = WorkloadGrouping(manifests: manifests, into: &finished)
        for endpoint in finished.endpoints.values {
            declare(namespace: endpoint.key.namespace, account: endpoint.serviceAccount, in: &finished)
        }
        for set in finished.networkSets.keys where !set.namespace.isEmpty {
            declare(namespace: set.namespace, account: "", in: &finished)
        }
        return try AnalysisWorld(
            world: finished, workloads: grouping.workloads, pods: grouping.pods,
            services: services.sorted { $0.key < $1.key }.map(\.value))
    }

    // MARK: Parts

    private static let policyGroups = [Kinds.policyGroup, "crd.projectcalico.org", "policy.networking.k8s.io"]

    /// What is left out must not be a policy: the answer would be that of another world.
    private static func unserved(_ apiVersion: String, _ kind: String) throws(ValidationError) -> Outcome {
        let group = apiVersion.split(separator: "/").first.map(String.init) ?? ""
        guard kind.hasSuffix("NetworkPolicy") || policyGroups.contains(group) else { return .leftOut("a \(kind) of \(apiVersion) says nothing of policy") }
        let versions = Kinds.all.filter { $0.kind == kind }.map(\.apiVersion)
        let remedy = versions.isEmpty ? "see `bulkhead limits`" : "write it as \(versions.joined(separator: " or "))"
        throw ValidationError([
            FieldError(path: "kind", message: "\(kind) of \(apiVersion) is not served: \(remedy)", reason: .notSupported)
        ])
    }

    private static func namesTier(_ kind: ResourceKind) -> Bool {
        [Kinds.networkPolicy, Kinds.globalNetworkPolicy, Kinds.stagedNetworkPolicy, Kinds.stagedGlobalNetworkPolicy]
            .contains { $0.resource == kind.resource }
    }

    private static func placed(_ object: JSONValue) -> JSONValue {
        guard case .object? = object["metadata"], (object["metadata"]?["namespace"]?.stringValue ?? "").isEmpty else {
            return object
        }
        var placed = object
        placed["metadata"]?["namespace"] = "default"
        return placed
    }

    private mutating func add(workload object: JSONValue, kind: String) throws(ValidationError) -> Outcome {
        let manifest = try WorkloadManifest(object: object)
        _ = try claim(object, kind: kind)
        if manifest.usesHostNetwork { return .leftOut("its packets are the host's (hostNetwork), which no policy decides") }
        if manifest.hasEnded { return .leftOut("it has ended") }
        manifests.append(manifest)
        return .taken
    }

    private mutating func claim(_ object: JSONValue, kind: String) throws(ValidationError) -> ObjectName {
        let name = ObjectName(
            kind: kind,
            name: NamespacedName(
                namespace: object["metadata"]?["namespace"]?.stringValue ?? "",
                name: object["metadata"]?["name"]?.stringValue ?? ""))
        guard known.insert(name).inserted else {
            throw ValidationError([
                FieldError(
                    path: "metadata.name", message: "another object of this kind and name stands before it: remove one of both")
            ])
        }
        return name
    }

    private func declare(namespace: String, account: String, in world: inout PolicyWorld) {
        if world.namespaces[namespace] == nil {
            world.namespaces[namespace] = Namespace(name: namespace, labels: [Namespace.nameLabel: namespace])
        }
        guard !account.isEmpty else { return }
        let name = NamespacedName(namespace: namespace, name: account)
        if world.serviceAccounts[name] == nil {
            world.serviceAccounts[name] = ServiceAccount(namespace: namespace, name: account)
        }
    }
}

/// What is wrong with a world whose objects are right.
public enum WorldError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No address is left that could stand for those which nobody told.
    case noFreeAddress(IPVersion)

    public var description: String {
        switch self {
        case .noFreeAddress(let version):
            "the blocks of the input leave no IPv\(version.rawValue) address that could stand for workloads whose own is not known: "
                + "tell their addresses in status.podIPs, or as WorkloadEndpoints"
        }
    }
}
