import PolicyModel

extension VerdictCompiler {
    /// Reads the policies that changed and puts all of them in order.
    mutating func updatePolicies(_ new: PolicyWorld) {
        guard new.policies != world.policies || new.tiers != world.tiers else { return }
        policyGeneration += 1
        for reference in world.policies.keys where new.policies[reference] == nil { policies[reference] = nil }
        for (reference, policy) in new.policies where world.policies[reference] != policy {
            policies[reference] = read(policy)
        }

        var references: [String: [PolicyReference]] = [:]
        for (reference, policy) in new.policies { references[policy.tier, default: []].append(reference) }
        let tiers = new.tiers.values.sorted { Self.isBefore(($0.order, $0.name), ($1.order, $1.name)) }
        orderedTiers = tiers.map { tier in
            let ordered = (references[tier.name] ?? [])
                .map { (order: new.policies[$0]?.order, text: "\($0.name)/\($0.namespace)/\($0.kind)", reference: $0) }
                .sorted { Self.isBefore(($0.order, $0.text), ($1.order, $1.text)) }
            return (tier, ordered.map(\.reference))
        }
    }

    /// By order, nil last, then by text.
    private static func isBefore(_ left: (Double?, String), _ right: (Double?, String)) -> Bool {
        switch (left.0, right.0) {
        case (let first?, let second?) where first != second: first < second
        case (_?, nil): true
        case (nil, _?): false
        default: left.1 < right.1
        }
    }

    private mutating func read(_ policy: Policy) -> CompiledPolicy {
        lastWork.policiesRead += 1
        defer { nextPolicyRevision += 1 }
        let scope = EndpointScope(namespaceSelector: policy.namespaceSelector, namespace: policy.namespace)
        // A namespaced policy never leaves its namespace.
        let own = policy.namespace.map(EndpointScope.namespace) ?? scope
        let selection = sets.intern(.endpoints(own, policy.selector), texts: &texts)
        return CompiledPolicy(
            policy: policy, revision: nextPolicyRevision, selection: selection,
            ingress: read(policy.ingress, .ingress, policy), egress: read(policy.egress, .egress, policy))
    }

    private mutating func read(_ rules: [PolicyRule], _ direction: Direction, _ policy: Policy) -> [CompiledRule] {
        guard policy.directions.contains(direction) else { return [] }
        var result: [CompiledRule] = []
        for (index, rule) in rules.enumerated() {
            // A rule that no packet matches is nobody's reason.
            guard rule.action != .log, let ports = PortCondition(rule) else { continue }
            result.append(
                CompiledRule(
                    rule, index: index, ports: ports, direction: direction, namespace: policy.namespace,
                    intern: { sets.intern($0, texts: &texts) }))
        }
        return result
    }

    /// The tiers and policies that select the endpoints of a combination.
    mutating func selection(_ number: Int, _ direction: Direction) -> Selection {
        if combinations[number]?.selectionGeneration != policyGeneration {
            combinations[number]?.selectionGeneration = policyGeneration
            combinations[number]?.selections = [nil, nil]
        }
        if let known = combinations[number]?.selections[Int(direction.rawValue)] { return known }
        var result = Selection(tiers: [], dependsOnAddress: false)
        for (tier, references) in orderedTiers {
            var selected: [PolicyReference] = []
            for reference in references {
                guard let policy = policies[reference], policy.policy.directions.contains(direction),
                    matches(number, policy.selection)
                else { continue }
                selected.append(reference)
                if policy.dependsOnAddress(direction) { result.dependsOnAddress = true }
            }
            guard !selected.isEmpty else { continue }
            result.tiers.append(
                Selection.SelectedTier(name: tier.name, defaultAction: tier.defaultAction, policies: selected))
        }
        combinations[number]?.selections[Int(direction.rawValue)] = result
        return result
    }
}
