import PolicyModel

/// Stacks that the result uses now and did not before, and the other way round.
struct StackChanges {
    var begun: Set<StackID>
    var ended: Set<StackID>
}

extension VerdictCompiler {
    /// Gives every address of every local endpoint its stacks.
    mutating func updateLegs() -> StackChanges {
        var legs: [Leg: VerdictTables.LegStacks] = [:]
        legs.reserveCapacity(tables.legs.count)
        var used: Set<StackID> = []
        for key in localEndpoints.sorted() {
            guard let endpoint = world.endpoints[key], let combination = endpointCombinations[key] else { continue }
            for address in endpoint.addresses {
                let ingress = stack(combination, address, .ingress)
                let egress = stack(combination, address, .egress)
                used.insert(ingress)
                used.insert(egress)
                legs[Leg(endpoint: key, address: address)] = VerdictTables.LegStacks(ingress: ingress, egress: egress)
            }
        }
        if legs != tables.legs { tables.legs = legs }
        let before = Set(tables.stacks.keys)
        return StackChanges(begun: used.subtracting(before), ended: before.subtracting(used))
    }

    private mutating func stack(_ combination: Int, _ address: IPAddress, _ direction: Direction) -> StackID {
        let selection = selection(combination, direction)
        if let known = selection.stacks[address.version] { return known }
        var tiers: [StackContent.TierContent] = []
        for tier in selection.tiers {
            let policies = tier.policies.compactMap { residual($0, address, direction) }
            tiers.append(
                StackContent.TierContent(name: tier.name, defaultAction: tier.defaultAction, policies: policies))
        }
        let key = combinations[combination]?.key
        let profile = key.flatMap { $0.namespaceExists ? "kns.\($0.namespace)" : nil }
        let number = intern(StackContent(version: address.version, tiers: tiers, profile: profile))
        if !selection.dependsOnAddress {
            combinations[combination]?.selections[Int(direction.rawValue)]?.stacks[address.version] = number
        }
        return number
    }

    private mutating func intern(_ content: StackContent) -> StackID {
        let (number, isNew) = stackContents.intern(content)
        guard isNew else { return number }
        lastWork.stacksCompiled += 1
        lastWork.rowsBuilt += 1
        let residuals = residuals
        compiledStacks[number] = CompiledStack(content, residuals: { residuals.contents[$0] }, rows: &rows)
        return number
    }

    private mutating func residual(
        _ reference: PolicyReference, _ address: IPAddress, _ direction: Direction
    ) -> ResidualID? {
        guard let policy = policies[reference] else { return nil }
        let version = address.version
        let rules = policy.rules(direction)
        let localSides =
            policy.dependsOnAddress(direction) ? rules.map { holds($0.local, address) } : []
        let key = ResidualKey(
            policyRevision: policy.revision, direction: direction, version: version, localSides: localSides)
        if let known = residualNumbers[key] { return known }
        var left: [ResidualRule] = []
        for (position, rule) in rules.enumerated() where localSides.isEmpty || localSides[position] {
            guard rule.local.exists(version), rule.peer.exists(version) else { continue }
            left.append(
                ResidualRule(
                    index: rule.index, action: rule.action, ports: rule.ports, peers: rule.peer.conditions(version)))
        }
        let number = residuals.intern(ResidualPolicy(reference: reference, rules: left)).number
        residualNumbers[key] = number
        return number
    }

    private mutating func holds(_ side: CompiledSide, _ address: IPAddress) -> Bool {
        for set in side.conditions(address.version) where !contains(set, address) { return false }
        return side.exists(address.version)
    }
}
