import PolicyEngine
import PolicyModel

/// Tells one end's way to its decision.
struct EndText {
    let trace: OracleTrace
    let explanation: Explanation

    func add(to page: inout Page) {
        for tier in trace.tiers { add(tier, to: &page) }
        for stray in trace.strays { page.add("\(stray.words) does not act: its tier does not exist", indent: 1) }
        switch trace.decision.reason {
        case .profile(let name, let index):
            page.add("profile \(name)", indent: 1)
            page.add("rule \(index) Allow: matches", indent: 2)
        case .noProfile:
            page.add(
                "no profile: namespace \(trace.endpoint.namespace) does not exist, so what no tier decides is denied",
                indent: 1)
        case .rule, .endOfTier:
            break
        }
    }

    private func add(_ trace: OracleTrace.TierTrace, to page: inout Page) {
        let tier = trace.tier
        let order = tier.order.map { "order \(Self.text($0))" } ?? "no order"
        page.add("tier \(tier.name) (\(order), default action \(tier.defaultAction.rawValue))", indent: 1)
        for policy in trace.policies { add(policy, to: &page) }
        switch trace.outcome {
        case .decided: break
        case .noPolicyApplies:
            page.add("no policy selects \(self.trace.endpoint) for \(self.trace.direction.word): next tier", indent: 2)
        case .passed: page.add("passed on: next tier", indent: 2)
        case .endOfTier(.pass): page.add("end of tier: no rule matched, default action Pass: next tier", indent: 2)
        case .endOfTier(.deny):
            let names = trace.policies.filter { $0.applicability == .applies }.map(\.policy.reference.words)
            page.add("end of tier: no rule matched, default action Deny, because of", indent: 2)
            for name in names { page.add(name, indent: 3) }
        }
    }

    private func add(_ trace: OracleTrace.PolicyTrace, to page: inout Page) {
        let policy = trace.policy
        let order = policy.order.map { "order \(Self.text($0))" } ?? "no order"
        let name = "\(policy.reference.words) (\(order))"
        let endpoint = self.trace.endpoint
        switch trace.applicability {
        case .otherDirection:
            page.add("\(name) does not apply: types leave out \(self.trace.direction.word)", indent: 2)
        case .otherNamespace:
            page.add("\(name) does not apply: \(endpoint) is in another namespace", indent: 2)
        case .namespaceSelector:
            let selector = policy.namespaceSelector.map(\.description) ?? ""
            page.add(
                "\(name) does not apply: namespaceSelector \(selector) leaves out \(endpoint.namespace)", indent: 2)
        case .selector:
            page.add("\(name) does not apply: selector \(policy.selector) leaves out \(endpoint)", indent: 2)
        case .applies:
            page.add(name, indent: 2)
            if policy.rules(self.trace.direction).isEmpty {
                page.add("no \(self.trace.direction.word) rules", indent: 3)
            } else if trace.rules.isEmpty {
                page.add("not asked: a rule before it matched", indent: 3)
            }
            for rule in trace.rules { add(rule, to: &page) }
        }
    }

    private func add(_ trace: OracleTrace.RuleTrace, to page: inout Page) {
        let start = "rule \(trace.index) \(trace.rule.action.rawValue)"
        guard let mismatch = trace.mismatch else {
            let conditions = Self.conditions(of: trace.rule)
            page.add(
                "\(start): matches\(conditions.isEmpty ? " everything" : " \(conditions.joined(separator: ", "))")",
                indent: 3)
            return
        }
        page.add("\(start): \(mismatch.path) \(reason(of: mismatch, trace.rule))", indent: 3)
    }

    // MARK: Conditions

    /// What a rule asks for, as `PATH VALUE`.
    private static func conditions(of rule: PolicyRule) -> [String] {
        var conditions = rule.transport.map { ["protocol \($0)"] } ?? []
        for (side, entity) in [("source", rule.source), ("destination", rule.destination)] {
            if !entity.nets.isEmpty { conditions.append("\(side).nets \(list(entity.nets.map(\.description)))") }
            if let selector = entity.namespaceSelector { conditions.append("\(side).namespaceSelector \(selector)") }
            if let selector = entity.selector { conditions.append("\(side).selector \(selector)") }
            if !entity.ports.isEmpty { conditions.append("\(side).ports \(list(entity.ports.map(\.description)))") }
        }
        return conditions
    }

    /// Goes on after the path.
    private func reason(of mismatch: RuleMismatch, _ rule: PolicyRule) -> String {
        let packet = explanation.packet
        switch mismatch {
        case .transport:
            return "\(rule.transport?.description ?? "any") is not \(packet.transport)"
        case .version(let side):
            return "\(nets(side, rule)) are all of the other IP version"
        case .nets(let side):
            return "\(nets(side, rule)) do not hold \(address(side))"
        case .noPorts:
            return "are asked for, but \(packet.transport) has none"
        case .ports(let side):
            let port = side == .source ? packet.sourcePort : packet.destinationPort
            return "\(Self.list(entity(side, rule).ports.map(\.description))) do not hold \(port)"
        case .noEndpoint(let side, let field):
            let text =
                field == .selector
                ? entity(side, rule).selector?.description : entity(side, rule).namespaceSelector?.description
            return "\(text ?? ""): no endpoint has the address \(address(side))"
        case .impliedNamespace(let side):
            let selector = entity(side, rule).selector?.description ?? ""
            return "\(selector): means the policy's own namespace, which \(explanation.name(of: side)) is not in"
        case .namespaceSelector(let side):
            let selector = entity(side, rule).namespaceSelector?.description ?? ""
            return "\(selector) does not match the namespace of \(explanation.name(of: side))"
        case .selector(let side):
            return "\(entity(side, rule).selector?.description ?? "") does not match \(explanation.name(of: side))"
        }
    }

    private func entity(_ side: RuleMismatch.Side, _ rule: PolicyRule) -> EntityRule {
        side == .source ? rule.source : rule.destination
    }

    private func nets(_ side: RuleMismatch.Side, _ rule: PolicyRule) -> String {
        Self.list(entity(side, rule).nets.map(\.description))
    }

    private func address(_ side: RuleMismatch.Side) -> IPAddress {
        side == .source ? explanation.packet.source : explanation.packet.destination
    }

    /// Long lists are cut: what was not matched is not worth a page.
    private static func list(_ items: [String]) -> String {
        let shown = 6
        guard items.count > shown else { return items.joined(separator: " ") }
        return items.prefix(shown).joined(separator: " ") + " and \(items.count - shown) more"
    }

    /// Whole orders without a fraction, as users write them.
    private static func text(_ order: Double) -> String {
        guard let whole = Int64(exactly: order) else { return "\(order)" }
        return "\(whole)"
    }
}
