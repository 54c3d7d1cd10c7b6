import PolicyModel

extension VerdictCompiler {
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
        for number in newCombinations { fillSets(number) }
        changeSets(begun: endpointSetsBegun, ended: endpointSetsEnded)
        identities.updatePrefixes(&tables, work: &lastWork)
        for address in touchedAddresses { updateIdentity(address) }
    }

    private mutating func fillSets(_ number: Int) {
        guard let labels = combinations[number]?.labels else { return }
        var members: [SetNumber] = []
        for set in sets.candidates(labels) where matches(number, set) { members.append(set) }
        combinations[number]?.sets = members.sorted()
        combinations[number]?.identity = nil
    }

    /// Takes sets in and out of the combinations that were there before.
    private mutating func changeSets(begun: [SetNumber], ended: Set<SetNumber>) {
        let isNew = Set(newCombinations)
        let old = combinations.indices.filter { combinations[$0] != nil && !isNew.contains($0) }
        var gained: [Int: [SetNumber]] = [:]
        for set in begun {
            let label = sets[set]?.selector.requiredLabel
            let candidates = label.map { Array(combinationsByLabel[$0] ?? []) } ?? old
            for number in candidates where !isNew.contains(number) && matches(number, set) {
                gained[number, default: []].append(set)
            }
        }
        guard !ended.isEmpty || !gained.isEmpty else { return }
        for number in old {
            guard let before = combinations[number]?.sets else { continue }
            var members = ended.isEmpty ? before : before.filter { !ended.contains($0) }
            if let more = gained[number] { members = (members + more).sorted() }
            guard members != before else { continue }
            combinations[number]?.sets = members
            combinations[number]?.identity = nil
            for endpoint in combinations[number]?.endpoints ?? [] {
                touchedAddresses.formUnion(world.endpoints[endpoint]?.addresses ?? [])
            }
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
}
