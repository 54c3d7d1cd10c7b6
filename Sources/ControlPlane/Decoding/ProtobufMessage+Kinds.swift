import PolicyModel

/// The messages of the built-in kinds, with the field numbers of `generated.proto` in k8s.io/api.
extension ProtobufMessage {
    private static func text(_ name: String) -> Member { Member(name: name, kind: .string) }
    private static func texts(_ name: String) -> Member { Member(name: name, kind: .string, repeated: true) }
    private static func integer(_ name: String) -> Member { Member(name: name, kind: .integer) }
    private static func flag(_ name: String) -> Member { Member(name: name, kind: .bool) }
    private static func one(_ name: String, _ members: [Int: Member]) -> Member {
        Member(name: name, kind: .message(ProtobufMessage(members: members)))
    }
    private static func many(_ name: String, _ members: [Int: Member]) -> Member {
        Member(name: name, kind: .message(ProtobufMessage(members: members)), repeated: true)
    }
    private static let metadata = Member(name: "metadata", kind: .message(objectMeta))

    private static let objectReference: [Int: Member] = [
        1: text("kind"), 2: text("namespace"), 3: text("name"), 4: text("uid"), 5: text("apiVersion"),
        6: text("resourceVersion"), 7: text("fieldPath"),
    ]

    private static let conditions = many(
        "conditions",
        [
            1: text("type"), 2: text("status"), 3: integer("observedGeneration"),
            4: Member(name: "lastTransitionTime", kind: .time), 5: text("reason"), 6: text("message"),
        ])

    static let secret = ProtobufMessage(members: [
        1: metadata, 2: Member(name: "data", kind: .bytesMap), 3: text("type"), 4: Member(name: "stringData", kind: .map),
        5: flag("immutable"),
    ])

    static let configMap = ProtobufMessage(members: [
        1: metadata, 2: Member(name: "data", kind: .map), 3: Member(name: "binaryData", kind: .bytesMap), 4: flag("immutable"),
    ])

    static let serviceAccount = ProtobufMessage(members: [
        1: metadata, 2: many("secrets", objectReference), 3: many("imagePullSecrets", [1: text("name")]),
        4: flag("automountServiceAccountToken"),
    ])

    static let service = ProtobufMessage(members: [
        1: metadata,
        2: one(
            "spec",
            [
                1: many(
                    "ports",
                    [
                        1: text("name"), 2: text("protocol"), 3: integer("port"),
                        4: Member(name: "targetPort", kind: .integerOrString), 5: integer("nodePort"), 6: text("appProtocol"),
                    ]),
                2: Member(name: "selector", kind: .map), 3: text("clusterIP"), 4: text("type"), 5: texts("externalIPs"),
                7: text("sessionAffinity"), 8: text("loadBalancerIP"), 9: texts("loadBalancerSourceRanges"),
                10: text("externalName"), 11: text("externalTrafficPolicy"), 12: integer("healthCheckNodePort"),
                13: flag("publishNotReadyAddresses"),
                14: one("sessionAffinityConfig", [1: one("clientIP", [1: integer("timeoutSeconds")])]),
                17: text("ipFamilyPolicy"), 18: texts("clusterIPs"), 19: texts("ipFamilies"),
                20: flag("allocateLoadBalancerNodePorts"), 21: text("loadBalancerClass"), 22: text("internalTrafficPolicy"),
                23: text("trafficDistribution"),
            ]),
        3: one(
            "status",
            [
                1: one("loadBalancer", [1: many("ingress", [1: text("ip"), 2: text("hostname")])]), 2: conditions,
            ]),
    ])

    static let endpointSlice = ProtobufMessage(members: [
        1: metadata,
        2: many(
            "endpoints",
            [
                1: texts("addresses"),
                2: one("conditions", [1: flag("ready"), 2: flag("serving"), 3: flag("terminating")]), 3: text("hostname"),
                4: one("targetRef", objectReference), 5: Member(name: "deprecatedTopology", kind: .map), 6: text("nodeName"),
                7: text("zone"),
                8: one("hints", [1: many("forZones", [1: text("name")]), 2: many("forNodes", [1: text("name")])]),
            ]),
        3: many("ports", [1: text("name"), 2: text("protocol"), 3: integer("port"), 4: text("appProtocol")]),
        4: text("addressType"),
    ])

    private static let labelSelector: [Int: Member] = [
        1: Member(name: "matchLabels", kind: .map),
        2: many("matchExpressions", [1: text("key"), 2: text("operator"), 3: texts("values")]),
    ]

    private static let policyPorts = many(
        "ports", [1: text("protocol"), 2: Member(name: "port", kind: .integerOrString), 3: integer("endPort")])

    private static let policyPeer: [Int: Member] = [
        1: one("podSelector", labelSelector), 2: one("namespaceSelector", labelSelector),
        3: one("ipBlock", [1: text("cidr"), 2: texts("except")]),
    ]

    static let networkPolicy = ProtobufMessage(members: [
        1: metadata,
        2: one(
            "spec",
            [
                1: one("podSelector", labelSelector), 2: many("ingress", [1: policyPorts, 2: many("from", policyPeer)]),
                3: many("egress", [1: policyPorts, 2: many("to", policyPeer)]), 4: texts("policyTypes"),
            ]),
    ])

    static let event = ProtobufMessage(members: [
        1: metadata, 2: one("involvedObject", objectReference), 3: text("reason"), 4: text("message"),
        5: one("source", [1: text("component"), 2: text("host")]), 6: Member(name: "firstTimestamp", kind: .time),
        7: Member(name: "lastTimestamp", kind: .time), 8: integer("count"), 9: text("type"),
        10: Member(name: "eventTime", kind: .time),
        11: one("series", [1: integer("count"), 2: Member(name: "lastObservedTime", kind: .time)]), 12: text("action"),
        13: one("related", objectReference), 14: text("reportingComponent"), 15: text("reportingInstance"),
    ])

    /// `Event` of events.k8s.io.
    static let groupedEvent = ProtobufMessage(members: [
        1: metadata, 2: Member(name: "eventTime", kind: .time),
        3: one("series", [1: integer("count"), 2: Member(name: "lastObservedTime", kind: .time)]),
        4: text("reportingController"), 5: text("reportingInstance"), 6: text("action"), 7: text("reason"),
        8: one("regarding", objectReference), 9: one("related", objectReference), 10: text("note"), 11: text("type"),
        12: one("deprecatedSource", [1: text("component"), 2: text("host")]),
        13: Member(name: "deprecatedFirstTimestamp", kind: .time), 14: Member(name: "deprecatedLastTimestamp", kind: .time),
        15: integer("deprecatedCount"),
    ])

    private static let selfSubjectAccessReview = ProtobufMessage(members: [
        1: metadata,
        2: one(
            "spec",
            [
                1: one(
                    "resourceAttributes",
                    [
                        1: text("namespace"), 2: text("verb"), 3: text("group"), 4: text("version"), 5: text("resource"),
                        6: text("subresource"), 7: text("name"),
                    ]),
                2: one("nonResourceAttributes", [1: text("path"), 2: text("verb")]),
            ]),
    ])

    /// nil: nobody sends that kind in this form.
    static func message(apiVersion: String, kind: String) -> ProtobufMessage? {
        apiVersion == Kinds.groupedEvent.apiVersion && kind == Kinds.groupedEvent.kind ? groupedEvent : byKind[kind]
    }

    /// By `kind`, for any version: the messages have not changed since v1.
    private static let byKind: [String: ProtobufMessage] = [
        "Namespace": namespace, "DeleteOptions": deleteOptions, "Secret": secret, "ConfigMap": configMap,
        "ServiceAccount": serviceAccount, "Service": service, "EndpointSlice": endpointSlice,
        "NetworkPolicy": networkPolicy, "Event": event,
        "SelfSubjectReview": ProtobufMessage(members: [1: metadata]), "SelfSubjectAccessReview": selfSubjectAccessReview,
        "SelfSubjectRulesReview": ProtobufMessage(members: [1: metadata, 2: one("spec", [1: text("namespace")])]),
    ]
}
