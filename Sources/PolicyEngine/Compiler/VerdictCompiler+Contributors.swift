import PolicyModel

extension VerdictCompiler {
    // MARK: Objects

    mutating func set(_ endpoint: WorkloadEndpoint?, _ key: EndpointKey) {
        guard world.endpoints[key] != endpoint else { return }
        let admissions = world.endpoints[key]?.admissions
        world.endpoints[key] = endpoint
        lastWork.endpointsChanged += 1
        let known = endpointMembers[key]
        guard let endpoint else {
            if let known { remove(known) }
            endpointMembers[key] = nil
            return
        }
        let contributor = join(.endpoint(EndpointTraits(endpoint)))
        let number = place(known, in: contributor, hosts: endpoint.addresses, blocks: [], endpoint: key)
        if known == nil { endpointMembers[key] = number }
        updateLocality(number)
        if admissions != endpoint.admissions, members[Int(number)].isLocal { pending.dirtyMembers.insert(number) }
    }

    mutating func set(_ networkSet: NetworkSet?, _ name: NamespacedName) {
        guard world.networkSets[name] != networkSet else { return }
        world.networkSets[name] = networkSet
        let known = networkSetMembers[name]
        guard let networkSet else {
            if let known { remove(known) }
            networkSetMembers[name] = nil
            return
        }
        let (hosts, blocks) = Member.split(networkSet.nets)
        let contributor = join(.networkSet(namespace: networkSet.namespace, labels: networkSet.labels))
        let number = place(known, in: contributor, hosts: hosts, blocks: blocks, endpoint: nil)
        if known == nil { networkSetMembers[name] = number }
    }

    mutating func set(_ slice: EndpointSlice?, _ name: NamespacedName) {
        guard world.endpointSlices[name] != slice else { return }
        world.endpointSlices[name] = slice
        let known = sliceMembers[name]
        guard let slice, !slice.service.isEmpty else {
            if let known { remove(known) }
            sliceMembers[name] = nil
            return
        }
        let service = NamespacedName(namespace: slice.namespace, name: slice.service)
        let ports = Set(slice.ports.map { PortVariant(transport: $0.transport, port: $0.port) }).sorted()
        let contributor = join(.slice(service: service, ports: ports))
        let number = place(known, in: contributor, hosts: slice.addresses, blocks: [], endpoint: nil)
        if known == nil { sliceMembers[name] = number }
    }

    /// The blocks of a rule come into use, or go out of it.
    mutating func setNets(_ set: SetNumber, _ blocks: [AddressBlock], inUse: Bool) {
        if let known = netsMembers.removeValue(forKey: set) {
            let contributor = members[Int(known)].contributor
            remove(known)
            pending.unsettled.remove(contributor)
            end(contributor)
        }
        guard inUse else { return }
        let (hosts, blocks) = Member.split(blocks)
        let contributor = join(.nets(set))
        contributors[Int(contributor)].sets = [set]
        netsMembers[set] = place(nil, in: contributor, hosts: hosts, blocks: blocks, endpoint: nil)
    }

    // MARK: Members

    /// Makes a member, or gives a known one a contributor and addresses.
    private mutating func place(
        _ known: Int32?, in contributor: Int32, hosts: [IPAddress], blocks: [AddressBlock], endpoint: EndpointKey?
    ) -> Int32 {
        let number: Int32
        if let known {
            number = known
            let old = members[Int(known)]
            if old.contributor == contributor {
                changeAddresses(of: known, hosts: hosts, blocks: blocks)
                return known
            }
            withdraw(known)
            leave(known)
        } else if let free = freeMembers.popLast() {
            number = free
        } else {
            number = Int32(members.count)
            members.append(
                Member(contributor: 0, position: 0, hosts: [], blocks: [], endpoint: nil, isLocal: false))
        }
        members[Int(number)].contributor = contributor
        members[Int(number)].hosts = hosts
        members[Int(number)].blocks = blocks
        members[Int(number)].endpoint = endpoint
        members[Int(number)].position = Int32(contributors[Int(contributor)].members.count)
        contributors[Int(contributor)].members.append(number)
        if members[Int(number)].isLocal {
            beginLocal(contributor)
            pending.dirtyMembers.insert(number)
        }
        for host in hosts { self[host.version].claim(host, contributor) }
        for block in blocks { self[block.version].prefixes.mention(block, contributor) }
        if !blocks.isEmpty { pending.blocksChanged = true }
        return number
    }

    private mutating func changeAddresses(of number: Int32, hosts: [IPAddress], blocks: [AddressBlock]) {
        let old = members[Int(number)]
        let contributor = old.contributor
        if old.hosts != hosts {
            let (ended, begun) = Self.withoutCommonEnds(old.hosts, hosts)
            let (before, after) = (Set(ended), Set(begun))
            // Claims are counted: a repeated address is claimed as often.
            let isSimple = before.count == ended.count && after.count == begun.count
            for host in ended where !isSimple || !after.contains(host) { self[host.version].unclaim(host, contributor) }
            for host in begun where !isSimple || !before.contains(host) { self[host.version].claim(host, contributor) }
            members[Int(number)].hosts = hosts
            if old.isLocal { pending.dirtyMembers.insert(number) }
        }
        if old.blocks != blocks {
            let (ended, begun) = Self.withoutCommonEnds(old.blocks, blocks)
            let (before, after) = (Set(ended), Set(begun))
            let isSimple = before.count == ended.count && after.count == begun.count
            for block in ended where !isSimple || !after.contains(block) {
                self[block.version].prefixes.endMention(block, contributor)
            }
            for block in begun where !isSimple || !before.contains(block) {
                self[block.version].prefixes.mention(block, contributor)
            }
            members[Int(number)].blocks = blocks
            pending.blocksChanged = true
        }
    }

    /// A list of many addresses mostly changes in one place.
    private static func withoutCommonEnds<Element: Equatable>(
        _ old: [Element], _ new: [Element]
    ) -> (old: ArraySlice<Element>, new: ArraySlice<Element>) {
        let shorter = min(old.count, new.count)
        var start = 0
        while start < shorter, old[start] == new[start] { start += 1 }
        var end = 0
        while end < shorter - start, old[old.count - 1 - end] == new[new.count - 1 - end] { end += 1 }
        return (old[start..<(old.count - end)], new[start..<(new.count - end)])
    }

    private mutating func remove(_ number: Int32) {
        if members[Int(number)].isLocal {
            members[Int(number)].isLocal = false
            endLocal(members[Int(number)].contributor)
            removeLegs(of: number)
            pending.dirtyMembers.remove(number)
        }
        withdraw(number)
        leave(number)
        members[Int(number)].hosts = []
        members[Int(number)].blocks = []
        freeMembers.append(number)
    }

    /// Takes a member's addresses back.
    private mutating func withdraw(_ number: Int32) {
        let member = members[Int(number)]
        for host in member.hosts { self[host.version].unclaim(host, member.contributor) }
        for block in member.blocks { self[block.version].prefixes.endMention(block, member.contributor) }
        if !member.blocks.isEmpty { pending.blocksChanged = true }
    }

    /// Takes a member out of its contributor, which ends with its last one.
    private mutating func leave(_ number: Int32) {
        let member = members[Int(number)]
        let contributor = Int(member.contributor)
        if member.isLocal { endLocal(member.contributor) }
        let last = contributors[contributor].members.removeLast()
        if last != number {
            contributors[contributor].members[Int(member.position)] = last
            members[Int(last)].position = member.position
        }
        if contributors[contributor].members.isEmpty { pending.unsettled.insert(member.contributor) }
    }

    /// An endpoint is this node's, or another's.
    mutating func updateLocality(_ number: Int32) {
        guard let key = members[Int(number)].endpoint, let endpoint = world.endpoints[key] else { return }
        let isLocal = endpoint.node.isEmpty || endpoint.node == node
        guard isLocal != members[Int(number)].isLocal else { return }
        members[Int(number)].isLocal = isLocal
        if isLocal {
            beginLocal(members[Int(number)].contributor)
            pending.dirtyMembers.insert(number)
        } else {
            endLocal(members[Int(number)].contributor)
            removeLegs(of: number)
            pending.dirtyMembers.remove(number)
        }
    }

    private mutating func beginLocal(_ contributor: Int32) {
        contributors[Int(contributor)].localMembers += 1
        if contributors[Int(contributor)].localMembers == 1 { pending.unselected.insert(contributor) }
    }

    private mutating func endLocal(_ contributor: Int32) {
        contributors[Int(contributor)].localMembers -= 1
        if contributors[Int(contributor)].localMembers == 0 { pending.unselected.insert(contributor) }
    }

    // MARK: Contributors

    private mutating func join(_ key: ContributorKey) -> Int32 {
        if let known = contributorNumbers[key] { return known }
        let contributor = Contributor(key: key, labels: LabelSet([:], texts: &texts))
        let number: Int32
        if let free = freeContributors.popLast() {
            number = free
            contributors[Int(free)] = contributor
        } else {
            number = Int32(contributors.count)
            contributors.append(contributor)
        }
        contributorNumbers[key] = number
        for profile in contributor.profiles { contributorsByProfile[profile, default: []].insert(number) }
        index(number, begins: true)
        countPorts(of: contributor, by: 1)
        pending.unsettled.insert(number)
        return number
    }

    private mutating func end(_ number: Int32) {
        let contributor = contributors[Int(number)]
        contributorNumbers[contributor.key] = nil
        for profile in contributor.profiles {
            contributorsByProfile[profile]?.remove(number)
            if contributorsByProfile[profile]?.isEmpty == true { contributorsByProfile[profile] = nil }
        }
        index(number, begins: false)
        countPorts(of: contributor, by: -1)
        contributors[Int(number)] = Contributor(key: .nets(-1), labels: LabelSet([:], texts: &texts))
        freeContributors.append(number)
    }

    private mutating func index(_ number: Int32, begins: Bool) {
        for anchor in contributors[Int(number)].anchors {
            if begins {
                contributorsByAnchor[anchor, default: []].insert(number)
            } else {
                contributorsByAnchor[anchor]?.remove(number)
                if contributorsByAnchor[anchor]?.isEmpty == true { contributorsByAnchor[anchor] = nil }
            }
        }
    }

    private mutating func countPorts(of contributor: Contributor, by amount: Int) {
        for port in contributor.ports {
            let variant = PortVariant(transport: port.transport, port: port.port)
            let before = namedPorts[port.name]?[variant] ?? 0
            namedPorts[port.name, default: [:]][variant] = before + amount == 0 ? nil : before + amount
            if before == 0 || before + amount == 0 { pending.portNames.insert(port.name) }
            if namedPorts[port.name]?.isEmpty == true { namedPorts[port.name] = nil }
        }
        guard case .slice(let service, let ports) = contributor.key else { return }
        for variant in ports {
            let before = servicePorts[service]?[variant] ?? 0
            servicePorts[service, default: [:]][variant] = before + amount == 0 ? nil : before + amount
            if before == 0 || before + amount == 0 { pending.services.insert(service) }
        }
        if servicePorts[service]?.isEmpty == true { servicePorts[service] = nil }
    }

    /// A profile, or the namespace or service account that brings it, is new, gone or different.
    ///
    /// - Parameter labelsOnly: its rules are the same.
    mutating func profileChanged(_ name: String, labelsOnly: Bool) {
        pending.unsettled.formUnion(contributorsByProfile[name] ?? [])
        guard !labelsOnly else { return }
        if let owner = ownerNumbers[.profile(name)] {
            pending.dirtyLocals.formUnion(owners[Int(owner)]?.users ?? [])
            removeOwner(owner)
        }
        for contributor in contributorsByProfile[name] ?? [] where locals[contributor] != nil {
            pending.dirtyLocals.insert(contributor)
        }
    }

    /// Gives contributors the labels that the world says, and the sets in use that they are in; ends those without a member.
    mutating func settleContributors() {
        for number in pending.unsettled.sorted() {
            let old = contributors[Int(number)]
            if case .nets(-1) = old.key { continue }
            if old.members.isEmpty {
                drop(local: number)
                end(number)
                pending.moved.remove(number)
                continue
            }
            lastWork.labelsSettled += 1
            let labels = LabelSet(world.effectiveLabels(old.key), texts: &texts)
            if labels != old.labels {
                if locals[number] != nil { indexLocal(number, begins: false) }
                index(number, begins: false)
                contributors[Int(number)].labels = labels
                index(number, begins: true)
                if locals[number] != nil { indexLocal(number, begins: true) }
                if old.localMembers > 0 { pending.unselected.insert(number) }
                // Local addresses may depend on labels that no peer is asked for.
                pending.moved.insert(number)
                if old.members.contains(where: { !members[Int($0)].blocks.isEmpty }) { pending.blocksChanged = true }
            }
            fillSets(number)
        }
        for number in pending.moved { touchAddresses(of: number) }
        pending.moved = []
    }

    private mutating func fillSets(_ number: Int32) {
        let contributor = contributors[Int(number)]
        if case .nets = contributor.key { return }
        var found: [SetNumber] = []
        for set in sets.candidates(contributor.anchors) where isIn(number, set) { found.append(set) }
        found.sort()
        guard found != contributor.sets else { return }
        contributors[Int(number)].sets = found
        contributors[Int(number)].identity = nil
        pending.moved.insert(number)
    }

    /// Whether a contributor's addresses are in a set.
    mutating func isIn(_ number: Int32, _ set: SetNumber) -> Bool {
        guard let record = sets[set] else { return false }
        lastWork.selectorEvaluations += 1
        return contributors[Int(number)].isIn(record, set, texts: texts)
    }

    mutating func touchAddresses(of number: Int32) {
        for member in contributors[Int(number)].members {
            for host in members[Int(member)].hosts { self[host.version].touch(host) }
            for block in members[Int(member)].blocks { self[block.version].prefixes.touch(block) }
        }
    }

    mutating func settleBlocks() {
        addressesV4.settleBlocks(&tables.prefixes, &lastChanges.prefixes, &uses, work: &lastWork)
        addressesV6.settleBlocks(&tables.prefixes, &lastChanges.prefixes, &uses, work: &lastWork)
    }

    mutating func updateIdentities() {
        for version in IPVersion.allCases {
            // Moved out and back: a copy would be made of what two hold.
            var space = AddressSpace(version)
            swap(&space, &self[version])
            space.updateBlocks(
                contributors, &identities, &tables.prefixes, &lastChanges.prefixes, &uses, work: &lastWork)
            space.updateAddresses(&contributors, &identities, &tables.exact, &lastChanges.exact, &uses, work: &lastWork)
            swap(&space, &self[version])
        }
    }
}
