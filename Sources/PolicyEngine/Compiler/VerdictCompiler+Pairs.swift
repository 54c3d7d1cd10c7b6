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

    /// Gives every stack in use the rows that it needs for identities that some address has. See `Stack`.
    mutating func updatePairs() {
        for stack in pending.stacksEnded { end(stack) }
        let changes = uses.takeChanges()
        for identity in changes.exact.ended { end(identity, in: \.exactBySet) { Identity(exact: $0, prefix: .none) } }
        for identity in changes.prefixes.ended {
            for stack in end(identity, in: \.prefixesBySet, { Identity(exact: .none, prefix: $0) }) {
                for exact in tables.stacks[stack]?.combined[identity]?.keys.map(\.self) ?? [] {
                    removePair(stack, Identity(exact: exact, prefix: identity))
                }
            }
        }
        for identity in changes.combined.ended {
            for stack in stacks(asking: identity.prefix) { removePair(stack, identity) }
        }
        lastChanges.identities.formUnion(changes.combined.begun)
        lastChanges.endedIdentities.formUnion(changes.combined.ended)
        var added: [StackID: AddedIdentities] = [:]
        for identity in changes.exact.begun {
            for stack in begin(identity, in: \.exactBySet) { added[stack, default: AddedIdentities()].exact.append(identity) }
        }
        for identity in changes.prefixes.begun {
            for stack in begin(identity, in: \.prefixesBySet) { added[stack, default: AddedIdentities()].prefixes.append(identity) }
        }
        for identity in changes.combined.begun {
            let asking = stacks(asking: identity.exact)
            for stack in stacks(asking: identity.prefix) where asking.contains(stack) {
                added[stack, default: AddedIdentities()].combined.append(identity)
            }
        }
        for stack in added.keys.sorted() {
            guard let identities = added[stack] else { continue }
            addPairs(stack, identities, isNew: false)
        }
        for stack in pending.stacksBegun {
            guard let compiled = compiledStacks[stack] else { continue }
            rows.beginUse(compiled.baseRow)
            tables.stacks[stack] = Stack(base: compiled.baseRow)
            lastChanges.stacks.insert(stack)
            var found = (exact: Set<IdentityID>(), prefixes: Set<IdentityID>())
            for set in compiled.sets {
                stacksBySet[set, default: []].insert(stack)
                if let identities = exactBySet[set] { found.exact.formUnion(identities) }
                if let identities = prefixesBySet[set] { found.prefixes.formUnion(identities) }
            }
            addPairs(
                stack, AddedIdentities(exact: found.exact.sorted(), prefixes: found.prefixes.sorted()), isNew: true)
        }
    }

    private mutating func end(_ stack: StackID) {
        guard let old = tables.stacks.removeValue(forKey: stack) else { return }
        lastChanges.stacks.insert(stack)
        rows.endUse(old.base)
        for row in old.exact.values { rows.endUse(row) }
        for row in old.prefixes.values { rows.endUse(row) }
        for combined in old.combined.values { for row in combined.values { rows.endUse(row) } }
        for set in compiledStacks[stack]?.sets ?? [] {
            stacksBySet[set]?.remove(stack)
            if stacksBySet[set]?.isEmpty == true { stacksBySet[set] = nil }
        }
    }

    /// The stacks that ask for one of its sets.
    private func stacks(asking identity: IdentityID) -> Set<StackID> {
        var found: Set<StackID> = []
        for set in identities.sets(identity) { if let stacks = stacksBySet[set] { found.formUnion(stacks) } }
        return found
    }

    /// Returns the stacks that ask for one of its sets.
    @discardableResult private mutating func end(
        _ identity: IdentityID, in index: WritableKeyPath<Self, [SetNumber: Set<IdentityID>]>,
        _ whole: (IdentityID) -> Identity
    ) -> Set<StackID> {
        for set in identities.sets(identity) {
            self[keyPath: index][set]?.remove(identity)
            if self[keyPath: index][set]?.isEmpty == true { self[keyPath: index][set] = nil }
        }
        let affected = stacks(asking: identity)
        for stack in affected { removePair(stack, whole(identity)) }
        return affected
    }

    /// Returns the stacks that ask for one of its sets.
    private mutating func begin(
        _ identity: IdentityID, in index: WritableKeyPath<Self, [SetNumber: Set<IdentityID>]>
    ) -> Set<StackID> {
        for set in identities.sets(identity) { self[keyPath: index][set, default: []].insert(identity) }
        return stacks(asking: identity)
    }

    private mutating func removePair(_ stack: StackID, _ identity: Identity) {
        guard let row = tables.stacks[stack]?[identity] else { return }
        tables.stacks[stack]?[identity] = nil
        rows.endUse(row)
        lastChanges.pairs[stack, default: []].insert(identity)
    }

    private mutating func addPair(_ stack: StackID, _ identity: Identity, _ row: RowID, isNew: Bool) {
        rows.beginUse(row)
        tables.stacks[stack]?[identity] = row
        if !isNew { lastChanges.pairs[stack, default: []].insert(identity) }
    }

    /// What a stack may need rows for from now on. With a prefix come all the exact identities that it meets.
    private struct AddedIdentities {
        var exact: [IdentityID] = []
        var prefixes: [IdentityID] = []
        var combined: [Identity] = []
    }

    private mutating func addPairs(_ stack: StackID, _ added: AddedIdentities, isNew: Bool) {
        guard let compiled = compiledStacks[stack] else { return }
        var layers = StackLayers(compiled)
        func held(_ identity: IdentityID) -> [Int32] { compiled.held(identities.sets(identity)) }
        for identity in added.exact {
            guard let row = layers.row(held(identity), &rows, &lastWork) else { continue }
            addPair(stack, Identity(exact: identity, prefix: .none), row, isNew: isNew)
        }
        var combined: [IdentityID: [IdentityID]] = [:]
        for identity in added.combined { combined[identity.prefix, default: []].append(identity.exact) }
        for prefix in added.prefixes {
            if let row = layers.row(held(prefix), &rows, &lastWork) {
                addPair(stack, Identity(exact: .none, prefix: prefix), row, isNew: isNew)
            }
            let met = exactIdentities(asked: compiled, isNew ? added.exact : nil, beneath: prefix)
            if !met.isEmpty { combined[prefix] = met }
        }
        for prefix in combined.keys.sorted() {
            layers.setPrefix(held(prefix))
            for exact in (combined[prefix] ?? []).sorted() {
                guard let row = layers.combinedRow(held(exact), &rows, &lastWork) else { continue }
                addPair(stack, Identity(exact: exact, prefix: prefix), row, isNew: isNew)
            }
        }
    }

    /// The exact identities that meet a prefix and that a stack asks for; `asked` where these are known.
    private func exactIdentities(asked compiled: CompiledStack, _ asked: [IdentityID]?, beneath prefix: IdentityID) -> [IdentityID] {
        let met = uses.exactIdentities(beneath: prefix)
        if let asked, asked.count < met.count { return asked.filter { uses.meets($0, prefix) } }
        return met.filter { !compiled.held(identities.sets($0)).isEmpty }
    }
}

/// Computes a stack's rows for identities, each kind of them once: identities often differ only in sets that the stack does
/// not ask for. Identities are given as what they hold (`CompiledStack.held`).
private struct StackLayers {
    private let compiled: CompiledStack
    private var built: [[Int32]: RowID?] = [:]
    private var combined: [[Int32]: RowID?] = [:]
    private var prefix: [Int32] = []
    private var footprint: CompiledStack.Footprint?

    init(_ compiled: CompiledStack) { self.compiled = compiled }

    /// nil: nothing differs from the base.
    mutating func row(_ held: [Int32], _ rows: inout RowStore, _ work: inout CompileWork) -> RowID? {
        if held.isEmpty { return nil }
        if let known = built[held] { return known }
        work.rowsBuilt += 1
        let row = compiled.pairRow(held, rows: &rows)
        built[held] = .some(row)
        return row
    }

    /// The prefix that `combinedRow` is asked about from now on.
    mutating func setPrefix(_ held: [Int32]) {
        prefix = held
        combined = [:]
        footprint = compiled.footprint(of: held)
    }

    /// The row for an exact part beneath the prefix; nil where the one row upon the other says the same.
    mutating func combinedRow(_ exact: [Int32], _ rows: inout RowStore, _ work: inout CompileWork) -> RowID? {
        guard !exact.isEmpty, !prefix.isEmpty, let footprint else { return nil }
        if let known = combined[exact] { return known }
        var result: RowID?
        if !compiled.isApart(exact, from: footprint) {
            let whole = row(Set(exact).union(prefix).sorted(), &rows, &work)
            let parts = (upper: row(exact, &rows, &work), lower: row(prefix, &rows, &work))
            func content(_ row: RowID?) -> Row? { row.flatMap { rows.rows.contents[$0] } }
            if !Row.isStacked(content(parts.upper), on: content(parts.lower), as: content(whole)) {
                result = whole ?? compiled.baseRow
            }
        }
        combined[exact] = .some(result)
        return result
    }
}
