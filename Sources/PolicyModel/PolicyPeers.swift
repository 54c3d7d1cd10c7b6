/// A service account of Kubernetes: an identity that workloads run as.
public struct ServiceAccount: Sendable, Hashable {
    public var namespace: String
    public var name: String
    public var labels: [String: String]

    public init(namespace: String, name: String, labels: [String: String] = [:]) {
        self.namespace = namespace
        self.name = name
        self.labels = labels
    }
}

/// Blocks of addresses with labels, so that selectors find them.
public struct NetworkSet: Sendable, Hashable {
    /// Empty for a GlobalNetworkSet.
    public var namespace: String
    public var name: String
    public var labels: [String: String]
    public var nets: [AddressBlock]

    public init(namespace: String, name: String, labels: [String: String] = [:], nets: [AddressBlock] = []) {
        self.namespace = namespace
        self.name = name
        self.labels = labels
        self.nets = nets
    }
}

/// Rules that decide after all tiers, and labels, for the endpoints that name it.
public struct Profile: Sendable, Hashable {
    /// Of the profile that every namespace brings: `kns.NAMESPACE`, which allows all.
    public static let namespacePrefix = "kns."
    /// Of the profile that every service account brings: `ksa.NAMESPACE.NAME`, without rules.
    public static let serviceAccountPrefix = "ksa."

    public var name: String
    /// Given to the endpoints that name the profile; their own win.
    public var labels: [String: String]
    public var ingress: [PolicyRule]
    public var egress: [PolicyRule]

    public init(
        name: String, labels: [String: String] = [:], ingress: [PolicyRule] = [], egress: [PolicyRule] = []
    ) {
        self.name = name
        self.labels = labels
        self.ingress = ingress
        self.egress = egress
    }

    public func rules(_ direction: Direction) -> [PolicyRule] { direction == .ingress ? ingress : egress }
}

/// Addresses and ports behind a Service; a Service has any number of them.
public struct EndpointSlice: Sendable, Hashable {
    public struct Port: Sendable, Hashable {
        public var name: String
        public var transport: TransportProtocol
        public var port: UInt16

        public init(name: String, transport: TransportProtocol, port: UInt16) {
            self.name = name
            self.transport = transport
            self.port = port
        }
    }

    public var namespace: String
    public var name: String
    /// The service, in the same namespace; empty: none.
    public var service: String
    public var addresses: [IPAddress]
    public var ports: [Port]

    public init(
        namespace: String, name: String, service: String, addresses: [IPAddress] = [], ports: [Port] = []
    ) {
        self.namespace = namespace
        self.name = name
        self.service = service
        self.addresses = addresses
        self.ports = ports
    }
}
