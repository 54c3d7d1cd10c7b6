import PolicyModel

/// What a policy's selectors and port names pick in a world.
struct PeerChecks {
    let policy: Policy
    let world: LintWorld
    private let object: LintObject

    init(policy: Policy, world: LintWorld) {
        self.policy = policy
        self.world = world
        object = LintObject(policy.reference)
    }

    func findings() -> [LintFinding] {
        guard world.hasWorkloads else { return [] }
        var findings: [LintFinding] = []
        if world.first(matching: PolicyPlaces.subject(of: policy), where: { $0.networkSet == nil }) == nil {
            findings.append(
                LintFinding(.selectsNothing, object, policy.subjectPath, "it applies to no workload that is here: compare its labels with theirs"))
        }
        for direction in Direction.allCases {
            for (position, rule) in policy.rules(direction).enumerated() {
                let path = "spec.\(direction.word)[\(rule.writtenIndex ?? position)]"
                for (side, entity) in [("source", rule.source), ("destination", rule.destination)] {
                    // What was written for these kinds is spread over rules: the path of the rule says where.
                    let place = rule.writtenIndex == nil ? "\(path).\(side)" : path
                    findings += peer(entity, rule, place)
                    findings += names(entity, place)
                }
            }
        }
        return findings
    }

    private func peer(_ entity: EntityRule, _ rule: PolicyRule, _ path: String) -> [LintFinding] {
        guard let picked = RuleBox.picked(by: entity, in: policy.namespace), !LabelFormula.asksForMore(picked) else { return [] }
        if world.first(matching: picked) == nil {
            if let namespace = policy.namespace, entity.namespaceSelector == nil, let selector = entity.selector,
                let member = world.first(matching: LabelFormula.selector(selector), where: { $0.networkSet == nil })
            {
                let other = member.labels[SystemLabels.namespace] ?? ""
                return [
                    LintFinding(
                        .ownNamespace, object, "\(path).selector",
                        "in a NetworkPolicy a selector alone means the policy's own namespace (\(namespace)), where it matches nobody; it "
                            + "matches workloads of \(other): add namespaceSelector, all() for every namespace")
                ]
            }
            return [
                LintFinding(
                    .peerSelectsNothing, object, path,
                    "no workload and no network set here has what this side asks for: the rule matches nothing until one has")
            ]
        }
        guard rule.action == .allow, Self.meansAll(entity), let set = world.first(matching: picked, where: { $0.networkSet != nil }),
            let name = set.networkSet
        else { return [] }
        return [
            LintFinding(
                .allMeansNetworkSets, object, path,
                "all() is met by network sets too: this allows the addresses of \(name); write has(\(SystemLabels.orchestrator)) for "
                    + "workloads alone")
        ]
    }

    private static func meansAll(_ entity: EntityRule) -> Bool {
        guard entity.nets.isEmpty, entity.notSelector == nil, entity.serviceAccounts == nil else { return false }
        guard entity.namespaceSelector != nil else { return entity.selector == .all }
        return entity.namespaceSelector == .matching(.all) && (entity.selector ?? .all) == .all
    }

    private func names(_ entity: EntityRule, _ path: String) -> [LintFinding] {
        (entity.namedPorts.map { ("ports", $0) } + entity.notNamedPorts.map { ("notPorts", $0) }).compactMap { member, name in
            guard !world.portNames.contains(name) else { return nil }
            return LintFinding(
                .unknownPortName, object, path,
                "\(member): no workload here gives a port the name \(name), so that it means no port")
        }
    }
}
