/// The members of Calico's NetworkPolicy and GlobalNetworkPolicy.
enum PolicySchema {
    private static let text = Schema.string(allowed: [])
    private static let texts = Schema.array(.string(allowed: []))

    static let networkPolicySpec: [Field] = [tier, order, selector, types, ingress, egress] + notEnforcedForAnyPolicy

    static let globalNetworkPolicySpec: [Field] =
        [
            tier, order, selector,
            Field(
                "namespaceSelector", text,
                "Restricts the policy to endpoints of namespaces whose labels match. Absent: endpoints of every namespace, and "
                    + "those without one."),
            types, ingress, egress,
        ] + notEnforcedForAnyPolicy + [
            Field(
                "applyOnForward", .boolean, "Whether the policy also applies to traffic that a host endpoint forwards.",
                enforced: false),
            Field(
                "doNotTrack", .boolean, "Whether the rules act before connection tracking and their traffic stays untracked.",
                enforced: false),
            Field(
                "preDNAT", .boolean, "Whether the rules act before destination addresses are translated.", enforced: false),
        ]

    private static let tier = Field(
        "tier", text, "The name of the tier that the policy belongs to; it must exist. `default` when absent.")

    private static let order = Field(
        "order", .number,
        "Policies of a tier with a lower order come first; equal orders by name; without an order last.")

    private static let selector = Field(
        "selector", text,
        "Picks endpoints by their labels: `app == 'db' && tier in {'gold', 'silver'}`, also !=, not in, has(), contains, starts "
            + "with, ends with, !, ||, parentheses and all(). Absent or empty: all endpoints.")

    private static let types = Field(
        "types", .array(.string(allowed: ["Ingress", "Egress"])),
        "The directions that the policy decides. When absent: Ingress without egress rules, Egress with egress rules alone, both "
            + "with both.")

    private static let ingress = Field(
        "ingress", .array(.object(rule)),
        "Rules for traffic towards the endpoints, in order: the first one that matches decides. At most "
            + "\(ObjectLimits.rulesPerDirection).")

    private static let egress = Field(
        "egress", .array(.object(rule)),
        "Rules for traffic from the endpoints, in order: the first one that matches decides. At most "
            + "\(ObjectLimits.rulesPerDirection).")

    private static let notEnforcedForAnyPolicy: [Field] = [
        Field(
            "serviceAccountSelector", text, "Restricts the policy to endpoints whose service account has matching labels.",
            enforced: false),
        Field(
            "performanceHints", .array(.string(allowed: ["AssumeNeededOnEveryNode"])),
            "Hints for computing the policy faster; they never change what it decides.", enforced: false),
    ]

    static let rule: [Field] = [
        Field(
            "action", .string(allowed: ["Allow", "Deny", "Pass", "Log"]),
            "What happens to traffic that matches: Allow and Deny are final, Pass leaves it to the next tier, Log (not enforced "
                + "yet) goes on with the next rule.", required: true),
        Field(
            "protocol", .integerOrString,
            "TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, or a number from 1 to 255. Needed where ports are."),
        Field("source", .object(entity(side: "source")), "What must hold for where the traffic comes from."),
        Field("destination", .object(entity(side: "destination")), "What must hold for where the traffic goes."),
        Field("ipVersion", .integer(minimum: 4, maximum: 6), "Only traffic of this IP version: 4 or 6.", enforced: false),
        Field("notProtocol", .integerOrString, "Every protocol but this one.", enforced: false),
        Field("icmp", .object(icmp), "Only ICMP messages of this type and code.", enforced: false),
        Field("notICMP", .object(icmp), "Every ICMP message but those of this type and code.", enforced: false),
        Field("http", .object(http), "Only HTTP requests that match.", enforced: false),
        Field(
            "metadata",
            .object([Field("annotations", .map(text), "Free text that tools attach to the rule, under qualified names.")]),
            "Remarks about the rule.", enforced: false),
    ]

    private static let icmp: [Field] = [
        Field("type", .integer(minimum: 0, maximum: 254), "The type of the message; 8 is an echo request in IPv4."),
        Field("code", .integer(minimum: 0, maximum: 255), "The code of the message; needs a type."),
    ]

    private static let http: [Field] = [
        Field("methods", texts, "Any of these HTTP methods."),
        Field(
            "paths",
            .array(
                .object([
                    Field("exact", text, "The whole path."),
                    Field("prefix", text, "The beginning of the path."),
                ])), "Any of these paths; each is either exact or a prefix."),
    ]

    private static func entity(side: String) -> [Field] {
        [
            Field(
                "nets", texts,
                "Addresses of the \(side): any of these blocks, such as 10.0.0.0/8, all of one IP version in a rule. At most "
                    + "\(ObjectLimits.netsPerEntity)."),
            Field("selector", text, "Endpoints by their labels; in the policy's own namespace unless namespaceSelector says otherwise."),
            Field(
                "namespaceSelector", text,
                "Endpoints of namespaces whose labels match; all() for every namespace, global() for what has none."),
            Field(
                "ports", .array(.integerOrString),
                "Ports of the \(side): any of these numbers and ranges, such as 8000:8080. Needs a protocol with ports. At most "
                    + "\(ObjectLimits.portsPerEntity)."),
            Field("notNets", texts, "No address of these blocks.", enforced: false),
            Field("notSelector", text, "No endpoint with matching labels; addresses of no endpoint match.", enforced: false),
            Field("notPorts", .array(.integerOrString), "None of these ports.", enforced: false),
            Field(
                "serviceAccounts",
                .object([
                    Field("names", texts, "Any of these service accounts."),
                    Field("selector", text, "Service accounts by their labels."),
                ]), "Endpoints that run as a matching service account.", enforced: false),
            Field(
                "services",
                .object([
                    Field("name", text, "The name of the service."),
                    Field("namespace", text, "The namespace of the service; the policy's own when absent."),
                ]), "The endpoints behind a Kubernetes service, at their ports.", enforced: false),
        ]
    }
}
