import PolicyModel

/// A rule of a policy, or a policy as a whole, that can be taken away.
public struct NeedlessPart: Sendable, Hashable {
    public let policy: PolicyReference
    private let direction: Direction
    /// Of the rule as written; nil: the policy as a whole.
    private let index: Int?

    private init(policy: PolicyReference, direction: Direction = .ingress, index: Int? = nil) {
        self.policy = policy
        self.direction = direction
        self.index = index
    }

    /// Every policy and every written rule, in the order of names.
    public static func all(of world: PolicyWorld) -> [NeedlessPart] {
        let policies = world.policies.values.sorted { left, right in
            (left.reference.kind, left.reference.namespace, left.reference.name)
                < (right.reference.kind, right.reference.namespace, right.reference.name)
        }
        return policies.flatMap { policy in
            [NeedlessPart(policy: policy.reference)]
                + [Direction.ingress, .egress].flatMap { direction -> [NeedlessPart] in
                    guard policy.directions.contains(direction) else { return [] }
                    let written = policy.rules(direction).enumerated().map { $1.writtenIndex ?? $0 }
                    return Set(written).sorted().map { NeedlessPart(policy: policy.reference, direction: direction, index: $0) }
                }
        }
    }

    /// Where it stands in its object: `spec.ingress[2]`; empty for the whole policy.
    public var path: String { index.map { "spec.\(direction.word)[\($0)]" } ?? "" }

    /// The directions that a policy decides stay as they are.
    public func remove(from world: inout PolicyWorld) {
        guard let index else {
            world.policies[policy] = nil
            return
        }
        func left(_ rules: [PolicyRule]) -> [PolicyRule] {
            rules.enumerated().compactMap { position, rule in
                let written = rule.writtenIndex ?? position
                if written == index { return nil }
                var kept = rule
                // The others are still called what they were written as.
                kept.writtenIndex = written
                return kept
            }
        }
        guard var changed = world.policies[policy] else { return }
        switch direction {
        case .ingress: changed.ingress = left(changed.ingress)
        case .egress: changed.egress = left(changed.egress)
        }
        world.policies[policy] = changed
    }
}
