/// Decides whether an object may be stored.
public enum Validator {
    /// Everything that is wrong with an object; empty when it may be stored and is enforced as written.
    ///
    /// Errors with the reason `unknown` stand apart: whether they refuse the object is for the client to choose
    /// (Kubernetes' `fieldValidation`); where they do not, `prune` removes those members. The cost grows with the size of
    /// the object only.
    ///
    /// - Parameter old: the version that it is to replace; nil for a new object.
    public static func validate(_ object: JSONValue, replacing old: JSONValue? = nil, kind: ResourceKind) -> [FieldError] {
        var errors = errors(in: object, kind: kind, failsClosed: false)
        if let old { UpdateRules.check(object, over: old, kind: kind, into: &errors) }
        return errors
    }

    /// - Parameter failsClosed: nothing is said of what makes a rule of policy.networking.k8s.io fail closed.
    static func errors(in object: JSONValue, kind: ResourceKind, failsClosed: Bool) -> [FieldError] {
        var schema = SchemaChecker()
        schema.check(object: object, fields: kind.objectFields)
        var rules = ObjectRules(failsClosed: failsClosed)
        rules.check(object, kind: kind)
        return schema.errors + rules.errors
    }

    /// Removes members that the schema does not know, and members that are null.
    public static func prune(_ object: inout JSONValue, kind: ResourceKind) {
        object = pruned(object, .object(kind.objectFields))
    }

    private static func pruned(_ value: JSONValue, _ schema: Schema) -> JSONValue {
        switch (schema, value) {
        case (.object(let fields), .object(let members)):
            var kept: [String: JSONValue] = [:]
            for field in fields {
                guard let member = members[field.name], !member.isNull else { continue }
                kept[field.name] = pruned(member, field.schema)
            }
            return .object(kept)
        case (.array(let element), .array(let elements)):
            return .array(elements.map { pruned($0, element) })
        case (.map(let element), .object(let members)):
            return .object(members.mapValues { pruned($0, element) })
        default:
            return value
        }
    }
}

/// What no schema can say. Values of a wrong type are passed over: the schema has told of them.
struct ObjectRules {
    private(set) var errors: [FieldError] = []
    let failsClosed: Bool

    init(failsClosed: Bool) { self.failsClosed = failsClosed }

    mutating func check(_ object: JSONValue, kind: ResourceKind) {
        if let refusal = kind.refusal {
            errors.fail("kind", "not enforced yet: \(kind.kind): \(refusal)", .notEnforcedYet)
        }
        MetadataRules.check(object["metadata"], kind: kind, into: &errors)
        let spec = object["spec"]
        // By resource: two kinds are named NetworkPolicy.
        switch kind.resource {
        case Kinds.networkPolicy.resource:
            PolicyRules.check(spec, path: "spec", scope: .namespaced, into: &errors)
        case Kinds.globalNetworkPolicy.resource:
            PolicyRules.check(spec, path: "spec", scope: .cluster, into: &errors)
        case Kinds.stagedNetworkPolicy.resource:
            PolicyRules.checkStaged(spec, path: "spec", into: &errors) {
                PolicyRules.check(spec, path: "spec", scope: .namespaced, into: &$0)
            }
        case Kinds.stagedGlobalNetworkPolicy.resource:
            PolicyRules.checkStaged(spec, path: "spec", into: &errors) {
                PolicyRules.check(spec, path: "spec", scope: .cluster, into: &$0)
            }
        case Kinds.kubernetesNetworkPolicy.resource: KubernetesPolicyRules.check(spec, path: "spec", into: &errors)
        case Kinds.stagedKubernetesNetworkPolicy.resource:
            PolicyRules.checkStaged(spec, path: "spec", into: &errors) {
                KubernetesPolicyRules.check(spec, path: "spec", into: &$0)
            }
        case Kinds.profile.resource:
            if let spec { PolicyRules.checkRules(spec, path: "spec", scope: .profile, into: &errors) }
            MetadataRules.checkLabels(spec?["labelsToApply"], path: "spec.labelsToApply", into: &errors)
        case Kinds.networkSet.resource, Kinds.globalNetworkSet.resource: checkNetworkSet(spec)
        case Kinds.tier.resource:
            TierRules.check(spec, name: object["metadata"]?["name"]?.stringValue ?? "", into: &errors)
        case Kinds.workloadEndpoint.resource: WorkloadEndpointRules.check(spec, path: "spec", into: &errors)
        case Kinds.service.resource: KubernetesRules.checkService(spec, path: "spec", into: &errors)
        case Kinds.endpointSlice.resource: KubernetesRules.checkEndpointSlice(object, into: &errors)
        case Kinds.secret.resource, Kinds.configMap.resource: KubernetesRules.checkData(object, into: &errors)
        default:
            guard let form = ClusterPolicyForm(kind) else { break }
            ClusterPolicyRules(form: form, failsClosed: failsClosed).check(object, into: &errors)
        }
    }

    private mutating func checkNetworkSet(_ spec: JSONValue?) {
        guard let nets = spec?["nets"]?.arrayValue else { return }
        if nets.count > ObjectLimits.netsPerNetworkSet {
            return errors.fail(
                "spec.nets",
                "\(nets.count) nets are more than the limit of \(ObjectLimits.netsPerNetworkSet): make two sets with the "
                    + "same labels")
        }
        AddressRules.check(blocks: nets, path: "spec.nets", member: "nets", into: &errors)
    }
}

extension [FieldError] {
    /// Beyond the limit of one answer errors are left out: the object is refused all the same.
    mutating func fail(_ path: String, _ message: String, _ reason: FieldError.Reason = .invalid) {
        guard count < ObjectLimits.reportedErrors else { return }
        append(FieldError(path: path, message: message, reason: reason))
    }
}
