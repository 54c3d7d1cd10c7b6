/// The kinds of projectcalico.org.
extension Kinds {
    public static let tier = calico(
        "Tier", plural: "tiers", namespaced: false,
        "A group of policies that is evaluated as a whole, before or after other tiers. The annotation "
            + "`bulkhead.io/deny-action` says whether its denials are told to who is denied: Drop (the default) or Reject.",
        spec: [
            Field(
                "order", .number,
                "Tiers with a lower order come first; equal orders by name; without an order last. "
                    + "The tier `default` has 1000000."),
            Field(
                "defaultAction", .string(allowed: Tier.DefaultAction.allCases.map(\.rawValue)),
                "What happens to traffic that a policy of the tier selects and no rule of it decides: Deny "
                    + "(the default), or Pass, which leaves it to the next tier."),
        ], "Where the tier stands and what its end does.")

    public static let networkPolicy = calico(
        "NetworkPolicy", plural: "networkpolicies", shortNames: ["cnp", "caliconetworkpolicy"], namespaced: true,
        "Rules for the endpoints of its own namespace that its selector picks.",
        spec: PolicySchema.networkPolicySpec, "Which endpoints it applies to, when, and its rules.")

    public static let globalNetworkPolicy = calico(
        "GlobalNetworkPolicy", plural: "globalnetworkpolicies", shortNames: ["gnp", "cgnp"], namespaced: false,
        "Rules for the endpoints of all namespaces that its selectors pick.",
        spec: PolicySchema.globalNetworkPolicySpec, "Which endpoints it applies to, when, and its rules.")

    public static let stagedNetworkPolicy = calico(
        "StagedNetworkPolicy", plural: "stagednetworkpolicies", shortNames: ["snp"], namespaced: true,
        "A NetworkPolicy that is judged beside the enforced ones and changes no verdict: in place of the NetworkPolicy of "
            + "its name, or as a new one.",
        spec: [PolicySchema.stagedAction] + PolicySchema.networkPolicySpec, "What would be enforced.")

    public static let stagedGlobalNetworkPolicy = calico(
        "StagedGlobalNetworkPolicy", plural: "stagedglobalnetworkpolicies", shortNames: ["sgnp"], namespaced: false,
        "A GlobalNetworkPolicy that is judged beside the enforced ones and changes no verdict: in place of the "
            + "GlobalNetworkPolicy of its name, or as a new one.",
        spec: [PolicySchema.stagedAction] + PolicySchema.globalNetworkPolicySpec, "What would be enforced.")

    public static let stagedKubernetesNetworkPolicy = calico(
        "StagedKubernetesNetworkPolicy", plural: "stagedkubernetesnetworkpolicies", shortNames: ["sknp"], namespaced: true,
        "A NetworkPolicy of Kubernetes (networking.k8s.io) that is judged beside the enforced ones and changes no verdict.",
        spec: [PolicySchema.stagedAction] + KubernetesPolicySchema.spec, "What would be enforced.")

    public static let networkSet = calico(
        "NetworkSet", plural: "networksets", shortNames: ["netset", "netsets"], namespaced: true,
        "Blocks of addresses with labels, by which the selectors of rules find them within its namespace.",
        spec: networks, "Which addresses belong to it.")

    public static let globalNetworkSet = calico(
        "GlobalNetworkSet", plural: "globalnetworksets", shortNames: ["gnetset", "gnetsets"], namespaced: false,
        "Blocks of addresses with labels, by which the selectors of rules find them.",
        spec: networks, "Which addresses belong to it.")

    public static let profile = calico(
        "Profile", plural: "profiles", namespaced: false,
        "Rules that decide after all tiers, and labels, for the endpoints that name it. Each namespace brings `kns.NAMESPACE`, "
            + "each service account `ksa.NAMESPACE.NAME`.",
        spec: [
            PolicySchema.ingress, PolicySchema.egress,
            Field(
                "labelsToApply", .map(.text),
                "Labels that selectors see on the endpoints that name the profile; an endpoint's own win."),
        ], "Its rules, and the labels it gives.")

    public static let workloadEndpoint = calico(
        "WorkloadEndpoint", plural: "workloadendpoints", shortNames: ["wep"], namespaced: true,
        "One network interface of a container or virtual machine. Policies find it by its labels.",
        spec: WorkloadEndpointSchema.spec, "Where the endpoint is and which addresses are its own.")

    public static let hostEndpoint = calico(
        "HostEndpoint", plural: "hostendpoints", shortNames: ["hep", "heps"], namespaced: false,
        "A network interface of a host. Not enforced yet: none can be created.",
        spec: WorkloadEndpointSchema.hostEndpointSpec, "Which interfaces of which host.",
        refusal: "interfaces of the host are not policed by this release; police workloads with a WorkloadEndpoint")

    private static let networks: [Field] = [
        Field(
            "nets", .texts,
            "Addresses and blocks such as 10.0.0.0/8, of both IP versions, none twice. At most "
                + "\(ObjectLimits.netsPerNetworkSet)."),
        Field(
            "allowedEgressDomains", .texts, "Names whose addresses belong to it as they are resolved.", enforced: false),
    ]

    private static func calico(
        _ kind: String, plural: String, shortNames: [String] = [], namespaced: Bool, _ description: String, spec: [Field],
        _ specDescription: String, refusal: String? = nil
    ) -> ResourceKind {
        ResourceKind(
            group: policyGroup, version: policyVersion, kind: kind, plural: plural, singular: kind.lowercased(),
            shortNames: shortNames, namespaced: namespaced, description: description,
            fields: [
                Field("spec", .object(spec), specDescription),
                Field("status", .any, "What the server says of it."),
            ], refusal: refusal)
    }
}
