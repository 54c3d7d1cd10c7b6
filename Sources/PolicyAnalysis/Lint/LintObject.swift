import PolicyModel

/// Names an object as its user wrote it.
public struct LintObject: Sendable, Hashable {
    /// `plural.group`.
    public var resource: String
    /// Empty for kinds without a namespace.
    public var namespace: String
    public var name: String

    public init(resource: String, namespace: String, name: String) {
        self.resource = resource
        self.namespace = namespace
        self.name = name
    }

    /// An object as it stands in a file; one without a namespace that needs one is of `default`.
    public init(_ object: JSONValue, kind: ResourceKind) {
        let namespace = object["metadata"]?["namespace"]?.stringValue ?? ""
        self.init(
            resource: kind.resource, namespace: kind.namespaced ? (namespace.isEmpty ? "default" : namespace) : "",
            name: object["metadata"]?["name"]?.stringValue ?? "")
    }

    /// The object that a policy was read from.
    public init(_ reference: PolicyReference) {
        let isKubernetes = reference.kind == Kinds.networkPolicy.kind && reference.name.hasPrefix(Policy.kubernetesPrefix)
        let kind = isKubernetes ? Kinds.kubernetesNetworkPolicy : Kinds.all.first { $0.kind == reference.kind }
        self.init(
            resource: kind?.resource ?? "", namespace: reference.namespace,
            name: isKubernetes ? String(reference.name.dropFirst(Policy.kubernetesPrefix.count)) : reference.name)
    }

    var isKubernetes: Bool { resource == Kinds.kubernetesNetworkPolicy.resource }
}

extension Policy {
    /// A ClusterNetworkPolicy, AdminNetworkPolicy or BaselineAdminNetworkPolicy.
    var isOfAdministrators: Bool {
        [Kinds.clusterNetworkPolicy, Kinds.adminNetworkPolicy, Kinds.baselineAdminNetworkPolicy].contains { $0.kind == reference.kind }
    }

    /// Where its object says whom it applies to.
    var subjectPath: String {
        if isOfAdministrators { return "spec.subject" }
        return LintObject(reference).isKubernetes ? "spec.podSelector" : "spec.selector"
    }
}
