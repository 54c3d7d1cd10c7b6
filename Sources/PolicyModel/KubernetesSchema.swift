/// The members of Kubernetes' own kinds beside NetworkPolicy.
enum KubernetesSchema {
    /// ObjectReference.
    static let reference: [Field] = [
        Field("apiVersion", .text, "The API group and version of the object."),
        Field("kind", .text, "The kind of the object."),
        Field("namespace", .text, "The namespace of the object."),
        Field("name", .text, "The name of the object."),
        Field("uid", .text, "The uid of the object."),
        Field("resourceVersion", .text, "The version of the object."),
        Field("fieldPath", .text, "The part of the object that is meant."),
    ]

    private static let portNumber = Schema.integer(minimum: 1, maximum: 65535)

    static let service: [Field] = [
        Field("type", .string(allowed: ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]), "How it is exposed."),
        Field("selector", .map(.text), "The labels of the pods behind it."),
        Field(
            "ports", .array(.object(servicePort)), "The ports that it offers.",
            listType: .map(keys: ["port", ListKey("protocol", assumed: "TCP")])),
        Field("clusterIP", .text, "Its own address, or `None` for a headless service."),
        Field("clusterIPs", .texts, "Its own addresses, one for each IP version."),
        Field("ipFamilies", .array(.string(allowed: ["IPv4", "IPv6"])), "The IP versions it has addresses of."),
        Field(
            "ipFamilyPolicy", .string(allowed: ["SingleStack", "PreferDualStack", "RequireDualStack"]),
            "Whether it wants addresses of both IP versions."),
        Field("externalIPs", .texts, "Further addresses at which nodes accept its traffic."),
        Field("externalName", .text, "The name that it stands for, where its type is ExternalName."),
        Field("externalTrafficPolicy", .string(allowed: ["Cluster", "Local"]), "Which endpoints get traffic from outside."),
        Field("internalTrafficPolicy", .string(allowed: ["Cluster", "Local"]), "Which endpoints get traffic from inside."),
        Field("trafficDistribution", .text, "Which endpoints are preferred."),
        Field("sessionAffinity", .string(allowed: ["None", "ClientIP"]), "Whether a client stays with one endpoint."),
        Field(
            "sessionAffinityConfig",
            .object([
                Field(
                    "clientIP",
                    .object([Field("timeoutSeconds", .integer(minimum: 1, maximum: 86400), "How long a client stays.")]),
                    "Affinity by the client's address.")
            ]), "How a client stays with one endpoint."),
        Field("loadBalancerClass", .text, "Which load balancer serves it."),
        Field("loadBalancerIP", .text, "The address that is wanted of the load balancer."),
        Field("loadBalancerSourceRanges", .texts, "Blocks from which the load balancer takes clients."),
        Field("allocateLoadBalancerNodePorts", .boolean, "Whether a load balancer gets ports on the nodes."),
        Field("healthCheckNodePort", .integer(minimum: 0, maximum: 65535), "The port of the nodes' health check."),
        Field("publishNotReadyAddresses", .boolean, "Whether endpoints are published before they are ready."),
    ]

    private static let servicePort: [Field] = [
        Field("name", .text, "The name of the port; needed where there are several."),
        Field("protocol", .string(allowed: ["TCP", "UDP", "SCTP"]), "The protocol; TCP when absent."),
        Field("port", portNumber, "The number at the service's address.", required: true),
        Field("targetPort", .integerOrString, "The number or name at the endpoints; `port` when absent."),
        Field("nodePort", .integer(minimum: 0, maximum: 65535), "The number at the nodes' addresses."),
        Field("appProtocol", .text, "The protocol of the application."),
    ]

    static let endpointSlice: [Field] = [
        Field(
            "addressType", .string(allowed: ["IPv4", "IPv6", "FQDN"]),
            "What its addresses are. Names (FQDN) count for no policy.", required: true),
        Field(
            "endpoints",
            .array(
                .object([
                    Field("addresses", .texts, "The addresses of the endpoint.", required: true),
                    Field(
                        "conditions",
                        .object([
                            Field("ready", .boolean, "Whether it takes traffic."),
                            Field("serving", .boolean, "Whether it would take traffic."),
                            Field("terminating", .boolean, "Whether it is going away."),
                        ]), "The state of the endpoint. Not looked at by policy."),
                    Field("hostname", .text, "The name of its host."),
                    Field("nodeName", .text, "The name of its node."),
                    Field("zone", .text, "The name of its zone."),
                    Field("targetRef", .object(reference), "The object that it stands for."),
                    Field("deprecatedTopology", .map(.text), "Of older releases."),
                    Field("hints", .any, "Who should prefer it."),
                ])),
            "The endpoints. At most \(ObjectLimits.endpointsPerSlice).", required: true),
        Field(
            "ports",
            .array(
                .object([
                    Field("name", .text, "The name of the port."),
                    Field("protocol", .string(allowed: ["TCP", "UDP", "SCTP"]), "The protocol; TCP when absent."),
                    Field("port", portNumber, "The number. Without one the port counts for no policy."),
                    Field("appProtocol", .text, "The protocol of the application."),
                ])),
            "The ports of each endpoint. At most \(ObjectLimits.portsPerSlice)."),
    ]

    static let event: [Field] = [
        Field("involvedObject", .object(reference), "What it happened to.", required: true),
        Field("reason", .text, "What happened, in one word."),
        Field("message", .text, "What happened, in a sentence."),
        Field("type", .text, "Normal or Warning."),
        Field("source", .object(eventSource), "Who tells of it."),
        Field("reportingComponent", .text, "The part of the system that tells of it."),
        Field("reportingInstance", .text, "Which of several such parts."),
        Field("action", .text, "What was done."),
        Field("related", .object(reference), "A further object that it concerns."),
        Field("firstTimestamp", .timestamp, "When it was first seen."),
        Field("lastTimestamp", .timestamp, "When it was last seen."),
        Field("eventTime", .timestamp, "When it happened."),
        Field("count", .integer(minimum: 0, maximum: .max), "How often it was seen."),
        eventSeries,
    ]

    static let eventSource: [Field] = [
        Field("component", .text, "The part of the system."), Field("host", .text, "The node that it runs on."),
    ]

    static let eventSeries = Field(
        "series",
        .object([
            Field("count", .integer(minimum: 0, maximum: .max), "How often it was seen in the series."),
            Field("lastObservedTime", .timestamp, "When it was last seen in the series."),
        ]), "Where it happens again and again.")
}
