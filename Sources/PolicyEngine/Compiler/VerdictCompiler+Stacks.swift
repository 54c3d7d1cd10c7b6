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

    // MARK: Memberships

    /// Brings the use of sets, and with them every identity, up to date. The stacks must be known.
    mutating func updateUsedSets(_ changes: StackChanges) {
        for stack in changes.begun { compiledStacks[stack]?.sets.forEach { sets.beginUse($0) } }
        for stack in changes.ended { compiledStacks[stack]?.sets.forEach { sets.endUse($0) } }
    }

    mutating func updateMemberships() {
        let changes = sets.takeChanges()
        var endpointSetsBegun: [SetNumber] = []
        var endpointSetsEnded: Set<SetNumber> = []
        for set in changes.begun {
            guard let record = sets[set] else { continue }
            switch record.expression {
            case .endpoints: endpointSetsBegun.append(set)
            case .nets(let blocks): touchedAddresses.formUnion(identities.change(blocks, of: set, begins: true))
            }
        }
        for set in changes.ended {
            guard let record = sets[set] else { continue }
            switch record.expression {
            case .endpoints: endpointSetsEnded.insert(set)
            case .nets(let blocks): touchedAddresses.formUnion(identities.change(blocks, of: set, begins: false))
            }
        }
        let isNew = Set(newCombinations)
        for number in newCombinations { fillSets(number, endpointSetsBegun: Array(sets.endpointSetsInUse)) }
        if !endpointSetsBegun.isEmpty || !endpointSetsEnded.isEmpty {
            for number in combinations.indices where combinations[number] != nil && !isNew.contains(number) {
                changeSets(number, begun: endpointSetsBegun, ended: endpointSetsEnded)
            }
        }
        identities.updatePrefixes(&tables, work: &lastWork)
        for address in touchedAddresses { updateIdentity(address) }
    }

    private mutating func fillSets(_ number: Int, endpointSetsBegun: [SetNumber]) {
        var members: [SetNumber] = []
        for set in endpointSetsBegun where matches(number, set) { members.append(set) }
        combinations[number]?.sets = members.sorted()
        combinations[number]?.identity = nil
    }

    private mutating func changeSets(_ number: Int, begun: [SetNumber], ended: Set<SetNumber>) {
        guard let before = combinations[number]?.sets else { return }
        var members = ended.isEmpty ? before : before.filter { !ended.contains($0) }
        for set in begun where matches(number, set) { members.append(set) }
        members.sort()
        guard members != before else { return }
        combinations[number]?.sets = members
        combinations[number]?.identity = nil
        for endpoint in combinations[number]?.endpoints ?? [] {
            touchedAddresses.formUnion(world.endpoints[endpoint]?.addresses ?? [])
        }
    }

    private mutating func updateIdentity(_ address: IPAddress) {
        lastWork.addressesVisited += 1
        let claimants = Set((claims[address] ?? []).compactMap { endpointCombinations[$0] })
        let hosts = identities.hostSets(address)
        let part: IdentityID
        if hosts.isEmpty, claimants.count <= 1 {
            part = claimants.first.map { identity($0) } ?? .none
        } else {
            var members = Set(hosts)
            for combination in claimants { members.formUnion(combinations[combination]?.sets ?? []) }
            part = identities.intern(members.sorted(), work: &lastWork)
        }
        identities.set(address, exact: part, &tables)
    }

    private mutating func identity(_ combination: Int) -> IdentityID {
        if let known = combinations[combination]?.identity { return known }
        let number = identities.intern(combinations[combination]?.sets ?? [], work: &lastWork)
        combinations[combination]?.identity = number
        return number
    }

    // MARK: Pairs

    /// Gives every stack in use a row for every identity that some address has, where it differs from the base.
    mutating func updatePairs(_ changes: StackChanges) {
        for stack in changes.ended {
            guard let old = tables.stacks.removeValue(forKey: stack) else { continue }
            rows.endUse(old.base)
            for row in old.pairs.values { rows.endUse(row) }
        }
        for version in IPVersion.allCases {
            let identityChanges = identities.takeChanges(version)
            guard !identityChanges.begun.isEmpty || !identityChanges.ended.isEmpty else { continue }
            for stack in Array(tables.stacks.keys) where stackContents.contents[stack]?.version == version {
                for identity in identityChanges.ended {
                    guard tables.stacks[stack]?.pairs[identity] != nil else { continue }
                    if let row = tables.stacks[stack]?.pairs.removeValue(forKey: identity) { rows.endUse(row) }
                }
                addPairs(stack, identityChanges.begun)
            }
        }
        for stack in changes.begun.sorted() {
            guard let compiled = compiledStacks[stack], let content = stackContents.contents[stack] else { continue }
            rows.beginUse(compiled.baseRow)
            tables.stacks[stack] = Stack(base: compiled.baseRow, pairs: [:])
            addPairs(stack, identities.identities(content.version))
        }
    }

    private mutating func addPairs(_ stack: StackID, _ added: [Identity]) {
        guard let compiled = compiledStacks[stack], !compiled.peerSets.isEmpty else { return }
        // Identities often differ only in sets that the stack does not ask for.
        var built: [[Int]: RowID?] = [:]
        var pairs: [(Identity, RowID)] = []
        for identity in added {
            let matching = compiled.matchingRules(
                exact: identities.sets(identity.exact), prefix: identities.sets(identity.prefix))
            guard !matching.isEmpty else { continue }
            let row: RowID?
            if let known = built[matching] {
                row = known
            } else {
                lastWork.rowsBuilt += 1
                row = compiled.pairRow(matching, rows: &rows)
                built[matching] = .some(row)
            }
            guard let row else { continue }
            rows.beginUse(row)
            pairs.append((identity, row))
        }
        guard !pairs.isEmpty else { return }
        for (identity, row) in pairs { tables.stacks[stack]?.pairs[identity] = row }
    }
}
