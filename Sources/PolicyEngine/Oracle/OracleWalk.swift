import PolicyModel

extension PolicyOracle {
    /// All tiers, then the profiles. The decision says nothing of a pending one.
    func walk(
        _ stack: OracleStack, _ endpoint: EndpointKey, _ direction: Direction, _ question: OracleQuestion,
        _ trace: inout OracleTrace?
    ) -> Decision {
        guard let workload = world.endpoints[endpoint] else { return Decision(.deny, .noProfile) }
        var logged: [RuleReference] = []
        for tier in stack.tiers {
            if var decision = walk(tier, endpoint, direction, question, &logged, &trace) {
                decision.logged = logged
                return decision
            }
        }
        for name in profiles.names(of: workload) {
            if var decision = walk(profile: name, direction, question, &logged, &trace) {
                decision.logged = logged
                return decision
            }
        }
        return Decision(.deny, .noProfile, logged: logged)
    }

    /// nil: the tier does not decide, the next one is asked.
    private func walk(
        _ ordered: OracleTier, _ endpoint: EndpointKey, _ direction: Direction, _ question: OracleQuestion,
        _ logged: inout [RuleReference], _ trace: inout OracleTrace?
    ) -> Decision? {
        let tier = ordered.tier
        trace?.tiers.append(OracleTrace.TierTrace(tier: tier, policies: [], outcome: .noPolicyApplies))
        var triggers: [PolicyReference] = []
        var left: Leaving?

        for ordered in ordered.policies {
            let policy = ordered.policy
            let applicability = applicability(of: policy, to: endpoint, direction)
            trace?.appendPolicy(
                OracleTrace.PolicyTrace(
                    policy: policy, reference: ordered.reference, applicability: applicability, rules: []))
            guard applicability == .applies else { continue }
            triggers.append(ordered.reference)
            // The policies after the deciding one are only looked at to tell whom the tier concerns.
            guard left == nil else { continue }

            let rules = policy.rules(direction)
            left = firstMatch(rules, in: policy.namespace, question) { position, mismatch in
                let index = rules[position].writtenIndex ?? position
                trace?.appendRule(OracleTrace.RuleTrace(index: index, rule: rules[position], mismatch: mismatch))
                if mismatch == nil, rules[position].action == .log {
                    logged.append(RuleReference(tier: tier.name, policy: ordered.reference, index: index))
                }
            }.map { position in
                Leaving(policy: ordered, action: rules[position].action, index: rules[position].writtenIndex ?? position)
            }
        }

        if let left {
            let reason = Reason.rule(tier: tier.name, policy: left.policy.reference, index: left.index)
            trace?.setOutcome(
                left.action == .pass ? .passed(policy: left.policy.reference, index: left.index) : .decided)
            switch left.action {
            case .allow: return Decision(.allow, reason)
            case .deny:
                let denyAction = left.policy.policy.denyAction ?? tier.denyAction
                return Decision(.deny, reason, rejects: denyAction == .reject)
            case .pass, .log: return nil
            }
        }
        if triggers.isEmpty { return nil }
        trace?.setOutcome(.endOfTier(tier.defaultAction))
        switch tier.defaultAction {
        case .pass: return nil
        case .deny:
            return Decision(
                .deny, .endOfTier(tier: tier.name, triggers: triggers), rejects: tier.denyAction == .reject)
        }
    }

    /// nil: the profile does not decide, the next one is asked.
    private func walk(
        profile name: String, _ direction: Direction, _ question: OracleQuestion, _ logged: inout [RuleReference],
        _ trace: inout OracleTrace?
    ) -> Decision? {
        guard let profile = profiles[name] else {
            trace?.profiles.append(OracleTrace.ProfileTrace(name: name, exists: false, rules: []))
            return Decision(.deny, .noProfile)
        }
        trace?.profiles.append(OracleTrace.ProfileTrace(name: name, exists: true, rules: []))
        let rules = profile.rules(direction)
        let match = firstMatch(rules, in: nil, question) { position, mismatch in
            let index = rules[position].writtenIndex ?? position
            trace?.appendProfileRule(OracleTrace.RuleTrace(index: index, rule: rules[position], mismatch: mismatch))
            if mismatch == nil, rules[position].action == .log {
                let reference = PolicyReference(kind: "Profile", namespace: "", name: name)
                logged.append(RuleReference(tier: "", policy: reference, index: index))
            }
        }
        guard let match else { return nil }
        let reason = Reason.profile(name: name, index: rules[match].writtenIndex ?? match)
        switch rules[match].action {
        case .allow: return Decision(.allow, reason)
        case .deny: return Decision(.deny, reason)
        case .pass, .log: return nil
        }
    }

    private struct Leaving {
        var policy: OraclePolicy
        var action: RuleAction
        var index: Int
    }

    /// The position of the first rule that matches and does more than log. `asked` is told of every rule up to it.
    private func firstMatch(
        _ rules: [PolicyRule], in namespace: String?, _ question: OracleQuestion,
        asked: (_ position: Int, _ mismatch: RuleMismatch?) -> Void
    ) -> Int? {
        for (position, rule) in rules.enumerated() {
            let mismatch = mismatch(of: rule, in: namespace, question)
            asked(position, mismatch)
            if mismatch == nil, rule.action != .log { return position }
        }
        return nil
    }
}
