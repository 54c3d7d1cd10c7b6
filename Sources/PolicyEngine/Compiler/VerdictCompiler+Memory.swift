extension VerdictCompiler {
    /// Drops what the result has no use for, where there is too much of it.
    mutating func forgetUnused() {
        let used = tables.stacks.count
        let usedIdentities = identities.used
        let exceeded =
            exceeds(stackContents.count, used: used)
            || exceeds(rows.rows.count, used: rows.usedRowCount)
            || exceeds(identities.combinations.count, used: usedIdentities.count)
            || exceeds(residualNumbers.count, used: 2 * policies.count)
        guard exceeded else { return }

        let live = tables.stacks
        lastWork.entriesForgotten += stackContents.forget { live[$0] != nil }
        compiledStacks = compiledStacks.filter { live[$0.key] != nil }
        forgetStackMemory()
        let keptResiduals = Set(stackContents.contents.values.flatMap { $0.tiers.flatMap(\.policies) })
        lastWork.entriesForgotten += residuals.forget { keptResiduals.contains($0) }
        residualNumbers = residualNumbers.filter { keptResiduals.contains($0.value) }
        lastWork.entriesForgotten += identities.forget(except: usedIdentities)
        let keptDecisions = Set(compiledStacks.values.flatMap(\.decisions))
        lastWork.entriesForgotten += rows.forget(keptDecisions: keptDecisions)
        forgetSets()
    }

    private func exceeds(_ count: Int, used: Int) -> Bool {
        count > CompilerLimits.rememberedMinimum + CompilerLimits.rememberedFactor * used
    }

    /// Combinations remember the stack of a version, which may be one that only another version's leg had.
    private mutating func forgetStackMemory() {
        for number in combinations.indices {
            combinations[number]?.selections = [nil, nil]
        }
    }

    /// Sets live as long as a policy, a residual rule or an identity mentions them.
    private mutating func forgetSets() {
        var kept: Set<Int32> = []
        for policy in policies.values { kept.formUnion(policy.sets) }
        for residual in residuals.contents.values { for rule in residual.rules { kept.formUnion(rule.peers) } }
        for content in identities.combinations.contents.values { kept.formUnion(content) }
        let dropped = sets.forget(except: kept)
        lastWork.entriesForgotten += dropped.count
        texts = LabelTexts()
        sets.rebuild(texts: &texts)
        combinationsByLabel = [:]
        for number in combinations.indices where combinations[number] != nil {
            for set in dropped { combinations[number]?.forget(set) }
            combinations[number]?.rebuild(texts: &texts)
            for label in combinations[number]?.labels.pairs ?? [] {
                combinationsByLabel[label, default: []].insert(number)
            }
        }
    }
}
