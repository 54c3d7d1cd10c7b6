import PolicyEngine
import PolicyModel

/// Tells one end's way to its decision.
struct EndText {
    let trace: OracleTrace
    let explanation: Explanation

    func add(to page: inout Page) {
        for tier in trace.tiers { add(tier, to: &page) }
        for stray in trace.strays { page.add("\(stray.words) does not act: its tier does not exist", indent: 1) }
        for profile in trace.profiles { add(profile, to: &page) }
        if case .noProfile = trace.decision.reason, trace.profiles.allSatisfy(\.exists) {
            page.add("end of the profiles: what nobody allowed is denied", indent: 1)
        }
        if trace.decision.rejects {
            page.add("the sender is told of the denial (\(DenyAction.reject.rawValue))", indent: 1)
        }
    }

    private func add(_ trace: OracleTrace.ProfileTrace, to page: inout Page) {
        if trace.exists {
            page.add("profile \(trace.name)", indent: 1)
            for rule in trace.rules { add(rule, indent: 2, to: &page) }
            if !trace.rules.contains(where: { $0.matched && $0.rule.action != .log }) {
                page.add("no \(self.trace.direction.word) rule matched: next profile", indent: 2)
            } else if trace.rules.last?.rule.action == .pass {
                page.add("passed on: next profile", indent: 2)
            }
            return
        }
        page.add("profile \(trace.name) does not exist\(Self.origin(of: trace.name)): denied", indent: 1)
    }

    /// Whose absence it is that a profile does not exist.
    private static func origin(of profile: String) -> String {
        if profile.hasPrefix(Profile.namespacePrefix) {
            return ", for there is no namespace \(profile.dropFirst(Profile.namespacePrefix.count))"
        }
        if profile.hasPrefix(Profile.serviceAccountPrefix) { return ", for there is no such service account" }
        return ""
    }

    private func add(_ trace: OracleTrace.TierTrace, to page: inout Page) {
        let tier = trace.tier
        // In every world, and empty in most.
        if trace.policies.isEmpty, tier.name == Tier.adminName || tier.name == Tier.baselineName { return }
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
            let names = trace.policies.filter { $0.applicability == .applies }.map(\.reference.words)
            page.add("end of tier: no rule matched, default action Deny, because of", indent: 2)
            for name in names { page.add(name, indent: 3) }
        }
    }

    private func add(_ trace: OracleTrace.PolicyTrace, to page: inout Page) {
        let policy = trace.policy
        let order = policy.order.map { "order \(Self.text($0))" } ?? "no order"
        let name = "\(trace.reference.words) (\(order))"
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
        case .serviceAccountSelector:
            let selector = policy.serviceAccountSelector.map(\.description) ?? ""
            page.add(
                "\(name) does not apply: serviceAccountSelector \(selector) leaves out \(endpoint)", indent: 2)
        case .selector:
            page.add("\(name) does not apply: selector \(policy.selector) leaves out \(endpoint)", indent: 2)
        case .applies:
            page.add(name, indent: 2)
            if policy.rules(self.trace.direction).isEmpty {
                page.add("no \(self.trace.direction.word) rules", indent: 3)
            } else if trace.rules.isEmpty {
                page.add("not asked: a rule before it matched", indent: 3)
            }
            for rule in trace.rules { add(rule, indent: 3, to: &page) }
        }
    }

    private func add(_ trace: OracleTrace.RuleTrace, indent: Int, to page: inout Page) {
        let start = "rule \(trace.index) \(trace.rule.action.rawValue)"
        guard let mismatch = trace.mismatch else {
            let conditions = RuleText.conditions(of: trace.rule)
            let matches = conditions.isEmpty ? "matches everything" : "matches \(conditions.joined(separator: ", "))"
            page.add("\(start): \(matches)\(trace.rule.action == .log ? "; logged, next rule" : "")", indent: indent)
            for (key, value) in trace.rule.annotations.sorted(by: { $0.key < $1.key }) {
                page.add("\(key): \(value)", indent: indent + 1)
            }
            return
        }
        let reason = RuleText(rule: trace.rule, explanation: explanation, subject: self.trace.endpoint).reason(of: mismatch)
        page.add("\(start): \(mismatch.path) \(reason)", indent: indent)
    }

    /// Whole orders without a fraction, as users write them.
    private static func text(_ order: Double) -> String {
        guard let whole = Int64(exactly: order) else { return "\(order)" }
        return "\(whole)"
    }
}
