import PolicyModel

extension VerdictCompiler {
    /// Brings the use of sets, and with them the sets of every contributor, up to date. The stacks must be known.
    mutating func updateUsedSets() {
        let changes = stackUses.takeChanges()
        pending.stacksBegun = changes.begun.sorted()
        pending.stacksEnded = changes.ended
        for stack in pending.stacksBegun {
            for set in compiledStacks[stack]?.sets ?? [] {
                let index = contributorsByAnchor
                sets.beginUse(set) { AddressSetTable.anchor(of: $0, in: index) }
            }
        }
        for stack in pending.stacksEnded { compiledStacks[stack]?.sets.forEach { sets.endUse($0) } }

        let setChanges = sets.takeChanges()
        for set in setChanges.ended { end(set) }
        for set in setChanges.begun { begin(set) }
        for contributor in pending.moved {
            contributors[Int(contributor)].sets.sort()
            contributors[Int(contributor)].identity = nil
            touchAddresses(of: contributor)
        }
        pending.moved = []
    }

    private mutating func begin(_ set: SetNumber) {
        guard let record = sets[set] else { return }
        if case .nets(let blocks) = record.expression { return setNets(set, blocks, inUse: true) }
        for contributor in contributorsByAnchor[record.anchor] ?? [] where isIn(contributor, set) {
            contributors[Int(contributor)].sets.append(set)
            pending.moved.insert(contributor)
        }
    }

    private mutating func end(_ set: SetNumber) {
        guard let record = sets[set] else { return }
        if case .nets(let blocks) = record.expression { return setNets(set, blocks, inUse: false) }
        for contributor in contributorsByAnchor[record.anchor] ?? [] {
            guard let index = contributors[Int(contributor)].sets.firstIndex(of: set) else { continue }
            contributors[Int(contributor)].sets.remove(at: index)
            pending.moved.insert(contributor)
        }
    }

    /// Gives every stack in use a row for every identity that some address has, where it differs from the base.
    mutating func updatePairs() {
        for stack in pending.stacksEnded { end(stack) }
        for version in IPVersion.allCases {
            let changes = self[version].takeChanges()
            lastChanges.identities.formUnion(changes.begun)
            lastChanges.endedIdentities.formUnion(changes.ended)
            for identity in changes.ended { end(identity, version) }
            var added: [StackID: [Identity]] = [:]
            for identity in changes.begun {
                for stack in begin(identity, version) { added[stack, default: []].append(identity) }
            }
            for stack in added.keys.sorted() { addPairs(stack, added[stack] ?? [], isNew: false) }
        }
        for stack in pending.stacksBegun {
            guard let compiled = compiledStacks[stack], let content = stackContents.contents[stack] else { continue }
            rows.beginUse(compiled.baseRow)
            tables.stacks[stack] = Stack(base: compiled.baseRow, pairs: [:])
            lastChanges.stacks.insert(stack)
            var found: Set<Identity> = []
            for set in compiled.sets {
                stacksBySet[content.version, default: [:]][set, default: []].insert(stack)
                if let identities = identitiesBySet[content.version]?[set] { found.formUnion(identities) }
            }
            addPairs(stack, found.sorted { ($0.exact, $0.prefix) < ($1.exact, $1.prefix) }, isNew: true)
        }
    }

    private mutating func end(_ stack: StackID) {
        guard let old = tables.stacks.removeValue(forKey: stack) else { return }
        lastChanges.stacks.insert(stack)
        rows.endUse(old.base)
        for row in old.pairs.values { rows.endUse(row) }
        guard let content = stackContents.contents[stack] else { return }
        for set in compiledStacks[stack]?.sets ?? [] {
            stacksBySet[content.version]?[set]?.remove(stack)
            if stacksBySet[content.version]?[set]?.isEmpty == true { stacksBySet[content.version]?[set] = nil }
        }
    }

    private mutating func end(_ identity: Identity, _ version: IPVersion) {
        var affected: Set<StackID> = []
        for set in identities.sets(identity.exact) + identities.sets(identity.prefix) {
            identitiesBySet[version]?[set]?.remove(identity)
            if identitiesBySet[version]?[set]?.isEmpty == true { identitiesBySet[version]?[set] = nil }
            affected.formUnion(stacksBySet[version]?[set] ?? [])
        }
        for stack in affected {
            guard let row = tables.stacks[stack]?.pairs.removeValue(forKey: identity) else { continue }
            rows.endUse(row)
            lastChanges.pairs[stack, default: []].insert(identity)
        }
    }

    /// Returns the stacks that ask for one of its sets.
    private mutating func begin(_ identity: Identity, _ version: IPVersion) -> Set<StackID> {
        var affected: Set<StackID> = []
        for set in identities.sets(identity.exact) + identities.sets(identity.prefix) {
            identitiesBySet[version, default: [:]][set, default: []].insert(identity)
            affected.formUnion(stacksBySet[version]?[set] ?? [])
        }
        return affected
    }

    private mutating func addPairs(_ stack: StackID, _ added: [Identity], isNew: Bool) {
        guard let compiled = compiledStacks[stack] else { return }
        // Identities often differ only in sets that the stack does not ask for.
        var built: [[Int32]: RowID?] = [:]
        for identity in added {
            let held = compiled.held(
                exact: identities.sets(identity.exact), prefix: identities.sets(identity.prefix))
            guard !held.isEmpty else { continue }
            let row: RowID?
            if let known = built[held] {
                row = known
            } else {
                lastWork.rowsBuilt += 1
                row = compiled.pairRow(held, rows: &rows)
                built[held] = .some(row)
            }
            guard let row else { continue }
            rows.beginUse(row)
            tables.stacks[stack]?.pairs[identity] = row
            if !isNew { lastChanges.pairs[stack, default: []].insert(identity) }
        }
    }
}
