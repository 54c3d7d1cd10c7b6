extension Policy {
    /// Reads a NetworkPolicy or GlobalNetworkPolicy of projectcalico.org, a NetworkPolicy of Kubernetes or a policy of
    /// policy.networking.k8s.io, and fills in the defaults: the tier `default`; types by the rules that are there; an empty selector is `all()`; an empty selector in a
    /// rule is absent.
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        let kind = try ObjectDecoding.validated(
            object,
            [Kinds.networkPolicy, Kinds.globalNetworkPolicy, Kinds.kubernetesNetworkPolicy] + ClusterPolicyForm.allCases.map(\.kind))
        let spec = object["spec"] ?? .null
        let denyAction = ObjectDecoding.denyAction(object)
        let place = Self.reference(kind, object)
        if kind.resource == Kinds.kubernetesNetworkPolicy.resource {
            self = try KubernetesPolicyExpansion.policy(reference: place, spec: spec, denyAction: denyAction)
        } else if let form = ClusterPolicyForm(kind) {
            self = try ClusterPolicyExpansion.policy(form, reference: place, spec: spec, denyAction: denyAction)
        } else {
            try self.init(reference: place, spec: spec, denyAction: denyAction)
        }
    }

    /// The policy that an object of an enforced kind stands for.
    fileprivate static func reference(_ kind: ResourceKind, _ object: JSONValue) -> PolicyReference {
        reference(
            kind: kind, namespace: ObjectDecoding.namespace(object), name: ObjectDecoding.name(object))
    }

    static func reference(kind: ResourceKind, namespace: String, name: String) -> PolicyReference {
        if kind.resource == Kinds.kubernetesNetworkPolicy.resource {
            return KubernetesPolicyExpansion.reference(namespace: namespace, name: name)
        }
        return PolicyReference(kind: kind.kind, namespace: kind.namespaced ? namespace : "", name: name)
    }

    /// From the spec of a policy of projectcalico.org.
    fileprivate init(
        reference: PolicyReference, spec: JSONValue, denyAction: DenyAction?
    ) throws(ValidationError) {
        let tier = ObjectDecoding.text(spec["tier"])
        var namespaceSelector: NamespaceSelector?
        if reference.namespace.isEmpty {
            namespaceSelector = try ObjectDecoding.namespaceSelector(
                spec["namespaceSelector"], path: "spec.namespaceSelector")
        }
        self.init(
            reference: reference, tier: tier.isEmpty ? Tier.defaultName : tier, order: spec["order"]?.numberValue,
            selector: try ObjectDecoding.selector(spec["selector"], path: "spec.selector") ?? .all,
            namespaceSelector: namespaceSelector,
            serviceAccountSelector: try ObjectDecoding.selector(
                spec["serviceAccountSelector"], path: "spec.serviceAccountSelector"),
            directions: ObjectDecoding.directions(spec),
            ingress: try RuleDecoding.rules(spec["ingress"], path: "spec.ingress"),
            egress: try RuleDecoding.rules(spec["egress"], path: "spec.egress"), denyAction: denyAction)
    }
}

extension StagedPolicy {
    /// Reads a StagedNetworkPolicy, StagedGlobalNetworkPolicy or StagedKubernetesNetworkPolicy; the action is Set when absent.
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        let kind = try ObjectDecoding.validated(
            object,
            [Kinds.stagedNetworkPolicy, Kinds.stagedGlobalNetworkPolicy, Kinds.stagedKubernetesNetworkPolicy])
        guard let target = Kinds.enforced(kind) else { throw ObjectDecoding.unreadable("kind") }
        let spec = object["spec"] ?? .null
        let denyAction = ObjectDecoding.denyAction(object)
        let place = Policy.reference(target, object)
        let isKubernetes = target.resource == Kinds.kubernetesNetworkPolicy.resource
        self.init(
            reference: PolicyReference(
                kind: kind.kind, namespace: kind.namespaced ? ObjectDecoding.namespace(object) : "",
                name: ObjectDecoding.name(object)),
            action: Action(rawValue: ObjectDecoding.text(spec["stagedAction"])) ?? .set,
            policy: isKubernetes
                ? try KubernetesPolicyExpansion.policy(reference: place, spec: spec, denyAction: denyAction)
                : try Policy(reference: place, spec: spec, denyAction: denyAction))
    }
}

extension Kinds {
    /// The kind that objects of a staged kind stand beside; nil for other kinds.
    static func enforced(_ staged: ResourceKind) -> ResourceKind? {
        switch staged.resource {
        case stagedNetworkPolicy.resource: networkPolicy
        case stagedGlobalNetworkPolicy.resource: globalNetworkPolicy
        case stagedKubernetesNetworkPolicy.resource: kubernetesNetworkPolicy
        default: nil
        }
    }
}

extension Tier {
    /// Reads a Tier: the default action is Deny; the tiers of every world have their fixed orders and actions; denials are dropped unless the
    /// annotation says otherwise.
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        _ = try ObjectDecoding.validated(object, [Kinds.tier])
        let name = ObjectDecoding.name(object)
        let spec = object["spec"] ?? .null
        self.init(
            name: name, order: spec["order"]?.numberValue ?? TierRules.reserved[name]?.order,
            defaultAction: DefaultAction(rawValue: ObjectDecoding.text(spec["defaultAction"]))
                ?? TierRules.reserved[name]?.defaultAction ?? .deny,
            denyAction: ObjectDecoding.denyAction(object) ?? .drop)
    }
}

extension DenyAction {
    /// Whether objects of a kind can say it: tiers and policies.
    static func isSaid(by kind: ResourceKind) -> Bool {
        [
            Kinds.tier, Kinds.networkPolicy, Kinds.globalNetworkPolicy, Kinds.stagedNetworkPolicy,
            Kinds.stagedGlobalNetworkPolicy, Kinds.stagedKubernetesNetworkPolicy, Kinds.kubernetesNetworkPolicy, Kinds.clusterNetworkPolicy,
            Kinds.adminNetworkPolicy, Kinds.baselineAdminNetworkPolicy,
        ].contains { $0.resource == kind.resource }
    }
}

extension Profile {
    /// Reads a Profile.
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        _ = try ObjectDecoding.validated(object, [Kinds.profile])
        let spec = object["spec"] ?? .null
        self.init(
            name: ObjectDecoding.name(object), labels: ObjectDecoding.map(spec["labelsToApply"]),
            ingress: try RuleDecoding.rules(spec["ingress"], path: "spec.ingress"),
            egress: try RuleDecoding.rules(spec["egress"], path: "spec.egress"))
    }
}
