/// The kinds that are Kubernetes' own.
extension Kinds {
    public static let namespace = ResourceKind(
        group: "", version: "v1", kind: "Namespace", plural: "namespaces", singular: "namespace", shortNames: ["ns"],
        namespaced: false,
        description: "A room for names. Its labels are what namespace selectors look at, and its profile allows what no policy "
            + "decides.",
        fields: [
            Field(
                "spec", .object([Field("finalizers", .texts, "Who must finish before the namespace goes away.")]),
                "What is wanted of the namespace."),
            Field("status", .any, "What the server says of the namespace."),
        ])

    public static let serviceAccount = ResourceKind(
        group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts", singular: "serviceaccount",
        shortNames: ["sa"], namespaced: true,
        description: "An identity that workloads run as. Its labels are what service account selectors look at.",
        fields: [
            Field(
                "secrets", .array(.object(KubernetesSchema.reference)), "Secrets that its workloads may mount.",
                listType: .map(keys: ["name"])),
            Field(
                "imagePullSecrets", .array(.object([Field("name", .text, "The name of the secret.")])),
                "Secrets for pulling images.", listType: .map(keys: ["name"])),
            Field("automountServiceAccountToken", .boolean, "Whether its token is mounted into its workloads."),
        ])

    public static let service = ResourceKind(
        group: "", version: "v1", kind: "Service", plural: "services", singular: "service", shortNames: ["svc"],
        namespaced: true,
        description: "A name for the endpoints that do one work. Rules name it; its EndpointSlices say the addresses.",
        fields: [
            Field("spec", .object(KubernetesSchema.service), "How the service is reached."),
            Field("status", .any, "What the server says of the service."),
        ])

    public static let endpointSlice = ResourceKind(
        group: "discovery.k8s.io", version: "v1", kind: "EndpointSlice", plural: "endpointslices", singular: "endpointslice",
        shortNames: [], namespaced: true,
        description: "Addresses and ports behind the service that the label `\(EndpointSlice.serviceLabel)` names. They count "
            + "for policy whether ready or not.",
        fields: KubernetesSchema.endpointSlice)

    public static let kubernetesNetworkPolicy = ResourceKind(
        group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy", plural: "networkpolicies",
        singular: "networkpolicy", shortNames: ["netpol"], namespaced: true,
        description: "What is allowed for the pods of its own namespace that its selector picks; all else is denied. It stands "
            + "in the tier `default` at order 1000.",
        fields: [
            Field("spec", .object(KubernetesPolicySchema.spec), "Which pods it applies to, and what is allowed."),
            Field("status", .any, "What the server says of the policy."),
        ])

    public static let secret = ResourceKind(
        group: "", version: "v1", kind: "Secret", plural: "secrets", singular: "secret", shortNames: [], namespaced: true,
        description: "Small confidential data. Stored; it says nothing of policy.",
        fields: [
            Field("type", .text, "What the data is for; `Opaque` when absent."),
            Field("data", .map(.text), "The data in base64, by keys."),
            Field("stringData", .map(.text), "Data as plain text; the server moves it into `data`."),
            Field("immutable", .boolean, "Whether the data can never be changed."),
        ])

    public static let configMap = ResourceKind(
        group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", singular: "configmap", shortNames: ["cm"],
        namespaced: true,
        description: "Small data that is not confidential. Stored; it says nothing of policy.",
        fields: [
            Field("data", .map(.text), "Texts, by keys."),
            Field("binaryData", .map(.text), "Bytes in base64, by keys."),
            Field("immutable", .boolean, "Whether the data can never be changed."),
        ])

    public static let event = ResourceKind(
        group: "", version: "v1", kind: "Event", plural: "events", singular: "event", shortNames: ["ev"], namespaced: true,
        description: "Something that happened to an object. Stored; it says nothing of policy.",
        fields: KubernetesSchema.event)
}
