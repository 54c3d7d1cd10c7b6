/// The members of Calico's NetworkPolicy and GlobalNetworkPolicy.
enum PolicySchema {
    static let networkPolicySpec: [Field] = [tier, order, selector] + common

    static let globalNetworkPolicySpec: [Field] =
        [
            tier, order, selector,
            Field(
                "namespaceSelector", .text,
                "Restricts the policy to endpoints of namespaces whose labels match. Absent: endpoints of every namespace, and "
                    + "those without one."),
        ] + common + [
            Field(
                "applyOnForward", .boolean, "Whether the policy also applies to traffic that a host endpoint forwards.",
                enforced: false),
            Field(
                "doNotTrack", .boolean, "Whether the rules act before connection tracking and their traffic stays untracked.",
                enforced: false),
            Field(
                "preDNAT", .boolean, "Whether the rules act before destination addresses are translated.", enforced: false),
        ]

    static let stagedAction = Field(
        "stagedAction", .string(allowed: StagedPolicy.Action.allCases.map(\.rawValue)),
        "Set (the default): judged in place of the enforced policy of its name, or as a new one. Delete: judged as if that "
            + "policy were not there; nothing but the tier may stand beside it. Learn: as Set, made by a recommendation. Ignore: "
            + "not judged.")

    private static let tier = Field(
        "tier", .text, "The name of the tier that the policy belongs to; it must exist. `default` when absent.")

    private static let order = Field(
        "order", .number,
        "Policies of a tier with a lower order come first; equal orders by name, namespace and kind; without an order last.")

    private static let selector = Field(
        "selector", .text,
        "Picks endpoints by their labels: `app == 'db' && tier in {'gold', 'silver'}`, also !=, not in, has(), contains, starts "
            + "with, ends with, !, ||, parentheses and all(). Absent or empty: all endpoints.")

    private static let common: [Field] = [
        Field(
            "serviceAccountSelector", .text,
            "Restricts the policy to endpoints whose service account has matching labels. Absent or empty: all endpoints."),
        Field(
            "types", .array(.string(allowed: ["Ingress", "Egress"])),
            "The directions that the policy decides. When absent: Ingress without egress rules, Egress with egress rules alone, "
                + "both with both."),
        ingress, egress,
        Field(
            "performanceHints", .array(.string(allowed: ["AssumeNeededOnEveryNode"])),
            "Hints for computing the policy faster. They never change what it decides, and are not needed here."),
    ]

    static let ingress = Field(
        "ingress", .array(.object(rule)),
        "Rules for traffic towards the endpoints, in order: the first one that matches decides. At most "
            + "\(ObjectLimits.rulesPerDirection).")

    static let egress = Field(
        "egress", .array(.object(rule)),
        "Rules for traffic from the endpoints, in order: the first one that matches decides. At most "
            + "\(ObjectLimits.rulesPerDirection).")

    static let rule: [Field] = [
        Field(
            "action", .string(allowed: RuleAction.allCases.map(\.rawValue)),
            "What happens to traffic that matches: Allow and Deny are final, Pass leaves it to the next tier, Log tells of it in "
                + "the log and goes on with the next rule.", required: true),
        Field("ipVersion", .integer(minimum: 4, maximum: 6), "Only traffic of this IP version: 4 or 6."),
        Field(
            "protocol", .integerOrString,
            "TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, or a number from 1 to 255. Needed where ports or icmp are."),
        Field("notProtocol", .integerOrString, "Every protocol but this one."),
        Field("icmp", .object(icmp), "Only ICMP messages of this type and code; needs the protocol ICMP or ICMPv6."),
        Field("notICMP", .object(icmp), "Every ICMP message but those of this type and code."),
        Field("source", .object(entity(side: "source")), "What must hold for where the traffic comes from."),
        Field("destination", .object(entity(side: "destination")), "What must hold for where the traffic goes."),
        Field("http", .object(http), "Only HTTP requests that match.", enforced: false),
        Field(
            "metadata",
            .object([Field("annotations", .map(.text), "Free text that tools attach to the rule, under qualified names.")]),
            "Remarks about the rule; they decide nothing."),
    ]

    private static let icmp: [Field] = [
        Field(
            "type", .integer(minimum: 0, maximum: 254),
            "The type of the message; 8 is an echo request of ICMP, 128 of ICMPv6."),
        Field("code", .integer(minimum: 0, maximum: 255), "The code of the message; needs a type."),
    ]

    private static let http: [Field] = [
        Field("methods", .texts, "Any of these HTTP methods."),
        Field(
            "paths",
            .array(
                .object([
                    Field("exact", .text, "The whole path."),
                    Field("prefix", .text, "The beginning of the path."),
                ])), "Any of these paths; each is either exact or a prefix."),
    ]

    private static func entity(side: String) -> [Field] {
        [
            Field(
                "nets", .texts,
                "Addresses of the \(side): any of these blocks, such as 10.0.0.0/8, all of one IP version in a rule. At most "
                    + "\(ObjectLimits.netsPerEntity)."),
            Field("notNets", .texts, "No address of these blocks; of the same IP version as nets."),
            Field(
                "selector", .text,
                "Endpoints and network sets by their labels; in the policy's own namespace unless namespaceSelector says "
                    + "otherwise. For the peer of a GlobalNetworkPolicy also sameNamespace() and sameLabel(KEY): as those of the "
                    + "endpoint that the policy applies to."),
            Field(
                "notSelector", .text,
                "No endpoint or network set with matching labels; alone it is met by addresses that none of them has."),
            Field(
                "namespaceSelector", .text,
                "Endpoints of namespaces whose labels match; all() for every namespace, global() for what has none."),
            Field(
                "serviceAccounts",
                .object([
                    Field("names", .texts, "Any of these service accounts."),
                    Field("selector", .text, "Service accounts by their labels."),
                ]), "Endpoints that run as a matching service account; all that is present must hold."),
            Field(
                "services",
                .object([
                    Field("name", .text, "The name of the service."),
                    Field("namespace", .text, "The namespace of the service; a NetworkPolicy's own when absent."),
                ]),
                "The endpoints behind a service: in egress rules as the destination, at their ports; in ingress rules as the "
                    + "source. Stands without selectors and nets."),
            Field(
                "ports", .array(.integerOrString),
                "Ports of the \(side): any of these numbers, ranges such as 8000:8080, and names that endpoints give their ports. "
                    + "Needs a protocol with ports. At most \(ObjectLimits.portsPerEntity)."),
            Field("notPorts", .array(.integerOrString), "None of these ports. At most \(ObjectLimits.portsPerEntity)."),
            Field(
                "domains", .texts, "Names whose addresses match as they are resolved.", enforced: false),
        ]
    }
}
