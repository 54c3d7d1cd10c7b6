extension VerdictCompiler {
    /// Drops what the result has no use for, where there is too much of it. Each kind on its own: what costs as much as
    /// there are endpoints is done only where that much is won.
    mutating func forgetUnused() {
        let usedIdentities = uses.exact.counts.count + uses.prefixes.counts.count
        let areSetsMany =
            exceeds(sets.count, used: max(setsKept, 4 * ownerNumbers.count))
            || exceeds(texts.texts.count, used: max(textsKept, 4 * (contributorNumbers.count + ownerNumbers.count)))
        let areStacksMany =
            exceeds(stackContents.count, used: tables.stacks.count)
            || exceeds(rows.rows.count, used: rows.usedRowCount)
            || exceeds(rows.decisions.count, used: tables.decisions.count)
            || exceeds(rows.endings.count, used: endingsKept)
            || exceeds(residualNumbers.count, used: max(residualsKept, 2 * ownerNumbers.count))
        if areStacksMany || areSetsMany { forgetStacks() }
        if areSetsMany || exceeds(identities.combinations.count, used: usedIdentities) { forgetIdentities() }
        if areSetsMany { forgetSets() }
    }

    /// With their residuals, rows and decisions.
    private mutating func forgetStacks() {
        let live = tables.stacks
        lastWork.entriesForgotten += stackContents.forget { live[$0] != nil }
        compiledStacks = compiledStacks.filter { live[$0.key] != nil }
        // A remembered stack of a version may be one that no leg has any more.
        for contributor in locals.keys { locals[contributor]?.stacks = [nil, nil, nil, nil] }
        let contents = stackContents.contents.values
        let keptResiduals = Set(
            contents.flatMap { $0.tiers.flatMap { $0.policies.map(\.residual) } + $0.profiles.compactMap(\.self) })
        lastWork.entriesForgotten += residuals.forget { keptResiduals.contains($0) }
        residualNumbers = residualNumbers.filter { keptResiduals.contains($0.value) }
        residualsKept = residualNumbers.count
        lastWork.entriesForgotten += rows.forget(except: Array(compiledStacks.values))
        endingsKept = rows.endings.count
    }

    private mutating func forgetIdentities() {
        let keptIdentities = Set(uses.exact.counts.keys).union(uses.prefixes.counts.keys)
        lastWork.entriesForgotten += identities.forget(except: keptIdentities)
        // What a contributor's sets were interned as may be forgotten: no address need have them.
        for index in contributors.indices { contributors[index].identity = nil }
    }

    private func exceeds(_ count: Int, used: Int) -> Bool {
        count > CompilerLimits.rememberedMinimum + CompilerLimits.rememberedFactor * used
    }

    /// Sets live as long as a policy, a residual rule or an identity mentions them.
    private mutating func forgetSets() {
        var kept: Set<SetNumber> = []
        for (number, owner) in owners.enumerated() {
            guard let owner, !owner.subjectKeys.isEmpty else { continue }
            let used = Set(owner.users.map { subject(of: $0, for: Int32(number)) })
            owners[number]?.forgetVariants(except: used)
        }
        for owner in owners { if let owner { kept.formUnion(owner.sets) } }
        for residual in residuals.contents.values {
            for rule in residual.rules {
                kept.formUnion(rule.peers)
                kept.formUnion(rule.exclusions.map(\.set))
            }
        }
        for content in identities.combinations.contents.values { kept.formUnion(content) }
        lastWork.entriesForgotten += sets.forget(except: kept).count
        forgetTexts()
        setsKept = sets.count
        textsKept = texts.texts.count
    }

    /// Labels, selectors and what finds them are made anew over the texts that are left.
    private mutating func forgetTexts() {
        texts = LabelTexts()
        contributorsByAnchor = [:]
        localsByAnchor = [:]
        policiesByAnchor = [:]
        for number in contributorNumbers.values {
            let key = contributors[Int(number)].key
            contributors[Int(number)].labels = LabelSet(world.effectiveLabels(key), texts: &texts)
            for anchor in contributors[Int(number)].anchors { contributorsByAnchor[anchor, default: []].insert(number) }
            if locals[number] != nil { indexLocal(number, begins: true) }
        }
        for number in ownerNumbers.values {
            guard let owner = owners[Int(number)], let place = owner.place else { continue }
            let selector = CompiledSelector(place.subjects, texts: &texts)
            let anchor = CompiledSelector.anchor(of: selector, in: localsByAnchor)
            policiesByAnchor[anchor, default: []].insert(number)
            owners[Int(number)] = owner.with {
                $0.selector = selector
                $0.anchor = anchor
            }
        }
        let index = contributorsByAnchor
        sets.rebuild(texts: &texts) { AddressSetTable.anchor(of: $0, in: index) }
    }
}
