import PolicyModel

/// Policies, staged policies and profiles whose names, orders and targets collide.
struct PolicyGenerator {
    let namespaces: [String]
    let tiers: [String]
    var rules: RuleGenerator

    mutating func policy(using random: inout SplitMix64) -> Policy {
        if random.chance(12) { return ClusterPolicyGenerator(addresses: rules.addresses).policy(using: &random) }
        return stageable(using: &random)
    }

    /// One of those that a staged policy can stand beside.
    private mutating func stageable(using random: inout SplitMix64) -> Policy {
        if random.chance(15) { return kubernetesPolicy(using: &random) }
        let global = random.chance(45)
        let reference = PolicyReference(
            kind: global ? "GlobalNetworkPolicy" : "NetworkPolicy", namespace: global ? "" : random.pick(namespaces),
            name: name(using: &random))
        return content(of: reference, using: &random)
    }

    /// Names of which one is the beginning of another: ties compare more than the name.
    private func name(using random: inout SplitMix64) -> String {
        random.pick(["p", "p-1", "p.1", "p1", "q", "q-a", "r", "guard", "allow"]) + random.pick(["", "", "0", "7"])
    }

    private mutating func content(of reference: PolicyReference, using random: inout SplitMix64) -> Policy {
        let global = reference.namespace.isEmpty
        let scope = RuleGenerator.Scope(
            namespace: global ? nil : reference.namespace, namespaces: namespaces, compares: global)
        let denyAction = random.pick([nil, nil, nil, DenyAction.drop, .reject])
        let tier = random.chance(3) ? "absent" : random.pick(tiers)
        // In this tier and order the Kubernetes NetworkPolicies stand.
        let isBesideKubernetes = tier == Tier.defaultName && random.chance(40)
        return Policy(
            reference: reference, tier: tier,
            order: isBesideKubernetes ? Policy.kubernetesOrder : random.pick([nil, 1, 1, 2, 10, 10.5, -5, 1000]),
            selector: random.chance(40) ? .all : LabelGenerator.selector(using: &random),
            namespaceSelector: global && random.chance(35) ? LabelGenerator.namespaceSelector(using: &random) : nil,
            serviceAccountSelector: random.chance(15)
                ? LabelGenerator.accountSelector(using: &random) : nil,
            directions: random.pick([[.ingress], [.egress], [.ingress, .egress], [.ingress, .egress]]),
            ingress: ruleList(.ingress, scope, using: &random), egress: ruleList(.egress, scope, using: &random),
            denyAction: denyAction)
    }

    private mutating func ruleList(
        _ direction: Direction, _ scope: RuleGenerator.Scope, using random: inout SplitMix64
    ) -> [PolicyRule] {
        (0..<random.pick([0, 1, 1, 2, 2, 3, 4])).map { _ in rules.rule(direction, scope, using: &random) }
    }

    /// Allow rules alone, some of them parts of one that was written.
    private mutating func kubernetesPolicy(using random: inout SplitMix64) -> Policy {
        let namespace = random.pick(namespaces)
        let reference = PolicyReference(
            kind: "NetworkPolicy", namespace: namespace, name: Policy.kubernetesPrefix + name(using: &random))
        let scope = RuleGenerator.Scope(namespace: namespace, namespaces: namespaces)
        func written(_ direction: Direction, using random: inout SplitMix64) -> [PolicyRule] {
            var list: [PolicyRule] = []
            for index in 0..<random.number(0...3) {
                for _ in 0..<random.number(1...2) {
                    var rule = rules.rule(direction, scope, using: &random)
                    rule.action = .allow
                    rule.writtenIndex = index
                    list.append(rule)
                }
            }
            return list
        }
        return Policy(
            reference: reference, tier: Tier.defaultName, order: Policy.kubernetesOrder,
            selector: random.chance(30) ? .all : LabelGenerator.selector(using: &random),
            directions: random.pick([[.ingress], [.egress], [.ingress, .egress]]),
            ingress: written(.ingress, using: &random), egress: written(.egress, using: &random))
    }

    // MARK: Staged

    /// Edits, deletions and additions beside `enforced`.
    mutating func staged(beside enforced: [Policy], using random: inout SplitMix64) -> [StagedPolicy] {
        let enforced = enforced.filter { ["NetworkPolicy", "GlobalNetworkPolicy"].contains($0.reference.kind) }
        return (0..<random.pick([0, 2, 4, 8, 12])).map { _ in
            let edited = random.chance(70) && !enforced.isEmpty
            let target = edited ? random.pick(enforced) : stageable(using: &random)
            var content = target
            switch random.number(0..<4) {
            // A small edit: one rule's action, or the place.
            case 0: content.order = random.pick([nil, -7, 1, 3, 11])
            case 1:
                for index in content.ingress.indices.prefix(1) { content.ingress[index].action = .deny }
                for index in content.egress.indices.prefix(1) { content.egress[index].action = .allow }
            case 2 where target.order != Policy.kubernetesOrder: content = self.content(of: target.reference, using: &random)
            default: break
            }
            let action = random.pick([StagedPolicy.Action.set, .set, .set, .delete, .delete, .learn, .ignore])
            if action == .delete { (content.ingress, content.egress) = ([], []) }
            return StagedPolicy(reference: Self.stagedReference(target.reference), action: action, policy: content)
        }
    }

    private static func stagedReference(_ enforced: PolicyReference) -> PolicyReference {
        if enforced.name.hasPrefix(Policy.kubernetesPrefix) {
            let name = String(enforced.name.dropFirst(Policy.kubernetesPrefix.count))
            return PolicyReference(kind: "StagedKubernetesNetworkPolicy", namespace: enforced.namespace, name: name)
        }
        return PolicyReference(kind: "Staged" + enforced.kind, namespace: enforced.namespace, name: enforced.name)
    }

    // MARK: Profiles

    mutating func profiles(using random: inout SplitMix64) -> [Profile] {
        let scope = RuleGenerator.Scope(namespace: nil, namespaces: namespaces)
        return PeerGenerator.profileNames.map { name in
            var profile = Profile(name: name, labels: LabelGenerator.profileLabels(using: &random))
            for direction in Direction.allCases {
                var list = ruleList(direction, scope, using: &random)
                if name == "guests" { list.append(PolicyRule(action: .pass)) }
                if name == "open" { list.append(PolicyRule(action: .allow)) }
                if name == "closed" { list.append(PolicyRule(action: .deny)) }
                if name == "chatty" { list.insert(PolicyRule(action: .log), at: 0) }
                if direction == .ingress { profile.ingress = list } else { profile.egress = list }
            }
            return profile
        }
    }
}
