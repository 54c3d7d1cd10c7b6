/// The members of Kubernetes' NetworkPolicy (networking.k8s.io/v1).
enum KubernetesPolicySchema {
    static let spec: [Field] = [
        Field(
            "podSelector", .object(labelSelector),
            "The pods of its namespace that it applies to; empty or absent: all. Only endpoints of the orchestrator `k8s`."),
        Field(
            "policyTypes", .array(.string(allowed: ["Ingress", "Egress"])),
            "The directions that it decides. When absent: Ingress, and Egress where there are egress rules."),
        Field("ingress", .array(.object(rule(peers: "from", "come from"))), "What may reach the pods."),
        Field("egress", .array(.object(rule(peers: "to", "go to"))), "What the pods may reach."),
    ]

    private static func rule(peers: String, _ verb: String) -> [Field] {
        [
            Field(
                peers, .array(.object(peer)),
                "Where the traffic may \(verb): any of these; absent or empty: anywhere. At most "
                    + "\(ObjectLimits.peersPerKubernetesRule)."),
            Field(
                "ports", .array(.object(port)),
                "To which ports: any of these; absent or empty: all traffic. At most \(ObjectLimits.portsPerKubernetesRule)."),
        ]
    }

    private static let peer: [Field] = [
        Field(
            "podSelector", .object(labelSelector),
            "Pods by their labels, in the policy's namespace unless namespaceSelector says otherwise."),
        Field("namespaceSelector", .object(labelSelector), "Namespaces by their labels; empty: all."),
        Field(
            "ipBlock",
            .object([
                Field("cidr", .text, "A block of addresses, such as 10.0.0.0/8.", required: true),
                Field("except", .texts, "Blocks inside it that are left out."),
            ]), "Addresses; stands without selectors."),
    ]

    private static let port: [Field] = [
        Field("protocol", .string(allowed: ["TCP", "UDP", "SCTP"]), "The protocol; TCP when absent."),
        Field("port", .integerOrString, "A number, or the name that the pods give the port; absent: all ports."),
        Field("endPort", .integer(minimum: 1, maximum: 65535), "The last port of a range that begins with `port`."),
    ]

    static let labelSelector: [Field] = [
        Field("matchLabels", .map(.text), "Labels that must have exactly these values."),
        Field(
            "matchExpressions",
            .array(
                .object([
                    Field("key", .text, "The key of the label.", required: true),
                    Field(
                        "operator", .string(allowed: ["In", "NotIn", "Exists", "DoesNotExist"]),
                        "How the label is compared; NotIn is also met by its absence.", required: true),
                    Field("values", .texts, "The values of In and NotIn."),
                ])), "Comparisons that must hold."),
    ]
}
