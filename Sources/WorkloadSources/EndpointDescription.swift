import PolicyModel

/// A WorkloadEndpoint that a source writes.
public struct EndpointDescription: Sendable, Hashable {
    public var namespace: String
    public var name: String
    public var node = ""
    /// `podman`, `libvirt`; empty for what a person added.
    public var orchestrator = ""
    /// The engine's name of the container; empty for everything else.
    public var containerID = ""
    public var labels: [String: String] = [:]
    public var interfaceName = ""
    /// The name of the interface inside the workload; empty when it cannot be seen.
    public var innerInterfaceName = ""
    public var addresses: [IPAddress] = []
    public var ports: [NamedPort] = []

    public init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    public var key: EndpointKey { EndpointKey(namespace: namespace, name: name) }

    /// The object as the API takes it.
    public var object: JSONValue {
        var metadata: [String: JSONValue] = ["namespace": .string(namespace), "name": .string(name)]
        if !labels.isEmpty { metadata["labels"] = .object(labels.mapValues { .string($0) }) }
        var spec: [String: JSONValue] = [
            "interfaceName": .string(interfaceName),
            "ipNetworks": .array(
                addresses.map { .string("\(AddressBlock($0))") }),
        ]
        for (field, text) in [
            ("node", node), ("orchestrator", orchestrator), ("containerID", containerID), ("endpoint", innerInterfaceName),
        ] where !text.isEmpty {
            spec[field] = .string(text)
        }
        if !ports.isEmpty {
            spec["ports"] = .array(
                ports.map {
                    .object([
                        "name": .string($0.name), "protocol": .string("\($0.transport)"), "port": .integer(Int64($0.port)),
                    ])
                })
        }
        return .object([
            "apiVersion": .string("projectcalico.org/v3"), "kind": .string("WorkloadEndpoint"),
            "metadata": .object(metadata), "spec": .object(spec),
        ])
    }
}
