/// Writes into an object the defaults that Calico's and Kubernetes' servers store, so that a reader sees what is in force.
public enum Defaulting {
    /// Before validation. Leaves alone what is there, also when it is wrong. Idempotent.
    ///
    /// Policies: `tier`, `types`, `stagedAction`; Kubernetes NetworkPolicies: `policyTypes`, protocols of ports, which
    /// AdminNetworkPolicies have too. Tiers: `defaultAction`, and the fixed orders. Namespaces: the label that names them, and `status.phase`.
    /// Services: `type`, `sessionAffinity`, protocol and target of ports. EndpointSlices: name and protocol of ports. Secrets:
    /// `type`; `stringData` moves into `data`.
    public static func apply(to object: inout JSONValue, kind: ResourceKind) {
        switch kind.resource {
        case Kinds.networkPolicy.resource, Kinds.globalNetworkPolicy.resource:
            update(&object, "spec", policy)
        case Kinds.stagedNetworkPolicy.resource, Kinds.stagedGlobalNetworkPolicy.resource:
            update(&object, "spec") { spec in
                fill(&spec, "stagedAction", StagedPolicy.Action.set.rawValue)
                if isDeletion(spec) { fill(&spec, "tier", Tier.defaultName) } else { policy(&spec) }
            }
        case Kinds.stagedKubernetesNetworkPolicy.resource:
            update(&object, "spec") { spec in
                fill(&spec, "stagedAction", StagedPolicy.Action.set.rawValue)
                if !isDeletion(spec) { kubernetesPolicy(&spec) }
            }
        case Kinds.kubernetesNetworkPolicy.resource: update(&object, "spec", kubernetesPolicy)
        case Kinds.adminNetworkPolicy.resource, Kinds.baselineAdminNetworkPolicy.resource: adminPolicy(&object)
        case Kinds.tier.resource: tier(&object)
        case Kinds.namespace.resource: namespace(&object)
        case Kinds.service.resource: update(&object, "spec", service)
        case Kinds.endpointSlice.resource:
            eachElement(&object, "ports") { port in
                if isAbsent(port["name"]) { port["name"] = "" }
                fill(&port, "protocol", "TCP")
            }
        case Kinds.secret.resource: secret(&object)
        default: break
        }
    }

    private static func isDeletion(_ spec: JSONValue) -> Bool {
        spec["stagedAction"]?.stringValue == StagedPolicy.Action.delete.rawValue
    }

    private static func policy(_ spec: inout JSONValue) {
        fill(&spec, "tier", Tier.defaultName)
        if isAbsent(spec["types"]) || spec["types"] == [] {
            spec["types"] = .array(ObjectDecoding.types(spec).map { .string($0) })
        }
    }

    private static func kubernetesPolicy(_ spec: inout JSONValue) {
        if isAbsent(spec["podSelector"]) { spec["podSelector"] = [:] }
        if isAbsent(spec["policyTypes"]) || spec["policyTypes"] == [] {
            spec["policyTypes"] = .array(KubernetesPolicyExpansion.types(spec).map { .string($0) })
        }
        for member in ["ingress", "egress"] {
            eachElement(&spec, member) { rule in
                eachElement(&rule, "ports") { fill(&$0, "protocol", "TCP") }
            }
        }
    }

    private static func adminPolicy(_ object: inout JSONValue) {
        guard case .object? = object["spec"] else { return }
        update(&object, "spec") { spec in
            for member in ["ingress", "egress"] {
                eachElement(&spec, member) { rule in
                    eachElement(&rule, "ports") { port in
                        for form in ["portNumber", "portRange"] {
                            guard case .object? = port[form] else { continue }
                            update(&port, form) { fill(&$0, "protocol", "TCP") }
                        }
                    }
                }
            }
        }
    }

    private static func service(_ spec: inout JSONValue) {
        fill(&spec, "type", "ClusterIP")
        fill(&spec, "sessionAffinity", "None")
        eachElement(&spec, "ports") { port in
            fill(&port, "protocol", "TCP")
            if isAbsent(port["targetPort"]), let number = port["port"], !number.isNull { port["targetPort"] = number }
        }
    }

    private static func secret(_ object: inout JSONValue) {
        fill(&object, "type", "Opaque")
        guard case .object(let texts)? = object["stringData"], texts.values.allSatisfy({ $0.stringValue != nil }) else {
            return
        }
        update(&object, "data") { data in
            for (key, text) in texts { data[key] = .string(Base64.encode(Array(ObjectDecoding.text(text).utf8))) }
        }
        if case .object? = object["data"] { object["stringData"] = nil }
    }

    private static func tier(_ object: inout JSONValue) {
        let reserved = TierRules.reserved[ObjectDecoding.name(object)]
        update(&object, "spec") { spec in
            if isAbsent(spec["defaultAction"]) || spec["defaultAction"] == "" {
                spec["defaultAction"] = .string((reserved?.defaultAction ?? .deny).rawValue)
            }
            if isAbsent(spec["order"]), let reserved { spec["order"] = .integer(Int64(reserved.order)) }
        }
    }

    private static func namespace(_ object: inout JSONValue) {
        let name = ObjectDecoding.name(object)
        if !name.isEmpty {
            update(&object, "metadata") { metadata in
                update(&metadata, "labels") { $0[Namespace.nameLabel] = .string(name) }
            }
        }
        update(&object, "status") { status in
            if isAbsent(status["phase"]) { status["phase"] = "Active" }
        }
    }

    /// A text that is absent or empty.
    private static func fill(_ object: inout JSONValue, _ member: String, _ text: String) {
        if isAbsent(object[member]) || object[member] == "" { object[member] = .string(text) }
    }

    /// Works on the objects of a list.
    private static func eachElement(_ object: inout JSONValue, _ member: String, _ body: (inout JSONValue) -> Void) {
        guard case .array(var elements)? = object[member] else { return }
        for index in elements.indices {
            guard case .object = elements[index] else { continue }
            body(&elements[index])
        }
        object[member] = .array(elements)
    }

    private static func isAbsent(_ value: JSONValue?) -> Bool { value?.isNull ?? true }

    /// Works on a member object, which is made when absent; other types stay as they are for validation to refuse.
    private static func update(_ object: inout JSONValue, _ member: String, _ body: (inout JSONValue) -> Void) {
        guard case .object = object else { return }
        var value = object[member] ?? .null
        if value.isNull { value = [:] }
        guard case .object = value else { return }
        body(&value)
        object[member] = value
    }
}
