import PolicyModel

/// Policies of one order in a tier, of which one denies what the other allows: their names decide.
struct TiedOrderCheck {
    let order: PolicyPlaces
    let direction: Direction
    /// Policies before it of the same order that are compared with one.
    private static let examined = 16

    func findings(_ index: Int) -> [LintFinding] {
        let entry = order.entries[index]
        guard entry.policy.order != Policy.kubernetesOrder || !LintObject(entry.policy.reference).isKubernetes else { return [] }
        let tied = order.before(index).reversed().prefix { other in
            order.entries[other].tier == entry.tier && order.entries[other].policy.order == entry.policy.order
        }
        for other in tied.prefix(Self.examined) {
            guard let rules = contradiction(other, index) else { continue }
            let place = entry.policy.order.map { "order \(Self.text($0))" } ?? "no order, which is last of all,"
            let earlier = order.entries[other].policy.reference.words
            return [
                LintFinding(
                    .tiedOrder, LintObject(entry.policy.reference), entry.policy.isOfAdministrators ? "spec.priority" : "spec.order",
                    "this policy and \(earlier) both have \(place) in tier \(order.tiers[entry.tier].name), and rule \(rules.0) of "
                        + "that one contradicts rule \(rules.1) here: names decide, and \(earlier) comes first; give them different orders "
                        + "(lower comes first)")
            ]
        }
        return []
    }

    private static func text(_ order: Double) -> String { Int64(exactly: order).map { "\($0)" } ?? "\(order)" }

    /// The written rules of two policies of which one allows and the other denies some packet.
    private func contradiction(_ other: Int, _ index: Int) -> (Int, Int)? {
        let (first, second) = (order.entries[other], order.entries[index])
        var solver = LabelSolver(steps: LintLimits.solverSteps)
        let local: RuleBox.Side = direction == .ingress ? .destination : .source
        for form in TrafficForm.all {
            guard
                let all = ShadowRegion(form: form, local: local).with(subject: first.subject, true, &solver)?
                    .with(subject: second.subject, true, &solver)
            else { return nil }
            for (position, rule) in first.policy.rules(direction).enumerated() where [.allow, .deny].contains(rule.action) {
                for (later, contrary) in second.policy.rules(direction).enumerated()
                where [.allow, .deny].contains(contrary.action) && contrary.action != rule.action {
                    for box in RuleBox.boxes(of: rule, in: first.policy.namespace, form) {
                        guard let region = all.intersection(box, &solver) else { continue }
                        let boxes = RuleBox.boxes(of: contrary, in: second.policy.namespace, form)
                        if boxes.contains(where: { region.intersection($0, &solver) != nil }) {
                            return (rule.writtenIndex ?? position, contrary.writtenIndex ?? later)
                        }
                    }
                }
            }
        }
        return nil
    }
}
