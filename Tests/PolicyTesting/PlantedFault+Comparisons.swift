import PolicyModel

extension PlantedFault {
    /// Of selectors that compare the peer with the endpoint that the policy applies to.
    static let ofComparisons: [Self] = [
        ofSelectors("sameNamespaceIgnored") { replacing($0) { $0 == .sameNamespace ? .all : $0 } },
        ofSelectors("sameNamespaceNever") { replacing($0) { $0 == .sameNamespace ? .not(.all) : $0 } },
        ofSelectors("sameNamespaceOfOneNamespace") {
            replacing($0) { $0 == .sameNamespace ? .equals(key: SystemLabels.namespace, value: "shop") : $0 }
        },
        ofSelectors("sameLabelMeansThatItIsThere") {
            replacing($0) { if case .sameLabel(let key) = $0 { .has(key: key) } else { $0 } }
        },
        ofSelectors("sameLabelMetByAbsence") {
            replacing($0) { if case .sameLabel(let key) = $0 { .or([$0, .not(.has(key: key))]) } else { $0 } }
        },
        ofSelectors("sameLabelNever") { replacing($0) { if case .sameLabel = $0 { .not(.all) } else { $0 } } },
        Self("sameLabelOfMissingLabelMatchesAll") { world in
            for policy in world.policies.values {
                for key in keys(of: policy).sorted() { separate(policy, by: key, in: &world) }
            }
        },
    ]

    private static func replacing(_ selector: Selector, _ change: (Selector) -> Selector) -> Selector {
        switch selector {
        case .not(let inner): .not(replacing(inner, change))
        case .and(let parts): .and(parts.map { replacing($0, change) })
        case .or(let parts): .or(parts.map { replacing($0, change) })
        default: change(selector)
        }
    }

    private static func keys(of policy: Policy) -> Set<String> {
        var keys: Set<String> = []
        for rule in policy.ingress + policy.egress {
            for selector in [rule.source.selector, rule.destination.selector] { keys.formUnion(selector?.subjectKeys ?? []) }
        }
        return keys.subtracting([SystemLabels.namespace])
    }

    /// One policy for who has the label, and one for who has not.
    private static func separate(_ policy: Policy, by key: String, in world: inout PolicyWorld) {
        guard var having = world.policies[policy.reference] else { return }
        var lacking = having
        having.selector = .and([having.selector, .has(key: key)])
        lacking.selector = .and([lacking.selector, .not(.has(key: key))])
        lacking.reference.name += "-\(key.filter(\.isLetter))"
        let change: (Selector) -> Selector = { $0 == .sameLabel(key: key) ? .all : $0 }
        func changed(_ rules: [PolicyRule]) -> [PolicyRule] {
            rules.map { rule in
                with(rule) { rule in
                    rule.source.selector = rule.source.selector.map { replacing($0, change) }
                    rule.destination.selector = rule.destination.selector.map { replacing($0, change) }
                }
            }
        }
        (lacking.ingress, lacking.egress) = (changed(lacking.ingress), changed(lacking.egress))
        world.policies[having.reference] = having
        world.policies[lacking.reference] = lacking
    }
}
