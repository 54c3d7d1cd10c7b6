import PolicyEngine
import PolicyModel

/// How many endpoints a policy selects, at one state of the world.
///
/// Endpoints that no selector can tell apart are asked about once: making it is O(endpoints), a count O(kinds of endpoints
/// in the policy's namespace, or in all).
struct PolicySelection {
    struct Count: Hashable {
        /// On this node, and anywhere.
        var onNode = 0
        var all = 0
        /// On this node, without an interface that is policed.
        var open: [EndpointKey] = []
    }

    private struct Kind: Hashable {
        var namespace: String
        var labels: [String: String]
        var orchestrator: String
        var serviceAccount: String
        var profiles: [String]?
    }

    private struct Group {
        var representative: EndpointKey
        var count: Count
    }

    private var groups: [String: [Group]] = [:]
    private let oracle: PolicyOracle

    /// - Parameter open: endpoints of this node whose interface is not policed.
    init(world: PolicyWorld, node: String, open: Set<EndpointKey>) {
        var byKind: [Kind: Group] = [:]
        for endpoint in world.endpoints.values {
            let kind = Kind(
                namespace: endpoint.key.namespace, labels: endpoint.labels, orchestrator: endpoint.orchestrator,
                serviceAccount: endpoint.serviceAccount, profiles: endpoint.profiles)
            let isHere = endpoint.node.isEmpty || endpoint.node == node
            var group = byKind[kind] ?? Group(representative: endpoint.key, count: Count())
            group.count.all += 1
            group.count.onNode += isHere ? 1 : 0
            if isHere, open.contains(endpoint.key) { group.count.open.append(endpoint.key) }
            byKind[kind] = group
        }
        groups = Dictionary(grouping: byKind.values) { $0.representative.namespace }
        var asked = PolicyWorld(
            namespaces: world.namespaces, profiles: world.profiles, serviceAccounts: world.serviceAccounts)
        for group in byKind.values { asked.endpoints[group.representative] = world.endpoints[group.representative] }
        oracle = PolicyOracle(world: asked)
    }

    func count(_ policy: Policy) -> Count {
        let candidates = policy.namespace.map { groups[$0] ?? [] } ?? groups.values.flatMap { $0 }
        var count = Count()
        for group in candidates where oracle.selects(policy, group.representative) {
            count.all += group.count.all
            count.onNode += group.count.onNode
            count.open += group.count.open
        }
        count.open.sort()
        return count
    }
}
