/// Names a workload endpoint.
public typealias EndpointKey = NamespacedName

/// Names an object of a kind; the namespace is empty for objects without one.
public struct NamespacedName: Sendable, Hashable, Comparable, CustomStringConvertible, Codable {
    public var namespace: String
    public var name: String

    public init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    public var description: String { "\(namespace)/\(name)" }

    public static func < (left: Self, right: Self) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

public struct NamedPort: Sendable, Hashable {
    public var name: String
    public var transport: TransportProtocol
    public var port: UInt16

    public init(name: String, transport: TransportProtocol, port: UInt16) {
        self.name = name
        self.transport = transport
        self.port = port
    }
}

public struct WorkloadEndpoint: Sendable, Hashable {
    /// Of one that the server put in the place of another whose namespace was deleted, to keep its interface closed.
    public static let closedAnnotation = "bulkhead.io/closed"

    public var key: EndpointKey
    /// As the user wrote them, without those that come from the namespace.
    public var labels: [String: String]
    /// The node whose agent polices it; empty: the node that reads it.
    public var node: String
    /// Empty for Kubernetes' own (`k8s`).
    public var orchestrator: String
    /// The host side of a veth, or a tap; empty while not known.
    public var interfaceName: String
    /// Its own addresses, without repetition.
    public var addresses: [IPAddress]
    public var ports: [NamedPort]
    /// Empty: none.
    public var serviceAccount: String
    /// Exactly these, in order; nil: those of its namespace and its service account.
    public var profiles: [String]?
    public var admissions: EndpointAdmissions

    public init(
        key: EndpointKey, labels: [String: String] = [:], node: String = "", orchestrator: String = "",
        interfaceName: String = "", addresses: [IPAddress] = [], ports: [NamedPort] = [], serviceAccount: String = "",
        profiles: [String]? = nil, admissions: EndpointAdmissions = EndpointAdmissions()
    ) {
        self.key = key
        self.labels = labels
        self.node = node
        self.orchestrator = orchestrator
        self.interfaceName = interfaceName
        self.addresses = addresses
        self.ports = ports
        self.serviceAccount = serviceAccount
        self.profiles = profiles
        self.admissions = admissions
    }
}
