import PolicyModel

/// A policy as it is asked, and the object that reasons name for it.
struct OraclePolicy: Sendable {
    var policy: Policy
    /// The staged object, for what a staged policy would enforce.
    var reference: PolicyReference
}

/// A tier with its policies, in the order in which they are asked.
struct OracleTier: Sendable {
    var tier: Tier
    var policies: [OraclePolicy]
}

/// In which order tiers and policies are asked. Texts are compared by their UTF-8 bytes, as Calico does.
enum OracleOrder {
    static func tiers(_ tiers: [Tier], with policies: [OraclePolicy]) -> [OracleTier] {
        let ordered = sorted(policies)
        return sorted(tiers).map { tier in
            OracleTier(tier: tier, policies: ordered.filter { $0.policy.tier == tier.name })
        }
    }

    /// By order, those without one last; then by name.
    private static func sorted(_ tiers: [Tier]) -> [Tier] {
        tiers.sorted { isBefore($0.order, $0.name, $1.order, $1.name) }
    }

    /// By order, those without one last; then by the text `name/namespace/kind` of what is enforced, or would be.
    static func sorted(_ policies: [OraclePolicy]) -> [OraclePolicy] {
        policies.sorted { isBefore($0.policy.order, tieBreaker($0), $1.policy.order, tieBreaker($1)) }
    }

    private static func tieBreaker(_ policy: OraclePolicy) -> String {
        var enforced = policy.policy.reference
        if enforced.kind == "NetworkPolicy", enforced.name.hasPrefix(Policy.kubernetesPrefix) {
            // Compared as what its user wrote.
            enforced.name = String(enforced.name.dropFirst(Policy.kubernetesPrefix.count))
            enforced.kind = "KubernetesNetworkPolicy"
        }
        if ["ClusterNetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy"].contains(enforced.kind) {
            // Calico's names of these kinds.
            enforced.kind = "Kubernetes\(enforced.kind)"
        }
        // Several staged objects may stand for one enforced one: anything will do that does not depend on chance.
        return "\(enforced.name)/\(enforced.namespace)/\(enforced.kind)/\(policy.reference.name)/\(policy.reference.kind)"
    }

    private static func isBefore(
        _ leftOrder: Double?, _ leftText: String, _ rightOrder: Double?, _ rightText: String
    ) -> Bool {
        switch (leftOrder, rightOrder) {
        case (let left?, let right?) where left != right: left < right
        case (.some, .none): true
        case (.none, .some): false
        default: leftText.utf8.lexicographicallyPrecedes(rightText.utf8)
        }
    }
}

extension PolicyWorld {
    var enforcedPolicies: [OraclePolicy] {
        policies.values.map { OraclePolicy(policy: $0, reference: $0.reference) }
    }

    /// The policies as they would be if the staged ones were enforced; nil without any that is judged.
    var policiesWithStaged: [OraclePolicy]? {
        let judged = staged.values.filter { $0.action != .ignore }
        if judged.isEmpty { return nil }
        let targets = Set(judged.map(\.policy.reference))
        return enforcedPolicies.filter { !targets.contains($0.policy.reference) }
            + judged.filter { $0.action != .delete }.map { OraclePolicy(policy: $0.policy, reference: $0.reference) }
    }
}
