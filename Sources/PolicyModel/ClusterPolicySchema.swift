/// The members of the kinds of policy.networking.k8s.io.
enum ClusterPolicySchema {
    static func spec(_ form: ClusterPolicyForm) -> [Field] {
        (form == .cluster
            ? [
                Field(
                    "tier", .string(allowed: ["Admin", "Baseline"]),
                    "Admin: before all other policies, which cannot take back what it decides. Baseline: after them, for what "
                        + "they leave undecided.", required: true)
            ] : [])
            + (form != .baseline
                ? [
                    Field(
                        "priority", .integer(minimum: 0, maximum: 1000),
                        "The place within the tier; lower comes first, equal ones by name.", required: true)
                ] : [])
            + [
                Field(
                    "subject",
                    .object([
                        Field("namespaces", .object(KubernetesPolicySchema.labelSelector), "All pods of these namespaces."),
                        Field("pods", .object(pods(form)), "These pods of these namespaces."),
                    ]),
                    "The pods that it applies to: exactly one of the members. Only endpoints of the orchestrator `k8s`.",
                    required: true),
                Field(
                    "ingress", .array(.object(rule(form, peers: "from", .ingress))),
                    "What reaches the pods; the first rule that matches counts. Without any nothing is said of it. At most "
                        + "\(form.listLimit)."),
                Field(
                    "egress", .array(.object(rule(form, peers: "to", .egress))),
                    "What the pods reach; the first rule that matches counts. Without any nothing is said of it. At most "
                        + "\(form.listLimit)."),
            ]
    }

    private static func rule(_ form: ClusterPolicyForm, peers: String, _ direction: Direction) -> [Field] {
        let actions = form.actions.map(\.name)
        let allowing = actions.first ?? ""
        let passing = actions.contains("Pass") ? "; Pass leaves the tier" : ""
        return [
            Field("name", .text, "What people call the rule; at most \(ObjectLimits.ruleNameLength) characters."),
            Field(
                "action", .string(allowed: actions),
                "\(allowing) and Deny decide, whatever later rules, policies and tiers say\(passing).", required: true),
            Field(
                peers, .array(.object(peer(form, direction))),
                "The other side: any of these. At least 1, at most \(form.listLimit).", required: true),
            form == .cluster
                ? Field(
                    "protocols", .array(.object(protocols)),
                    "Protocols and ports at the destination: any of these; absent: all traffic. At most \(form.listLimit).")
                : Field(
                    "ports", .array(.object(ports)),
                    "Ports at the destination: any of these; absent: all traffic. At most \(form.listLimit)."),
        ]
    }

    private static func pods(_ form: ClusterPolicyForm) -> [Field] {
        [
            Field(
                "namespaceSelector", .object(KubernetesPolicySchema.labelSelector),
                form == .cluster ? "Namespaces by their labels; empty or absent: all." : "Namespaces by their labels; empty: all.",
                required: form != .cluster),
            Field(
                "podSelector", .object(KubernetesPolicySchema.labelSelector), "Pods by their labels; empty: all.",
                required: true),
        ]
    }

    private static func peer(_ form: ClusterPolicyForm, _ direction: Direction) -> [Field] {
        let inside = [
            Field("namespaces", .object(KubernetesPolicySchema.labelSelector), "All pods of these namespaces."),
            Field("pods", .object(pods(form)), "These pods of these namespaces."),
        ]
        if direction == .ingress { return inside }
        return inside + [
            Field(
                "networks", .texts,
                "Blocks of addresses such as 10.0.0.0/8, those of pods included; none twice. At most "
                    + "\(ObjectLimits.networksPerPeer).", listType: .set),
            Field(
                "nodes", .object(KubernetesPolicySchema.labelSelector),
                "The addresses of nodes by their labels. No kind tells of nodes yet.", enforced: false),
            Field("domainNames", .texts, "Names whose addresses match as they are resolved.", enforced: false, listType: .set),
        ]
    }

    private static let number = Schema.integer(minimum: 1, maximum: 65535)

    // MARK: v1alpha2

    private static let protocols: [Field] = ["tcp", "udp", "sctp"].map { name in
        Field(
            name, .object([Field("destinationPort", .object(destinationPort), "The port at the destination.", required: true)]),
            "Traffic of \(name.uppercased()) to a port.")
    } + [
        Field(
            "destinationNamedPort", .text,
            "The name that the pods at the destination give a port, of whatever protocol. Not beside networks.")
    ]

    private static let destinationPort: [Field] = [
        Field("number", number, "One port, by its number."),
        Field(
            "range",
            .object([
                Field("start", number, "The first port.", required: true),
                Field("end", number, "The last port, greater than the first.", required: true),
            ]), "Ports beside each other."),
    ]

    // MARK: v1alpha1

    private static let transport = Field(
        "protocol", .string(allowed: ["TCP", "UDP", "SCTP"]), "The protocol; TCP when absent.")

    private static let ports: [Field] = [
        Field(
            "portNumber", .object([transport, Field("port", number, "The number of the port.", required: true)]), "One port, by its number."),
        Field(
            "portRange",
            .object([
                transport, Field("start", number, "The first port.", required: true),
                Field("end", number, "The last port, greater than the first.", required: true),
            ]), "Ports beside each other."),
        Field(
            "namedPort", .text,
            "The name that the pods at the destination give a port, of whatever protocol. Not beside networks."),
    ]
}
