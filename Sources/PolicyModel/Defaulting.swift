/// Writes into an object the defaults that Calico's and Kubernetes' servers store, so that a reader sees what is in force.
public enum Defaulting {
    /// Before validation. Leaves alone what is there, also when it is wrong. Idempotent.
    ///
    /// Policies: `tier`, `types`. Tiers: `defaultAction`, and the order of the tier `default`. Namespaces: the label
    /// that names them, and `status.phase`.
    public static func apply(to object: inout JSONValue, kind: ResourceKind) {
        switch kind.kind {
        case Kinds.networkPolicy.kind, Kinds.globalNetworkPolicy.kind: policy(&object)
        case Kinds.tier.kind: tier(&object)
        case Kinds.namespace.kind: namespace(&object)
        default: break
        }
    }

    private static func policy(_ object: inout JSONValue) {
        update(&object, "spec") { spec in
            if isAbsent(spec["tier"]) || spec["tier"] == "" { spec["tier"] = .string(Tier.defaultName) }
            if isAbsent(spec["types"]) || spec["types"] == [] {
                spec["types"] = .array(ObjectDecoding.types(spec).map { .string($0) })
            }
        }
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
