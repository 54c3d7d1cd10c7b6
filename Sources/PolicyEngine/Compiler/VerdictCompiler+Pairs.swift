import PolicyModel

extension VerdictCompiler {
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
