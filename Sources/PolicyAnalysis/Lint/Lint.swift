import PolicyEngine
import PolicyModel

/// Finds what is allowed in policies and hardly what their authors meant.
///
/// What is said of a rule alone or of its place among others holds whatever workloads there are; what is said of whom
/// selectors pick holds for those of the world. Staged policies and profiles are not looked at.
public struct Lint {
    let world: LintWorld
    private let orders: [Direction: PolicyPlaces]

    /// - Parameter services: those of the world, for what is confused with them.
    public init(world: PolicyWorld, services: [LintService] = []) {
        self.world = LintWorld(world, services: services)
        orders = Dictionary(uniqueKeysWithValues: Direction.allCases.map { ($0, PolicyPlaces(world, $0)) })
    }

    /// All of them, by object and path.
    public func findings() -> [LintFinding] { findings { _ in true } }

    /// Those of one policy.
    public func findings(of policy: PolicyReference) -> [LintFinding] { findings { $0 == policy } }

    private func findings(where isWanted: (PolicyReference) -> Bool) -> [LintFinding] {
        var findings: Set<LintFinding> = []
        for (direction, order) in orders {
            var reach = ShadowedRules(order: order, direction: direction)
            let names = NameServiceCheck(order: order)
            let ties = TiedOrderCheck(order: order, direction: direction)
            for index in order.entries.indices where isWanted(order.entries[index].policy.reference) {
                findings.formUnion(reach.findings(index))
                findings.formUnion(LogOnlyCheck.findings(order, index, direction))
                findings.formUnion(ties.findings(index))
                if direction == .egress { findings.formUnion(names.findings(index)) }
            }
        }
        for policy in world.world.policies.values where isWanted(policy.reference) {
            findings.formUnion(PeerChecks(policy: policy, world: world).findings())
            findings.formUnion(ServiceChecks(policy: policy, world: world).findings())
            if world.world.tiers[policy.tier] == nil {
                findings.insert(
                    LintFinding(
                        .noTier, LintObject(policy.reference), "spec.tier",
                        "there is no tier \(policy.tier) here: the policy does not act until there is"))
            }
        }
        return findings.sorted()
    }
}
