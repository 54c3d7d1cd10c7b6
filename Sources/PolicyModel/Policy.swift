/// What a rule does with a packet that it matches.
public enum RuleAction: String, Sendable, Hashable, Codable, CaseIterable {
    case allow = "Allow"
    case deny = "Deny"
    /// Leaves the tier: the next tier, or the profiles after the last one, decide.
    case pass = "Pass"
}

/// The side of a rule that speaks of one end of a packet. All that is present must hold.
public struct EntityRule: Sendable, Hashable {
    /// Any of these; empty: every address. Blocks of one version only: the rule does not exist for the other.
    public var nets: [AddressBlock]
    /// nil or empty text in the API: absent.
    public var selector: Selector?
    public var namespaceSelector: NamespaceSelector?
    /// Any of these; empty: every port.
    public var ports: [PortRange]

    public init(
        nets: [AddressBlock] = [], selector: Selector? = nil, namespaceSelector: NamespaceSelector? = nil,
        ports: [PortRange] = []
    ) {
        self.nets = nets
        self.selector = selector
        self.namespaceSelector = namespaceSelector
        self.ports = ports
    }
}

/// The namespaces a rule or a global policy speaks of.
public enum NamespaceSelector: Sendable, Hashable {
    /// `global()`: endpoints without a namespace.
    case global
    /// Namespaces whose labels match; `all()` is every namespace.
    case matching(Selector)
}

public struct PolicyRule: Sendable, Hashable {
    public var action: RuleAction
    /// nil: every protocol.
    public var transport: TransportProtocol?
    public var source: EntityRule
    public var destination: EntityRule

    public init(
        action: RuleAction, transport: TransportProtocol? = nil, source: EntityRule = EntityRule(),
        destination: EntityRule = EntityRule()
    ) {
        self.action = action
        self.transport = transport
        self.source = source
        self.destination = destination
    }
}

/// A NetworkPolicy (with a namespace) or GlobalNetworkPolicy, defaults filled in.
public struct Policy: Sendable, Hashable {
    public var reference: PolicyReference
    public var tier: String
    /// nil: after every policy with an order.
    public var order: Double?
    /// The endpoints it applies to; in its own namespace only, for a NetworkPolicy.
    public var selector: Selector
    /// GlobalNetworkPolicy only.
    public var namespaceSelector: NamespaceSelector?
    /// Never empty.
    public var directions: Set<Direction>
    public var ingress: [PolicyRule]
    public var egress: [PolicyRule]

    public init(
        reference: PolicyReference, tier: String = Tier.defaultName, order: Double? = nil,
        selector: Selector = .all, namespaceSelector: NamespaceSelector? = nil, directions: Set<Direction>,
        ingress: [PolicyRule] = [], egress: [PolicyRule] = []
    ) {
        self.reference = reference
        self.tier = tier
        self.order = order
        self.selector = selector
        self.namespaceSelector = namespaceSelector
        self.directions = directions
        self.ingress = ingress
        self.egress = egress
    }

    /// nil for a GlobalNetworkPolicy.
    public var namespace: String? { reference.namespace.isEmpty ? nil : reference.namespace }

    public func rules(_ direction: Direction) -> [PolicyRule] { direction == .ingress ? ingress : egress }
}

public struct Tier: Sendable, Hashable {
    public static let defaultName = "default"
    /// The order of the tier `default` (Calico 3.29 and later).
    public static let defaultOrder: Double = 1_000_000

    public enum DefaultAction: String, Sendable, Hashable, CaseIterable {
        case deny = "Deny"
        case pass = "Pass"
    }

    public var name: String
    /// nil: after every tier with an order.
    public var order: Double?
    public var defaultAction: DefaultAction

    public init(name: String, order: Double?, defaultAction: DefaultAction = .deny) {
        self.name = name
        self.order = order
        self.defaultAction = defaultAction
    }
}

public struct Namespace: Sendable, Hashable {
    public var name: String
    public var labels: [String: String]

    public init(name: String, labels: [String: String] = [:]) {
        self.name = name
        self.labels = labels
    }
}

/// Names a workload endpoint.
public struct EndpointKey: Sendable, Hashable, Comparable, CustomStringConvertible, Codable {
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

    public init(
        key: EndpointKey, labels: [String: String] = [:], node: String = "", orchestrator: String = "",
        interfaceName: String = "", addresses: [IPAddress] = [], ports: [NamedPort] = []
    ) {
        self.key = key
        self.labels = labels
        self.node = node
        self.orchestrator = orchestrator
        self.interfaceName = interfaceName
        self.addresses = addresses
        self.ports = ports
    }
}
