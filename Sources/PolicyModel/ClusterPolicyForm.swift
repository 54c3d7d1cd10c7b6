/// The kinds of policy.networking.k8s.io, as far as they differ: v1alpha2 has one for both tiers, v1alpha1 one for each.
enum ClusterPolicyForm: CaseIterable {
    /// ClusterNetworkPolicy of v1alpha2.
    case cluster
    /// AdminNetworkPolicy of v1alpha1.
    case admin
    /// BaselineAdminNetworkPolicy of v1alpha1: the one named `default`.
    case baseline

    /// The only name that a BaselineAdminNetworkPolicy can have.
    static let baselineName = "default"

    /// nil for other kinds.
    init?(_ kind: ResourceKind) {
        guard let form = Self.allCases.first(where: { $0.kind.resource == kind.resource }) else { return nil }
        self = form
    }

    var kind: ResourceKind {
        switch self {
        case .cluster: Kinds.clusterNetworkPolicy
        case .admin: Kinds.adminNetworkPolicy
        case .baseline: Kinds.baselineAdminNetworkPolicy
        }
    }

    /// The member of a rule that lists protocols and ports.
    var portsMember: String { self == .cluster ? "protocols" : "ports" }

    /// The members of which a port has exactly one.
    var portAlternatives: [String] {
        self == .cluster ? ["tcp", "udp", "sctp", "destinationNamedPort"] : ["portNumber", "portRange", "namedPort"]
    }

    /// The members of which a peer has exactly one. Those that are known and not enforced are among them.
    static func peerAlternatives(_ direction: Direction) -> [String] {
        direction == .ingress ? ["namespaces", "pods"] : ["namespaces", "pods", "networks", "nodes", "domainNames"]
    }

    /// Rules for one direction, peers of a rule, and ports of a rule: each at most so many.
    var listLimit: Int { self == .cluster ? ObjectLimits.clusterPolicyItems : ObjectLimits.adminPolicyItems }

    /// What `spec.action` can be, and what it is among the actions of rules.
    var actions: [(name: String, action: RuleAction)] {
        switch self {
        case .cluster: [("Accept", .allow), ("Deny", .deny), ("Pass", .pass)]
        case .admin: [("Allow", .allow), ("Deny", .deny), ("Pass", .pass)]
        case .baseline: [("Allow", .allow), ("Deny", .deny)]
        }
    }
}
