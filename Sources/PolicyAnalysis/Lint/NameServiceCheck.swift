import PolicyModel

/// Endpoints for which nothing allows to ask a name server, because a policy selects them for egress.
struct NameServiceCheck {
    private let order: PolicyPlaces
    /// Of entries with a rule that lets packets to UDP port 53 pass.
    private let permitting: [Int]

    /// - Parameter order: of egress.
    init(order: PolicyPlaces) {
        self.order = order
        permitting = order.entries.indices.filter { index in
            let policy = order.entries[index].policy
            return policy.egress.contains { Self.permits($0, in: policy.namespace) }
        }
    }

    private static func permits(_ rule: PolicyRule, in namespace: String?) -> Bool {
        guard rule.action == .allow || rule.action == .pass else { return false }
        return IPVersion.allCases.contains { version in
            RuleBox.boxes(of: rule, in: namespace, TrafficForm(version: version, detail: .ports)).contains { box in
                let transports = box.numbers[TrafficForm.Number.transport.rawValue]
                let ports = box.numbers[TrafficForm.Number.detail.rawValue]
                return transports?.contains(UInt128(TransportProtocol.udp.number)) ?? true && ports?.contains(53) ?? true
            }
        }
    }

    func findings(_ index: Int) -> [LintFinding] {
        let entry = order.entries[index]
        let policy = entry.policy
        let tier = order.tiers[entry.tier]
        guard tier.defaultAction == .deny, !policy.egress.contains(where: \.deniesAll),
            !permitting.contains(where: { concerns($0, as: index) })
        else { return [] }
        return [
            LintFinding(
                .cutsDNS, LintObject(policy.reference), policy.egress.isEmpty ? "spec" : "spec.egress",
                "the endpoints it applies to can resolve no name: the end of tier \(tier.name) denies what no rule allows, and no "
                    + "rule of any policy that applies to them lets UDP port 53 pass; allow it towards the name servers")
        ]
    }

    private func concerns(_ other: Int, as index: Int) -> Bool {
        if other == index { return true }
        guard order.mayShareEndpoints(other, index) else { return false }
        var solver = LabelSolver(steps: LintLimits.solverSteps)
        let goals = [other, index].map { LabelSolver.Goal(order.entries[$0].subject) }
        return solver.labels(for: goals) != nil || solver.isExhausted
    }
}

extension PolicyRule {
    /// A rule without conditions that denies: its author means to end it here.
    fileprivate var deniesAll: Bool {
        action == .deny && version == nil && transport == nil && notTransport == nil && icmp == nil && notICMP == nil
            && source == EntityRule() && destination == EntityRule()
    }
}
