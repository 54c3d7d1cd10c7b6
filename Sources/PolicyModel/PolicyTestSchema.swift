/// The members of a PolicyTest.
enum PolicyTestSchema {
    static let spec: [Field] = [
        Field(
            "cases", .array(.object(testCase)),
            "What must be allowed, or denied, between ends. At most \(PolicyTestLimits.casesPerTest)."),
        Field(
            "invariants", .array(.object(invariant)),
            "Ends that no path of allowed connections may join. At most \(PolicyTestLimits.casesPerTest)."),
    ]

    private static let name = Field("name", .text, "What reports call it; must not be empty.", required: true)

    private static let testCase: [Field] = [
        name,
        Field("from", .object(end), "Who begins: every end that it picks is tried.", required: true),
        Field("to", .object(end), "Who is addressed: every end that it picks is tried.", required: true),
        Field(
            "ports", .texts,
            "Protocols and ports such as tcp/5432, udp/53, icmp/8/0, each by itself. When absent, Allowed means every connection and "
                + "Denied none at all. At most \(PolicyTestLimits.portsPerCase)."),
        Field("expect", .string(allowed: ["Allowed", "Denied"]), "What must be so between all of them.", required: true),
    ]

    private static let invariant: [Field] = [
        name,
        Field("from", .object(end), "Where a path begins.", required: true),
        Field("to", .object(end), "Where no path may end.", required: true),
        Field(
            "hops", .integer(minimum: 1, maximum: Int64(PolicyTestLimits.hops)),
            "How many connections one after the other a path has at most, by way of workloads of any kind; 1 when absent."),
        Field(
            "ports", .texts,
            "Paths of these alone, each by itself. When absent a path goes over any connection. At most \(PolicyTestLimits.portsPerCase)."),
    ]

    private static let end: [Field] = [
        Field("workload", .text, "One workload, as NAMESPACE/NAME or NAMESPACE/NAME[KIND]; stands alone."),
        Field("address", .text, "An address that is nobody's, such as 203.0.113.7; stands alone."),
        Field("selector", .text, "Workloads by their labels, as in a policy; all that is present must hold."),
        Field("namespaceSelector", .text, "Workloads of namespaces whose labels match."),
        Field("namespace", .text, "Workloads of this namespace."),
    ]
}

/// What a PolicyTest may hold at most.
public enum PolicyTestLimits {
    public static let casesPerTest = 10_000
    public static let portsPerCase = 50
    public static let hops = 16

    /// All of them, for people.
    public static let all: [Limit] = [
        Limit("policy test", "cases, and invariants, of one PolicyTest", casesPerTest, reason: "make several tests; refused with the path"),
        Limit("policy test", "ports of a case", portsPerCase, reason: "as of a rule; refused with the path"),
        Limit("policy test", "connections of a path", hops, reason: "longer paths say nothing new; refused with the path"),
    ]
}
