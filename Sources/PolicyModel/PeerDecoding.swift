extension Namespace {
    /// The label that names a namespace; Kubernetes sets it on each.
    public static let nameLabel = "kubernetes.io/metadata.name"

    /// Reads a Namespace; the label that names it is always there.
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        _ = try ObjectDecoding.validated(object, [Kinds.namespace])
        let name = ObjectDecoding.name(object)
        var labels = ObjectDecoding.labels(object)
        labels[Self.nameLabel] = name
        self.init(name: name, labels: labels)
    }
}

extension ServiceAccount {
    /// Reads a ServiceAccount.
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        _ = try ObjectDecoding.validated(object, [Kinds.serviceAccount])
        self.init(
            namespace: ObjectDecoding.namespace(object), name: ObjectDecoding.name(object),
            labels: ObjectDecoding.labels(object))
    }
}

extension NetworkSet {
    /// Reads a NetworkSet or GlobalNetworkSet.
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        let kind = try ObjectDecoding.validated(object, [Kinds.networkSet, Kinds.globalNetworkSet])
        self.init(
            namespace: kind.namespaced ? ObjectDecoding.namespace(object) : "", name: ObjectDecoding.name(object),
            labels: ObjectDecoding.labels(object),
            nets: try ObjectDecoding.blocks(object["spec"]?["nets"], path: "spec.nets"))
    }
}

extension EndpointSlice {
    /// On a slice: the service that it belongs to, in the same namespace.
    public static let serviceLabel = "kubernetes.io/service-name"

    /// Reads an EndpointSlice. Names in place of addresses, and ports without a number, say nothing of policy; readiness is
    /// not looked at (Calico's way).
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        _ = try ObjectDecoding.validated(object, [Kinds.endpointSlice])
        var addresses: [IPAddress] = []
        if object["addressType"] != "FQDN" {
            for (index, endpoint) in (object["endpoints"]?.arrayValue ?? []).enumerated() {
                for text in ObjectDecoding.texts(endpoint["addresses"]) {
                    guard let address = IPAddress(text) else {
                        throw ObjectDecoding.unreadable("endpoints[\(index)].addresses")
                    }
                    addresses.append(address)
                }
            }
        }
        var ports: [Port] = []
        for (index, port) in (object["ports"]?.arrayValue ?? []).enumerated() {
            guard let value = port["port"], !value.isNull else { continue }
            guard let number = value.integerValue.flatMap({ UInt16(exactly: $0) }) else {
                throw ObjectDecoding.unreadable("ports[\(index)].port")
            }
            ports.append(
                Port(
                    name: ObjectDecoding.text(port["name"]),
                    transport: try ObjectDecoding.transport(port["protocol"], path: "ports[\(index)].protocol") ?? .tcp,
                    port: number))
        }
        self.init(
            namespace: ObjectDecoding.namespace(object), name: ObjectDecoding.name(object),
            service: ObjectDecoding.labels(object)[Self.serviceLabel] ?? "", addresses: addresses.withoutRepetition,
            ports: ports.withoutRepetition)
    }
}

extension WorkloadEndpoint {
    /// Reads a WorkloadEndpoint. An empty list of profiles is as none: Calico's clients leave it out.
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        _ = try ObjectDecoding.validated(object, [Kinds.workloadEndpoint])
        let spec = object["spec"] ?? .null
        let addresses = try ObjectDecoding.blocks(spec["ipNetworks"], path: "spec.ipNetworks").map(\.address)
        var ports: [NamedPort] = []
        for (index, port) in (spec["ports"]?.arrayValue ?? []).enumerated() {
            let path = "spec.ports[\(index)]"
            guard let transport = try ObjectDecoding.transport(port["protocol"], path: "\(path).protocol"),
                let number = port["port"]?.integerValue.flatMap({ UInt16(exactly: $0) })
            else { throw ObjectDecoding.unreadable(path) }
            let name = ObjectDecoding.text(port["name"])
            // One that only tells of a port of the host.
            if name.isEmpty { continue }
            ports.append(NamedPort(name: name, transport: transport, port: number))
        }
        let profiles = ObjectDecoding.texts(spec["profiles"])
        let frames = object["metadata"]?["annotations"]?[EndpointAdmissions.annotation]?.stringValue
        let sources = try ObjectDecoding.blocks(spec["allowSpoofedSourcePrefixes"], path: "spec.allowSpoofedSourcePrefixes")
        self.init(
            key: EndpointKey(namespace: ObjectDecoding.namespace(object), name: ObjectDecoding.name(object)),
            labels: ObjectDecoding.labels(object), node: ObjectDecoding.text(spec["node"]),
            orchestrator: ObjectDecoding.text(spec["orchestrator"]),
            interfaceName: ObjectDecoding.text(spec["interfaceName"]), addresses: addresses, ports: ports,
            serviceAccount: ObjectDecoding.text(spec["serviceAccountName"]), profiles: profiles.isEmpty ? nil : profiles,
            admissions: EndpointAdmissions(
                frames: frames.flatMap(EndpointAdmissions.frames) ?? [], sources: sources.withoutRepetition))
    }
}
