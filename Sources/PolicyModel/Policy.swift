/// What a rule does with a packet that it matches.
public enum RuleAction: String, Sendable, Hashable, Codable, CaseIterable {
    case allow = "Allow"
    case deny = "Deny"
    /// Leaves the tier: the next tier, or the profiles after the last one, decide.
    case pass = "Pass"
    /// Decides nothing: what matches is told of in the log, and the next rule is asked.
    case log = "Log"
}

/// The endpoints that run as certain service accounts.
public struct ServiceAccountMatch: Sendable, Hashable {
    /// Any of these; empty: any account.
    public var names: [String]
    /// By the account's labels; nil: any.
    public var selector: Selector?

    public init(names: [String] = [], selector: Selector? = nil) {
        self.names = names
        self.selector = selector
    }
}

/// Names a Kubernetes Service.
public struct ServiceReference: Sendable, Hashable {
    /// Empty: the namespace of the policy.
    public var namespace: String
    public var name: String

    public init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }
}

/// ICMP messages, of the version that the rule's protocol names.
public struct ICMPMatch: Sendable, Hashable {
    /// nil: every type, and every code.
    public var type: UInt8?
    /// nil: every code.
    public var code: UInt8?

    public init(type: UInt8?, code: UInt8? = nil) {
        self.type = type
        self.code = code
    }
}

/// The side of a rule that speaks of one end of a packet. All that is present must hold.
///
/// As in Calico, a selector (`selector`, `namespaceSelector`, `serviceAccounts`) is met by the addresses of endpoints and
/// network sets, and `notSelector` and named ports beside one filter these; `notSelector` alone is met by every address
/// that no matching endpoint or network set has, unknown ones included.
public struct EntityRule: Sendable, Hashable {
    /// Any of these; empty: every address. Blocks of one version only: the rule does not exist for the other.
    public var nets: [AddressBlock]
    /// None of these. As `nets`, they settle the version of the rule.
    public var notNets: [AddressBlock]
    /// nil or empty text in the API: absent.
    public var selector: Selector?
    public var notSelector: Selector?
    public var namespaceSelector: NamespaceSelector?
    public var serviceAccounts: ServiceAccountMatch?
    /// The endpoints behind a service, at their ports where the side is a destination.
    public var services: ServiceReference?
    /// Any of these, or of `namedPorts`; both empty: every port.
    public var ports: [PortRange]
    /// Ports by the names that the endpoints of the side give them.
    public var namedPorts: [String]
    /// None of these, nor of `notNamedPorts`.
    public var notPorts: [PortRange]
    public var notNamedPorts: [String]

    public init(
        nets: [AddressBlock] = [], notNets: [AddressBlock] = [], selector: Selector? = nil, notSelector: Selector? = nil,
        namespaceSelector: NamespaceSelector? = nil, serviceAccounts: ServiceAccountMatch? = nil,
        services: ServiceReference? = nil, ports: [PortRange] = [], namedPorts: [String] = [], notPorts: [PortRange] = [],
        notNamedPorts: [String] = []
    ) {
        self.nets = nets
        self.notNets = notNets
        self.selector = selector
        self.notSelector = notSelector
        self.namespaceSelector = namespaceSelector
        self.serviceAccounts = serviceAccounts
        self.services = services
        self.ports = ports
        self.namedPorts = namedPorts
        self.notPorts = notPorts
        self.notNamedPorts = notNamedPorts
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
    /// nil: both.
    public var version: IPVersion?
    /// nil: every protocol.
    public var transport: TransportProtocol?
    /// nil: none is left out.
    public var notTransport: TransportProtocol?
    public var icmp: ICMPMatch?
    public var notICMP: ICMPMatch?
    public var source: EntityRule
    public var destination: EntityRule
    /// The index of what the user wrote, where several rules were made of one; nil: that of this rule.
    public var writtenIndex: Int?
    /// Remarks for people; they decide nothing.
    public var annotations: [String: String]

    public init(
        action: RuleAction, version: IPVersion? = nil, transport: TransportProtocol? = nil,
        notTransport: TransportProtocol? = nil, icmp: ICMPMatch? = nil, notICMP: ICMPMatch? = nil,
        source: EntityRule = EntityRule(), destination: EntityRule = EntityRule(), writtenIndex: Int? = nil,
        annotations: [String: String] = [:]
    ) {
        self.action = action
        self.version = version
        self.transport = transport
        self.notTransport = notTransport
        self.icmp = icmp
        self.notICMP = notICMP
        self.source = source
        self.destination = destination
        self.writtenIndex = writtenIndex
        self.annotations = annotations
    }
}

/// How a denial looks to who is denied.
public enum DenyAction: String, Sendable, Hashable, CaseIterable {
    /// Nothing comes back.
    case drop = "Drop"
    /// TCP gets a reset, everything else an ICMP message that says so.
    case reject = "Reject"

    /// On a tier or on a policy: which of these its denials are.
    public static let annotation = "bulkhead.io/deny-action"
}

/// A NetworkPolicy (with a namespace), a GlobalNetworkPolicy, a Kubernetes NetworkPolicy, or one of
/// policy.networking.k8s.io, defaults filled in.
public struct Policy: Sendable, Hashable {
    /// A Kubernetes NetworkPolicy is a NetworkPolicy by the name of `kubernetesPrefix` and its own.
    public static let kubernetesPrefix = "knp.default."
    /// The order of every Kubernetes NetworkPolicy.
    public static let kubernetesOrder: Double = 1000
    /// The order of the BaselineAdminNetworkPolicy, which has no priority: after every other of its tier.
    public static let baselineOrder: Double = 1000

    public var reference: PolicyReference
    public var tier: String
    /// nil: after every policy with an order.
    public var order: Double?
    /// The endpoints it applies to; in its own namespace only, for a NetworkPolicy.
    public var selector: Selector
    /// GlobalNetworkPolicy only.
    public var namespaceSelector: NamespaceSelector?
    /// Endpoints that run as a service account with matching labels; nil: all.
    public var serviceAccountSelector: Selector?
    /// Empty only for a ClusterNetworkPolicy, AdminNetworkPolicy or BaselineAdminNetworkPolicy without rules: it never acts.
    public var directions: Set<Direction>
    public var ingress: [PolicyRule]
    public var egress: [PolicyRule]
    /// nil: as its tier says.
    public var denyAction: DenyAction?

    public init(
        reference: PolicyReference, tier: String = Tier.defaultName, order: Double? = nil,
        selector: Selector = .all, namespaceSelector: NamespaceSelector? = nil, serviceAccountSelector: Selector? = nil,
        directions: Set<Direction>, ingress: [PolicyRule] = [], egress: [PolicyRule] = [], denyAction: DenyAction? = nil
    ) {
        self.reference = reference
        self.tier = tier
        self.order = order
        self.selector = selector
        self.namespaceSelector = namespaceSelector
        self.serviceAccountSelector = serviceAccountSelector
        self.directions = directions
        self.ingress = ingress
        self.egress = egress
        self.denyAction = denyAction
    }

    /// nil for a GlobalNetworkPolicy.
    public var namespace: String? { reference.namespace.isEmpty ? nil : reference.namespace }

    public func rules(_ direction: Direction) -> [PolicyRule] { direction == .ingress ? ingress : egress }
}

/// A policy that is decided beside the enforced ones and changes no verdict.
public struct StagedPolicy: Sendable, Hashable {
    public enum Action: String, Sendable, Hashable, CaseIterable {
        /// Judged in place of the enforced policy `target`, or as a new one.
        case set = "Set"
        /// Judged as if `target` were not there.
        case delete = "Delete"
        /// As `set`; made by a recommendation.
        case learn = "Learn"
        /// Not judged.
        case ignore = "Ignore"
    }

    /// The staged object: kind `StagedNetworkPolicy`, `StagedGlobalNetworkPolicy` or `StagedKubernetesNetworkPolicy`.
    /// Reasons of the staged evaluation name it.
    public var reference: PolicyReference
    public var action: Action
    /// What would be enforced. `policy.reference` names the policy that is replaced or removed, and settles the place among
    /// policies of equal order. Without rules for `delete`.
    public var policy: Policy

    public init(reference: PolicyReference, action: Action, policy: Policy) {
        self.reference = reference
        self.action = action
        self.policy = policy
    }
}

public struct Tier: Sendable, Hashable {
    public static let defaultName = "default"
    /// The order of the tier `default` (Calico 3.29 and later).
    public static let defaultOrder: Double = 1_000_000
    /// Of AdminNetworkPolicies and ClusterNetworkPolicies of the tier Admin (this and the following as in Calico 3.32).
    public static let adminName = "kube-admin"
    public static let adminOrder: Double = 1_000
    /// Of the BaselineAdminNetworkPolicy and ClusterNetworkPolicies of the tier Baseline.
    public static let baselineName = "kube-baseline"
    public static let baselineOrder: Double = 10_000_000

    /// The tiers of every world, in order: none of them can be deleted, nor its order or default action changed.
    public static let builtIn = [
        Tier(name: adminName, order: adminOrder, defaultAction: .pass),
        Tier(name: defaultName, order: defaultOrder),
        Tier(name: baselineName, order: baselineOrder, defaultAction: .pass),
    ]

    public enum DefaultAction: String, Sendable, Hashable, CaseIterable {
        case deny = "Deny"
        case pass = "Pass"
    }

    public var name: String
    /// nil: after every tier with an order.
    public var order: Double?
    public var defaultAction: DefaultAction
    /// Of every denial in the tier whose policy does not say otherwise.
    public var denyAction: DenyAction

    public init(
        name: String, order: Double?, defaultAction: DefaultAction = .deny, denyAction: DenyAction = .drop
    ) {
        self.name = name
        self.order = order
        self.defaultAction = defaultAction
        self.denyAction = denyAction
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
