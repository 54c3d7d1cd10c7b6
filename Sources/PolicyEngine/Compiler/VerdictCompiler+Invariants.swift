import PolicyModel

extension VerdictCompiler {
    /// Checks the last result and everything remembered against each other; returns a sentence for each thing that is wrong.
    ///
    /// Slow: evaluates every selector against every endpoint anew. For tests.
    public func checkInvariants() -> [String] {
        var wrong: [String] = []
        wrong += stackContents.checkInvariants("stacks")
        wrong += residuals.checkInvariants("residual policies")
        wrong += identities.combinations.checkInvariants("identities")
        wrong += rows.checkInvariants()
        wrong += sets.checkInvariants()
        var combinations: Set<Identity> = []
        wrong += addressesV4.checkInvariants(&combinations) + addressesV6.checkInvariants(&combinations)
        if combinations != uses.combinations { wrong.append("combinations of both parts are not those that addresses have") }
        wrong += checkContributors()
        wrong += checkPolicies()
        wrong += checkReferences()
        wrong += checkRows()
        wrong += checkAddresses()
        wrong += checkPairs()
        return wrong
    }

    /// The tables hold what they name, and nothing else.
    private func checkReferences() -> [String] {
        var wrong: [String] = []
        let stacksNamed = Set(tables.legs.values.flatMap { [$0.ingress, $0.egress] })
        if stacksNamed != Set(tables.stacks.keys) { wrong.append("stacks are not those that legs name") }
        var rowsNamed: Set<RowID> = []
        for stack in tables.stacks.values {
            rowsNamed.insert(stack.base)
            rowsNamed.formUnion(stack.pairs.values)
            if stack.combined.values.contains(where: \.isEmpty) { wrong.append("a stack has a prefix without combinations") }
        }
        var decisionsNamed: Set<DecisionID> = []
        for row in rowsNamed {
            for range in tables.rows[row]?.ranges ?? [] {
                if case .sourcePorts(let inner) = range.outcome { rowsNamed.insert(inner) }
            }
        }
        for row in rowsNamed {
            for range in tables.rows[row]?.ranges ?? [] {
                if case .decide(let decision) = range.outcome { decisionsNamed.insert(decision) }
            }
        }
        if rowsNamed != Set(tables.rows.keys) { wrong.append("rows are not those that stacks name") }
        if decisionsNamed != Set(tables.decisions.keys) { wrong.append("decisions are not those that rows name") }
        var legs: Set<Leg> = []
        for (key, endpoint) in world.endpoints where endpoint.node.isEmpty || endpoint.node == node {
            for address in endpoint.addresses { legs.insert(Leg(endpoint: key, address: address)) }
        }
        let shared = tables.legs.keys.filter { !legs.contains($0) }
        if !legs.isSubset(of: tables.legs.keys) || shared.contains(where: { leg in
            SharedLeg(standingFor: leg.address) == nil || !legs.contains { $0.endpoint == leg.endpoint && $0.address.version == leg.address.version }
        }) {
            wrong.append("legs are not the addresses of local endpoints and those that stand for others")
        }
        return wrong
    }

    private func checkRows() -> [String] {
        var wrong: [String] = []
        let bases = Set(tables.stacks.values.map(\.base))
        for (id, row) in tables.rows {
            if row.ranges.first?.start != 0 { wrong.append("row \(id.rawValue) does not start at 0") }
            for (left, right) in zip(row.ranges, row.ranges.dropFirst()) {
                if left.start >= right.start { wrong.append("row \(id.rawValue) is not sorted") }
                if left.outcome == right.outcome { wrong.append("row \(id.rawValue) has equal neighbours") }
            }
            if row.ranges.contains(where: { $0.start >= KeySet.keyEnd }) {
                wrong.append("row \(id.rawValue) has a range that no packet reaches")
            }
            if bases.contains(id), row.ranges.contains(where: { $0.outcome == .inherit }) {
                wrong.append("base row \(id.rawValue) inherits")
            }
            for range in row.ranges {
                guard case .sourcePorts(let inner) = range.outcome else { continue }
                for innerRange in tables.rows[inner]?.ranges ?? [] {
                    guard case .decide = innerRange.outcome else {
                        wrong.append("source port row \(inner.rawValue) does not decide")
                        continue
                    }
                }
            }
        }
        return wrong
    }

    /// Contributors, their members, and what finds them.
    private func checkContributors() -> [String] {
        var wrong: [String] = []
        var membersSeen = 0
        for (key, number) in contributorNumbers {
            let contributor = contributors[Int(number)]
            if contributor.key != key { wrong.append("a contributor is known by another key") }
            if contributor.members.isEmpty { wrong.append("a contributor has no member") }
            membersSeen += contributor.members.count
            for (position, member) in contributor.members.enumerated()
            where members[Int(member)].contributor != number || members[Int(member)].position != Int32(position) {
                wrong.append("a member does not know its contributor")
            }
            if contributor.localMembers != contributor.members.count(where: { members[Int($0)].isLocal }) {
                wrong.append("local members are counted wrongly")
            }
            if (contributor.localMembers > 0) != (locals[number] != nil) { wrong.append("a local contributor is not known") }
            var freshTexts = texts
            let fresh = LabelSet(world.effectiveLabels(key), texts: &freshTexts)
            if contributor.labels != fresh { wrong.append("a contributor has other labels than the world says") }
            for anchor in contributor.anchors where contributorsByAnchor[anchor]?.contains(number) != true {
                wrong.append("a contributor is not found at its anchor")
            }
        }
        let numbered = endpointMembers.count + networkSetMembers.count + sliceMembers.count + netsMembers.count
        if membersSeen != numbered { wrong.append("members are lost or left over") }
        if Set(endpointMembers.keys) != Set(world.endpoints.keys) { wrong.append("endpoints are not the world's") }
        if Set(networkSetMembers.keys) != Set(world.networkSets.keys) { wrong.append("network sets are not the world's") }
        return wrong
    }

    /// Who selects whom, evaluated anew.
    private func checkPolicies() -> [String] {
        var wrong: [String] = []
        for (source, number) in ownerNumbers {
            guard let owner = owners[Int(number)], owner.source == source else {
                wrong.append("\(source) is known by another number")
                continue
            }
            guard let place = owner.place else { continue }
            let expected = locals.keys.filter { place.selector.matches(contributors[Int($0)].labels, texts: texts) }
            if owner.users != Set(expected) { wrong.append("\(source) selects others than it says") }
            for user in owner.users where locals[user]?.policies.contains(number) != true {
                wrong.append("\(source) is not known to whom it selects")
            }
            if case .enforced(let reference) = source {
                let isTarget = world.staged.values.contains { $0.action != .ignore && $0.policy.reference == reference }
                if place.worlds != (isTarget ? .enforced : .both) { wrong.append("\(source) takes part in the wrong evaluations") }
            }
        }
        let policyCount = ownerNumbers.keys.count { if case .profile = $0 { false } else { true } }
        let staged = world.staged.values.count { $0.action == .set || $0.action == .learn }
        if policyCount != world.policies.count + staged { wrong.append("policies are lost or left over") }
        if locals.values.reduce(0, { $0 + $1.policies.count })
            != owners.reduce(0, { $0 + ($1?.place == nil ? 0 : $1?.users.count ?? 0) })
        {
            wrong.append("a local contributor knows a policy that does not select it")
        }
        return wrong
    }

    /// Every address's identity is what its sets, evaluated anew, give.
    private func checkAddresses() -> [String] {
        var wrong: [String] = []
        var hosts: [IPAddress: Set<SetNumber>] = [:]
        var blocks: [AddressBlock: Set<SetNumber>] = [:]
        let used = Set(tables.stacks.keys.flatMap { compiledStacks[$0]?.sets ?? [] })
        for set in used {
            guard let record = sets[set] else {
                wrong.append("set \(set) is used but not known")
                continue
            }
            let users = tables.stacks.keys.count { compiledStacks[$0]?.sets.contains(set) == true }
            if record.uses != users { wrong.append("set \(set) counts its stacks wrongly") }
            if case .nets(let nets) = record.expression {
                note(set, nets: nets, &hosts, &blocks)
                continue
            }
            for endpoint in world.endpoints.values {
                guard isFresh(.endpoint(EndpointTraits(endpoint)), in: record, set) else { continue }
                for address in endpoint.addresses { hosts[address, default: []].insert(set) }
            }
            for networkSet in world.networkSets.values {
                let key = ContributorKey.networkSet(namespace: networkSet.namespace, labels: networkSet.labels)
                if isFresh(key, in: record, set) { note(set, nets: networkSet.nets, &hosts, &blocks) }
            }
            for slice in world.endpointSlices.values where !slice.service.isEmpty {
                let ports = slice.ports.map { PortVariant(transport: $0.transport, port: $0.port) }
                let service = NamespacedName(namespace: slice.namespace, name: slice.service)
                guard isFresh(.slice(service: service, ports: ports), in: record, set) else { continue }
                for address in slice.addresses { hosts[address, default: []].insert(set) }
            }
        }
        if Set(tables.exact.keys) != Set(hosts.keys) { wrong.append("exact addresses are not those in sets") }
        for (address, identity) in tables.exact where identities.sets(identity) != hosts[address]?.sorted() {
            wrong.append("identity \(identity.rawValue) does not hold the sets of an address that has it")
        }
        if Set(tables.prefixes.keys) != Set(blocks.keys) { wrong.append("prefixes are not those in sets") }
        for (block, identity) in tables.prefixes {
            let covering = blocks.filter { $0.key.contains(block) }.values.reduce(into: Set()) { $0.formUnion($1) }
            if identities.sets(identity) != covering.sorted() {
                wrong.append("identity \(identity.rawValue) does not hold the sets of a prefix that has it")
            }
        }
        return wrong
    }

    private func note(
        _ set: SetNumber, nets: [AddressBlock], _ hosts: inout [IPAddress: Set<SetNumber>],
        _ blocks: inout [AddressBlock: Set<SetNumber>]
    ) {
        for block in nets {
            if block.prefixLength == block.version.width {
                hosts[block.address, default: []].insert(set)
            } else {
                blocks[block, default: []].insert(set)
            }
        }
    }

    private func isFresh(_ key: ContributorKey, in record: AddressSetTable.Record, _ set: SetNumber) -> Bool {
        var freshTexts = texts
        let labels = LabelSet(world.effectiveLabels(key), texts: &freshTexts)
        return Contributor(key: key, labels: labels).isIn(record, set, texts: freshTexts)
    }

    /// Rows above the base are exactly those of identities that some address has, where they differ from what is beneath, and
    /// together they decide as the rows of whole identities do.
    private func checkPairs() -> [String] {
        var wrong: [String] = []
        var possible: Set<Identity> = []
        for (address, exact) in tables.exact {
            let longest = tables.prefixes.keys.filter { $0.contains(address) }.max { $0.prefixLength < $1.prefixLength }
            possible.insert(Identity(exact: exact, prefix: longest.flatMap { tables.prefixes[$0] } ?? .none))
        }
        if Set(tables.exact.values) != Set(uses.exact.counts.keys) { wrong.append("exact identities in use are not the addresses'") }
        if Set(tables.prefixes.values) != Set(uses.prefixes.counts.keys) { wrong.append("prefix identities in use are not the blocks'") }
        if possible.filter({ $0.prefix != .none }) != uses.combinations { wrong.append("combinations are not the addresses'") }
        for exact in tables.exact.values { possible.insert(Identity(exact: exact, prefix: .none)) }
        for prefix in tables.prefixes.values { possible.insert(Identity(exact: .none, prefix: prefix)) }
        for (id, stack) in tables.stacks {
            guard let compiled = compiledStacks[id] else {
                wrong.append("stack \(id.rawValue) is used but not known")
                continue
            }
            var store = rows
            func whole(_ identity: Identity) -> Row? {
                let held = compiled.held(
                    exact: identities.sets(identity.exact), prefix: identities.sets(identity.prefix))
                return compiled.pairRow(held, rows: &store).flatMap { store.rows.contents[$0] }
            }
            var named = stack.pairs
            for identity in possible {
                let isCombined = identity.exact != .none && identity.prefix != .none
                let (upper, lower) = (
                    whole(Identity(exact: identity.exact, prefix: .none)), whole(Identity(exact: .none, prefix: identity.prefix)))
                let isAsStacked = isCombined && Row.isStacked(upper, on: lower, as: whole(identity))
                let expected = isAsStacked ? nil : whole(identity) ?? (isCombined ? store.rows.contents[compiled.baseRow] : nil)
                if named.removeValue(forKey: identity).flatMap({ tables.rows[$0] }) != expected {
                    wrong.append("stack \(id.rawValue) has another row for \(identity) than its rules give")
                }
            }
            if !named.isEmpty { wrong.append("stack \(id.rawValue) has rows for identities that nobody has") }
        }
        return wrong
    }
}
