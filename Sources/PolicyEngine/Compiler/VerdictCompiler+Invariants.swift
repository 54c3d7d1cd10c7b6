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
        wrong += rows.rows.checkInvariants("rows")
        wrong += rows.decisions.checkInvariants("decisions")
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
        for key in localEndpoints {
            for address in world.endpoints[key]?.addresses ?? [] where tables.legs[Leg(endpoint: key, address: address)] == nil {
                wrong.append("\(key) has no leg for one of its addresses")
            }
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
            if row.ranges.contains(where: { $0.start >= PortCondition.keyEnd }) {
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

    /// Every address's identity is what its sets, evaluated anew, give.
    private func checkAddresses() -> [String] {
        var wrong: [String] = []
        var members: [IPAddress: Set<SetNumber>] = [:]
        var blocks: [AddressBlock: Set<SetNumber>] = [:]
        let used = Set(tables.stacks.keys.flatMap { compiledStacks[$0]?.sets ?? [] })
        for set in used {
            guard let record = sets[set] else {
                wrong.append("set \(set) is used but not known")
                continue
            }
            if record.uses <= 0 { wrong.append("set \(set) is used but not counted") }
            switch record.expression {
            case .nets(let nets):
                for block in nets where block.prefixLength == block.version.width {
                    members[block.address, default: []].insert(set)
                }
                for block in nets where block.prefixLength < block.version.width { blocks[block, default: []].insert(set) }
            case .endpoints:
                for endpoint in world.endpoints.values {
                    let key = CombinationKey(endpoint, namespace: world.namespaces[endpoint.key.namespace])
                    var freshTexts = texts
                    let fresh = LabelCombination(key, texts: &freshTexts)
                    guard fresh.evaluate(record, texts: freshTexts) else { continue }
                    for address in endpoint.addresses { members[address, default: []].insert(set) }
                }
            }
        }
        if Set(tables.exact.keys) != Set(members.keys) { wrong.append("exact addresses are not those in sets") }
        for (address, identity) in tables.exact where identities.sets(identity) != members[address]?.sorted() {
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

    /// Pairs are exactly the rows of identities that some address has, where they differ from the base.
    private func checkPairs() -> [String] {
        var wrong: [String] = []
        for version in IPVersion.allCases {
            var possible: Set<Identity> = []
            for (address, exact) in tables.exact where address.version == version {
                possible.insert(Identity(exact: exact, prefix: identities.prefixes.longestMatch(address)))
            }
            for (block, prefix) in tables.prefixes where block.version == version {
                possible.insert(Identity(exact: .none, prefix: prefix))
            }
            if possible != Set(identities.identities(version)) {
                wrong.append("identities of IPv\(version.rawValue) are not those that addresses have")
            }
            for (id, stack) in tables.stacks where stackContents.contents[id]?.version == version {
                guard let compiled = compiledStacks[id] else {
                    wrong.append("stack \(id.rawValue) is used but not known")
                    continue
                }
                var expected: [Identity: RowID] = [:]
                var store = rows
                for identity in possible {
                    let matching = compiled.matchingRules(
                        exact: identities.sets(identity.exact), prefix: identities.sets(identity.prefix))
                    expected[identity] = compiled.pairRow(matching, rows: &store)
                }
                if stack.pairs != expected { wrong.append("stack \(id.rawValue) has other pairs than its rules give") }
            }
        }
        return wrong
    }
}
