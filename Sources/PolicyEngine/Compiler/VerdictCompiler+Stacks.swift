import PolicyModel

extension VerdictCompiler {
    /// Local addresses that are in other sets now, where that matters.
    mutating func findMovedLocals() {
        guard !addressDependent.isEmpty else { return }
        if pending.blocksChanged {
            pending.dirtyLocals.formUnion(addressDependent)
            return
        }
        let dependent = addressDependent
        var dirty: Set<Int32> = []
        for version in IPVersion.allCases {
            self[version].forEachTouched { claimants in
                claimants.forEach { if dependent.contains($0) { dirty.insert($0) } }
            }
        }
        pending.dirtyLocals.formUnion(dirty)
    }

    /// Gives the addresses of local endpoints their stacks, where these may have changed.
    mutating func updateLegs() {
        for contributor in pending.dirtyLocals.sorted() where locals[contributor] != nil {
            locals[contributor]?.stacks = [nil, nil, nil, nil]
            addressDependent.remove(contributor)
            for member in contributors[Int(contributor)].members where members[Int(member)].isLocal {
                pending.dirtyMembers.insert(member)
            }
        }
        for number in pending.dirtyMembers.sorted() where members[Int(number)].isLocal {
            let member = members[Int(number)]
            guard let endpoint = member.endpoint else { continue }
            var legs: [IPAddress] = []
            for address in member.hosts {
                let ingress = stack(member.contributor, address, .ingress)
                let egress = stack(member.contributor, address, .egress)
                setLeg(Leg(endpoint: endpoint, address: address), VerdictTables.LegStacks(ingress: ingress, egress: egress))
                legs.append(address)
            }
            for (address, stacks) in sharedLegs(of: member) where !legs.contains(address) {
                setLeg(Leg(endpoint: endpoint, address: address), stacks)
                legs.append(address)
            }
            for address in member.legs where !legs.contains(address) {
                setLeg(Leg(endpoint: endpoint, address: address), nil)
            }
            members[Int(number)].legs = legs
        }
    }

    /// For addresses that no object names, where the stacks of the endpoint's own are the same for every address.
    private func sharedLegs(of member: Member) -> [(address: IPAddress, stacks: VerdictTables.LegStacks)] {
        let stacks = locals[member.contributor]?.stacks
        let admitsSources = member.endpoint.flatMap { world.endpoints[$0] }?.admissions.sources.isEmpty == false
        var legs: [(address: IPAddress, stacks: VerdictTables.LegStacks)] = []
        for version in IPVersion.allCases where member.hosts.contains(where: { $0.version == version }) {
            let place = version == .v4 ? 0 : 1
            let (ingress, egress) = (stacks?[place], stacks?[place + 2])
            for kind in SharedLeg.allCases {
                // Nobody sends from a group, and nothing is sent to what is only admitted as a source.
                let both: (StackID?, StackID?) =
                    switch kind {
                    case .groups: (ingress, egress ?? ingress)
                    case .linkLocal: version == .v6 ? (ingress, egress) : (nil, nil)
                    case .otherSources: admitsSources ? (ingress ?? egress, egress) : (nil, nil)
                    }
                guard let ingress = both.0, let egress = both.1 else { continue }
                legs.append((kind.address(version), VerdictTables.LegStacks(ingress: ingress, egress: egress)))
            }
        }
        return legs
    }

    mutating func removeLegs(of number: Int32) {
        guard let endpoint = members[Int(number)].endpoint else { return }
        for address in members[Int(number)].legs { setLeg(Leg(endpoint: endpoint, address: address), nil) }
        members[Int(number)].legs = []
    }

    private mutating func setLeg(_ leg: Leg, _ stacks: VerdictTables.LegStacks?) {
        let old = tables.legs[leg]
        guard old != stacks else { return }
        tables.legs[leg] = stacks
        lastChanges.legs.insert(leg)
        if let old {
            stackUses.end(old.ingress)
            stackUses.end(old.egress)
        }
        if let stacks {
            stackUses.begin(stacks.ingress)
            stackUses.begin(stacks.egress)
        }
    }

    // MARK: Stacks

    private mutating func stack(_ contributor: Int32, _ address: IPAddress, _ direction: Direction) -> StackID {
        let version = address.version
        let place = 2 * Int(direction.rawValue) + (version == .v4 ? 0 : 1)
        if let known = locals[contributor]?.stacks[place] { return known }
        var dependsOnAddress = false
        var policies: [String: [(place: RuleOwner.Place, part: StackContent.PolicyPart)]] = [:]
        for number in locals[contributor]?.policies ?? [] {
            guard let place = owners[Int(number)]?.place, place.directions.contains(direction),
                world.tiers[place.tier] != nil
            else { continue }
            let residual = residual(number, contributor, address, direction, &dependsOnAddress)
            policies[place.tier, default: []].append((place, StackContent.PolicyPart(residual: residual, worlds: place.worlds)))
        }
        let tiers = policies.keys.compactMap { world.tiers[$0] }
            .sorted { PolicyOrder.isBefore($0.order, $0.name, $1.order, $1.name) }
            .map { tier in
                StackContent.TierContent(
                    name: tier.name, defaultAction: tier.defaultAction, denyAction: tier.denyAction,
                    policies: (policies[tier.name] ?? []).sorted { $0.place.isBefore($1.place) }.map(\.part))
            }
        var profiles: [ResidualID?] = []
        for name in contributors[Int(contributor)].profiles {
            guard let owner = owner(ofProfile: name) else {
                // It denies: what comes after it is never asked.
                profiles.append(nil)
                break
            }
            owners[Int(owner)]?.users.insert(contributor)
            profiles.append(residual(owner, contributor, address, direction, &dependsOnAddress))
        }
        let number = intern(StackContent(version: version, tiers: tiers, profiles: profiles))
        if dependsOnAddress {
            addressDependent.insert(contributor)
        } else {
            locals[contributor]?.stacks[place] = number
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
        _ number: Int32, _ contributor: Int32, _ address: IPAddress, _ direction: Direction,
        _ dependsOnAddress: inout Bool
    ) -> ResidualID {
        let version = address.version
        let subject = subject(of: contributor, for: number)
        readRules(number, subject, direction, version)
        guard let owner = owners[Int(number)], let compiled = owner[direction, version, subject] else {
            return residuals.intern(ResidualPolicy(owner: .profile(""), rules: [], denyAction: nil)).number
        }
        if !compiled.localSets.isEmpty { dependsOnAddress = true }
        let holds = compiled.localSets.map { isIn($0, address) }
        let key = ResidualKey(revision: owner.revision, direction: direction, version: version, subject: subject, holds: holds)
        if let known = residualNumbers[key] { return known }
        let left = compiled.rules.flatMap { rule in
            ResidualRule.left(of: rule) { set in holds[compiled.localSets.firstIndex(notBelow: set)] }
        }
        let residual = residuals.intern(
            ResidualPolicy(owner: owner.name, rules: left, denyAction: owner.denyAction)).number
        residualNumbers[key] = residual
        return residual
    }

    /// The labels of a local contributor with which the rules of an owner compare their peers.
    func subject(of contributor: Int32, for owner: Int32) -> SubjectValues {
        guard let keys = owners[Int(owner)]?.subjectKeys, !keys.isEmpty else { return [] }
        let labels = contributors[Int(contributor)].labels
        return keys.map { key in
            texts.number(of: key).flatMap { labels.value(of: $0) }.map { texts.texts[Int($0)] }
        }
    }

    private mutating func readRules(
        _ number: Int32, _ subject: SubjectValues, _ direction: Direction, _ version: IPVersion
    ) {
        guard var owner = owners[Int(number)], owner[direction, version, subject] == nil else { return }
        if !owner.isRead { lastWork.policiesRead += 1 }
        let (namedPorts, servicePorts) = (namedPorts, servicePorts)
        let compilation = RuleCompilation(
            direction: direction, version: version, namespace: owner.namespace,
            namedPorts: { namedPorts[$0]?.keys.sorted() ?? [] },
            servicePorts: { servicePorts[$0]?.keys.sorted() ?? [] })
        let comparison = subject.isEmpty ? nil : SubjectComparison(keys: owner.subjectKeys, values: subject)
        var rules: [CompiledRule] = []
        for (position, written) in (direction == .ingress ? owner.ingress : owner.egress).enumerated() {
            let rule = comparison?.resolved(written) ?? written
            let compiled = compilation.compile(rule, position: position) { sets.intern($0, texts: &texts) }
            if let compiled { rules.append(compiled) }
        }
        let localSets = Set(rules.flatMap(\.localSets)).sorted()
        owner[direction, version, subject] = RuleOwner.CompiledRules(rules: rules, localSets: localSets)
        owners[Int(number)] = owner
    }

    /// Whether anybody who has the address is in the set, or a block of the set holds it.
    private mutating func isIn(_ set: SetNumber, _ address: IPAddress) -> Bool {
        guard let record = sets[set] else { return false }
        if case .nets(let blocks) = record.expression { return blocks.contains { $0.contains(address) } }
        let (contributors, texts) = (contributors, texts)
        var asked = 0
        let result = self[address.version].contains(address) { contributor in
            asked += 1
            return contributors[Int(contributor)].isIn(record, set, texts: texts)
        }
        lastWork.selectorEvaluations += asked
        return result
    }
}
