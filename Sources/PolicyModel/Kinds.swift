/// The kinds that the API serves.
public enum Kinds {
    public static let policyGroup = "projectcalico.org"
    public static let policyVersion = "v3"

    public static let all: [ResourceKind] = [namespace, tier, networkPolicy, globalNetworkPolicy, workloadEndpoint]

    public static let namespace = ResourceKind(
        group: "", version: "v1", kind: "Namespace", plural: "namespaces", singular: "namespace", shortNames: ["ns"],
        namespaced: false,
        description: "A room for names. Its labels are what namespace selectors look at, and its profile allows what no policy "
            + "decides.",
        fields: [
            Field(
                "spec",
                .object([
                    Field("finalizers", .array(.string(allowed: [])), "Who must finish before the namespace goes away.")
                ]), "What is wanted of the namespace."),
            Field("status", .any, "What the server says of the namespace."),
        ])

    public static let tier = ResourceKind(
        group: policyGroup, version: policyVersion, kind: "Tier", plural: "tiers", singular: "tier", shortNames: [],
        namespaced: false,
        description: "A group of policies that is evaluated as a whole, before or after other tiers.",
        fields: [
            Field(
                "spec",
                .object([
                    Field(
                        "order", .number,
                        "Tiers with a lower order come first; equal orders by name; without an order last. "
                            + "The tier `default` has 1000000."),
                    Field(
                        "defaultAction", .string(allowed: Tier.DefaultAction.allCases.map(\.rawValue)),
                        "What happens to traffic that a policy of the tier selects and no rule of it decides: Deny "
                            + "(the default), or Pass, which leaves it to the next tier."),
                ]), "Where the tier stands and what its end does."),
            Field("status", .any, "What the server says of the tier."),
        ])

    public static let networkPolicy = ResourceKind(
        group: policyGroup, version: policyVersion, kind: "NetworkPolicy", plural: "networkpolicies",
        singular: "networkpolicy", shortNames: ["cnp", "caliconetworkpolicy"], namespaced: true,
        description: "Rules for the endpoints of its own namespace that its selector picks.",
        fields: [
            Field("spec", .object(PolicySchema.networkPolicySpec), "Which endpoints it applies to, when, and its rules."),
            Field("status", .any, "What the server says of the policy."),
        ])

    public static let globalNetworkPolicy = ResourceKind(
        group: policyGroup, version: policyVersion, kind: "GlobalNetworkPolicy", plural: "globalnetworkpolicies",
        singular: "globalnetworkpolicy", shortNames: ["gnp", "cgnp"], namespaced: false,
        description: "Rules for the endpoints of all namespaces that its selectors pick.",
        fields: [
            Field(
                "spec", .object(PolicySchema.globalNetworkPolicySpec), "Which endpoints it applies to, when, and its rules."),
            Field("status", .any, "What the server says of the policy."),
        ])

    public static let workloadEndpoint = ResourceKind(
        group: policyGroup, version: policyVersion, kind: "WorkloadEndpoint", plural: "workloadendpoints",
        singular: "workloadendpoint", shortNames: ["wep"], namespaced: true,
        description: "One network interface of a container or virtual machine. Policies find it by its labels.",
        fields: [
            Field("spec", .object(WorkloadEndpointSchema.spec), "Where the endpoint is and which addresses are its own."),
            Field("status", .any, "What the server says of the endpoint."),
        ])

    /// The kind of that name, as in an object's `apiVersion` and `kind`; nil when we do not serve it.
    public static func find(apiVersion: String, kind: String) -> ResourceKind? {
        all.first { $0.kind == kind && $0.apiVersion == apiVersion }
    }

    /// The kind of an object by its `apiVersion` and `kind`; nil when we do not serve it.
    public static func find(_ object: JSONValue) -> ResourceKind? {
        guard let apiVersion = object["apiVersion"]?.stringValue, let kind = object["kind"]?.stringValue else { return nil }
        return find(apiVersion: apiVersion, kind: kind)
    }

    /// The kind of a resource path: `group` is empty for the core group.
    public static func find(group: String, version: String, plural: String) -> ResourceKind? {
        all.first { $0.group == group && $0.version == version && $0.plural == plural }
    }

    /// The kind of a name in the store: `plural.group`.
    public static func find(resource: String) -> ResourceKind? { all.first { $0.resource == resource } }

    /// The kind that a person means: its kind, plural, singular or short name in any case, with `.group` behind or not.
    public static func find(userText text: String) -> ResourceKind? {
        let wanted = text.lowercased()
        return all.first { kind in
            ([kind.kind.lowercased(), kind.plural, kind.singular] + kind.shortNames).contains { name in
                wanted == name || (!kind.group.isEmpty && wanted == "\(name).\(kind.group)")
                    || (!kind.group.isEmpty && wanted == "\(name).\(kind.version).\(kind.group)")
            }
        }
    }
}

extension ResourceKind {
    /// Every member of an object of this kind, in the order of documentation.
    public var objectFields: [Field] {
        [
            Field("apiVersion", .string(allowed: [apiVersion]), "The API group and version: `\(apiVersion)`.", required: true),
            Field("kind", .string(allowed: [kind]), "The kind of the object: `\(kind)`.", required: true),
            Field("metadata", .object(Kinds.objectMeta), "The name, labels and history of the object.", required: true),
        ] + fields
    }
}
