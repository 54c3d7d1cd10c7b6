import PolicyModel

/// What the schema does not say of fields: an example, what counts when they are absent, and limits of their content.
///
/// By the end of the path; the longest that fits counts.
enum FieldExamples {
    /// nil: there is none, which a test refuses.
    static func example(of path: String, _ schema: Schema) -> JSONValue? {
        // Of few values one that is allowed, and of labels no selector of the same name.
        if case .string(let allowed) = schema, let first = allowed.first { return .string(first) }
        if case .map(.string) = schema, path.hasSuffix("selector") { return ["app": "web"] }
        if let text = find(path, examples) { return try? JSONValue(parsing: text) }
        switch schema {
        case .string(let allowed): return allowed.first.map { .string($0) }
        case .array(.string(let allowed)): return allowed.first.map { [.string($0)] }
        case .integer(let minimum, let maximum): return .integer(max(minimum, min(maximum, 1)))
        case .boolean: return true
        case .timestamp: return "2026-12-01T08:00:00Z"
        case .any: return [:]
        case .object: return [:]
        case .array(.object): return []
        default: return nil
        }
    }

    static func defaultText(of path: String) -> String? { find(path, defaults) }

    static func limit(of path: String) -> String? { find(path, limits) }

    private static func find(_ path: String, _ table: [String: String]) -> String? {
        var parts = path.split(separator: ".")[...]
        while !parts.isEmpty {
            if let found = table[parts.joined(separator: ".")] { return found }
            parts = parts.dropFirst()
        }
        return nil
    }

    private static let examples: [String: String] = [
        // metadata
        "annotations": #"{"example.org/ticket": "NET-12"}"#, "finalizers": #"["example.org/guard"]"#, "generateName": #""web-""#,
        "labels": #"{"app": "web"}"#, "metadata.name": #""web""#, "namespace": #""shop""#, "name": #""web""#, "resourceVersion": #""42""#,
        "selfLink": #""""#, "uid": #""0b8a2a52-6a43-4d0f-9d6c-1d1f0f3f5a10""#, "ownerReferences[].apiVersion": #""projectcalico.org/v3""#,
        "ownerReferences[].kind": #""Tier""#, "ownerReferences[].name": #""platform""#, "managedFields": "[]",
        // policies of projectcalico.org
        "spec.tier": #""default""#, "order": "10", "spec.selector": #""app == 'web'""#, "namespaceSelector": #""zone == 'blue'""#,
        "serviceAccountSelector": #""role == 'clerk'""#, "ipVersion": "4", "protocol": #""TCP""#, "notProtocol": #""UDP""#,
        "icmp.type": "8", "notICMP.type": "8", "icmp.code": "0", "notICMP.code": "0", "nets": #"["10.0.0.0/8"]"#,
        "notNets": #"["10.1.0.0/16"]"#, "selector": #""app == 'web'""#, "notSelector": #""role == 'guest'""#, "names": #"["clerk"]"#,
        "serviceAccounts.selector": #""role == 'clerk'""#, "services.name": #""database""#, "source.ports": "[1024]",
        "destination.ports": #"[443, "8000:8080", "http"]"#, "source.notPorts": "[22]", "destination.notPorts": "[22]",
        "domains": #"["*.example.org"]"#, "methods": #"["GET"]"#, "exact": #""/orders""#, "prefix": #""/api/""#,
        "applyOnForward": "true", "labelsToApply": #"{"profile": "web"}"#, "allowedEgressDomains": #"["updates.example.org"]"#,
        // endpoints
        "node": #""node-1""#, "interfaceName": #""veth-web""#, "ipNetworks": #"["10.0.0.9", "2001:db8::9/128"]"#, "orchestrator": #""k8s""#,
        "workload": #""web""#, "pod": #""web-5d8f""#, "endpoint": #""eth0""#, "containerID": #""3f4c""#, "serviceAccountName": #""clerk""#,
        "profiles": #"["kns.shop"]"#, "mac": #""02:00:00:00:00:09""#, "internalIP": #""10.0.0.9""#, "externalIP": #""192.0.2.9""#,
        "ipv4Gateway": #""169.254.1.1""#, "ipv6Gateway": #""fe80::1""#, "allowSpoofedSourcePrefixes": #"["192.0.2.0/24"]"#,
        "spec.ports[].name": #""http""#, "spec.ports[].port": "8080", "hostPort": "8080", "hostIP": #""192.0.2.1""#, "dscp": #""EF""#,
        "expectedIPs": #"["192.0.2.1"]"#,
        // policies of Kubernetes and of its administrators
        "matchLabels": #"{"app": "web"}"#, "key": #""app""#, "values": #"["web"]"#, "ports[].port": "5432", "endPort": "5440",
        "cidr": #""10.0.0.0/8""#, "except": #"["10.1.0.0/16"]"#, "ingress[].name": #""from-web""#, "egress[].name": #""to-database""#,
        "priority": "10", "destinationNamedPort": #""http""#, "namedPort": #""http""#, "number": "443", "start": "8000", "end": "8080",
        "portNumber.port": "443", "networks": #"["169.254.169.254/32"]"#, "domainNames": #"["*.example.org"]"#,
        "podSelector": #"{"matchLabels": {"app": "web"}}"#, "ipBlock": #"{"cidr": "10.0.0.0/8"}"#, "namespaces": "{}", "nodes": "{}",
        "subject.pods.namespaceSelector": "{}", "from[].namespaceSelector": "{}", "pods.namespaceSelector": "{}",
        "ingress[].from[].namespaceSelector": "{}", "egress[].to[].namespaceSelector": "{}",
        // Kubernetes' own kinds
        "secrets": "[]", "apiVersion": #""v1""#, "kind": #""Pod""#, "fieldPath": #""spec.containers{web}""#, "imagePullSecrets[].name": #""registry""#,
        "spec.clusterIP": #""10.96.0.7""#, "clusterIPs": #"["10.96.0.7"]"#, "externalIPs": #"["192.0.2.7"]"#, "externalName": #""db.example.org""#,
        "trafficDistribution": #""PreferClose""#, "timeoutSeconds": "10800", "loadBalancerClass": #""example.org/lb""#,
        "loadBalancerIP": #""192.0.2.7""#, "loadBalancerSourceRanges": #"["198.51.100.0/24"]"#, "targetPort": "8080", "nodePort": "30080",
        "appProtocol": #""kubernetes.io/h2c""#, "healthCheckNodePort": "30081", "addresses": #"["10.0.0.9"]"#, "hostname": #""web-0""#,
        "nodeName": #""node-1""#, "zone": #""a""#, "deprecatedTopology": #"{"zone": "a"}"#, "hints": "{}", "type": #""Opaque""#,
        "data": #"{"key": "dmFsdWU="}"#, "stringData": #"{"key": "value"}"#, "binaryData": #"{"key": "dmFsdWU="}"#,
        "reason": #""Started""#, "message": #""the pod was started""#, "component": #""kubelet""#, "host": #""node-1""#,
        "reportingComponent": #""kubelet""#, "reportingInstance": #""node-1""#, "action": #""Starting""#, "count": "3",
        "Event.type": #""Normal""#, "source.component": #""kubelet""#, "source.host": #""node-1""#, "status": "{}",
        // PolicyTest
        "cases[].name": #""web reads orders""#, "invariants[].name": #""dev never reaches card data""#, "from.workload": #""shop/web""#,
        "to.workload": #""shop/database""#, "address": #""203.0.113.7""#, "cases[].ports": #"["tcp/5432"]"#, "invariants[].ports": #"["tcp/5432"]"#,
        "hops": "3", "from.selector": #""app == 'web'""#, "from.namespaceSelector": #""zone == 'blue'""#, "from.namespace": #""shop""#,
    ]

    private static let defaults: [String: String] = [
        "spec.tier": "`default`", "spec.order": "last", "spec.defaultAction": "`Deny`", "spec.selector": "all endpoints",
        "spec.namespaceSelector": "every namespace", "spec.serviceAccountSelector": "all endpoints", "spec.types": "by the rules that are there",
        "spec.policyTypes": "`Ingress`, and `Egress` with egress rules", "spec.stagedAction": "`Set`", "ipVersion": "both",
        "ingress[].protocol": "every protocol", "services.namespace": "the policy's own", "spec.node": "every node that reads it",
        "spec.orchestrator": "`k8s`", "spec.profiles": "those of its namespace and service account", "ports[].protocol": "`TCP`",
        "targetPort": "`port`", "invariants[].hops": "1", "spec.podSelector": "all pods", "portNumber.protocol": "`TCP`",
        "portRange.protocol": "`TCP`", "immutable": "false",
    ]

    private static let limits: [String: String] = [
        "ipVersion": "4 or 6", "selector": "at most \(SelectorLimits.maximumBytes) bytes", "notSelector": "at most \(SelectorLimits.maximumBytes) bytes",
        "spec.selector": "at most \(SelectorLimits.maximumBytes) bytes", "serviceAccountSelector": "at most \(SelectorLimits.maximumBytes) bytes",
        "source.namespaceSelector": "at most \(SelectorLimits.maximumBytes) bytes", "destination.namespaceSelector": "at most \(SelectorLimits.maximumBytes) bytes",
        "notNets": "at most \(ObjectLimits.netsPerEntity)", "serviceAccounts.names": "at most \(ObjectLimits.serviceAccountsPerEntity)",
        "interfaceName": "15 characters", "spec.profiles": "at most \(ObjectLimits.profilesPerEndpoint)", "spec.ports": "at most \(ObjectLimits.portsPerEndpoint)",
        "metadata.annotations": "\(ObjectLimits.annotationBytes) bytes together", "metadata.name": "at most \(ObjectLimits.subdomainLength) characters",
        "metadata.namespace": "at most \(ObjectLimits.labelLength) characters", "data": "\(ObjectLimits.dataBytes) bytes together",
        "protocol": "a name, or 1 to 255", "notProtocol": "a name, or 1 to 255",
    ]
}
