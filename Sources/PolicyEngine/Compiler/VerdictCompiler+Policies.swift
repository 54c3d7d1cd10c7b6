import PolicyModel

extension VerdictCompiler {
    // MARK: Objects

    mutating func set(_ policy: Policy?, _ reference: PolicyReference) {
        guard world.policies[reference] != policy else { return }
        world.policies[reference] = policy
        guard let policy else {
            if let known = ownerNumbers[.enforced(reference)] { removeOwner(known) }
            return
        }
        let worlds: Worlds = stagedTargets[reference] == nil ? .both : .enforced
        put(RuleOwner(policy, staged: nil, worlds: worlds, texts: &texts))
    }

    mutating func set(_ staged: StagedPolicy?, _ reference: PolicyReference) {
        let old = world.staged[reference]
        guard old != staged else { return }
        world.staged[reference] = staged
        if let old, old.action != .ignore { count(target: old.policy.reference, by: -1) }
        if let staged, staged.action != .ignore { count(target: staged.policy.reference, by: 1) }
        guard let staged, staged.action == .set || staged.action == .learn else {
            if let known = ownerNumbers[.staged(reference)] { removeOwner(known) }
            return
        }
        put(RuleOwner(staged.policy, staged: reference, worlds: .pending, texts: &texts))
    }

    /// An enforced policy that a staged one replaces or removes takes no part in the pending evaluation.
    private mutating func count(target: PolicyReference, by amount: Int) {
        let before = stagedTargets[target] ?? 0
        stagedTargets[target] = before + amount == 0 ? nil : before + amount
        guard (before == 0) != (before + amount == 0), let number = ownerNumbers[.enforced(target)],
            let owner = owners[Int(number)]
        else { return }
        owners[Int(number)] = owner.with { $0.worlds = before + amount == 0 ? .both : .enforced }
        pending.dirtyLocals.formUnion(owner.users)
    }

    // MARK: Owners

    /// A policy that is new or has another content.
    private mutating func put(_ owner: RuleOwner) {
        var owner = owner
        owner.revision = nextRevision
        nextRevision += 1
        if let known = ownerNumbers[owner.source], let old = owners[Int(known)] {
            forgetNames(of: old, known)
            pending.dirtyLocals.formUnion(old.users)
            if let place = old.place, place.subjects == owner.place?.subjects {
                owner.users = old.users
                owners[Int(known)] = owner.with { $0.anchor = place.anchor }
            } else {
                for user in old.users { locals[user]?.policies.remove(known) }
                unindexPolicy(known)
                owners[Int(known)] = owner
                pending.newOwners.insert(known)
            }
            noteNames(of: owner, known)
            return
        }
        let number = add(owner)
        if owner.place != nil { pending.newOwners.insert(number) }
    }

    private mutating func add(_ owner: RuleOwner) -> Int32 {
        let number: Int32
        if let free = freeOwners.popLast() {
            number = free
            owners[Int(free)] = owner
        } else {
            number = Int32(owners.count)
            owners.append(owner)
        }
        ownerNumbers[owner.source] = number
        noteNames(of: owner, number)
        return number
    }

    mutating func removeOwner(_ number: Int32) {
        guard let owner = owners[Int(number)] else { return }
        pending.dirtyLocals.formUnion(owner.users)
        for user in owner.users { locals[user]?.policies.remove(number) }
        unindexPolicy(number)
        forgetNames(of: owner, number)
        ownerNumbers[owner.source] = nil
        owners[Int(number)] = nil
        freeOwners.append(number)
        pending.newOwners.remove(number)
    }

    private mutating func unindexPolicy(_ number: Int32) {
        guard let anchor = owners[Int(number)]?.place?.anchor else { return }
        policiesByAnchor[anchor]?.remove(number)
        if policiesByAnchor[anchor]?.isEmpty == true { policiesByAnchor[anchor] = nil }
    }

    private mutating func noteNames(of owner: RuleOwner, _ number: Int32) {
        for name in owner.portNames { ownersByPortName[name, default: []].insert(number) }
        for service in owner.services { ownersByService[service, default: []].insert(number) }
    }

    private mutating func forgetNames(of owner: RuleOwner, _ number: Int32) {
        for name in owner.portNames {
            ownersByPortName[name]?.remove(number)
            if ownersByPortName[name]?.isEmpty == true { ownersByPortName[name] = nil }
        }
        for service in owner.services {
            ownersByService[service]?.remove(number)
            if ownersByService[service]?.isEmpty == true { ownersByService[service] = nil }
        }
    }

    /// Rules that name a port or a service whose numbers changed are read anew.
    mutating func recompileForPorts() {
        var outdated: Set<Int32> = []
        for name in pending.portNames { outdated.formUnion(ownersByPortName[name] ?? []) }
        for service in pending.services { outdated.formUnion(ownersByService[service] ?? []) }
        for number in outdated.sorted() {
            guard var owner = owners[Int(number)], owner.isRead else { continue }
            owners[Int(number)] = nil
            owner.forgetRules()
            owner.revision = nextRevision
            nextRevision += 1
            pending.dirtyLocals.formUnion(owner.users)
            owners[Int(number)] = owner
        }
    }

    /// The owner of a profile's rules; nil when there is no such profile.
    mutating func owner(ofProfile name: String) -> Int32? {
        if let known = ownerNumbers[.profile(name)] { return known }
        let profile: Profile
        if let own = world.profiles[name] {
            profile = own
        } else if world.namespace(ofProfile: name) != nil {
            let allow = [PolicyRule(action: .allow)]
            profile = Profile(name: name, ingress: allow, egress: allow)
        } else if world.serviceAccount(ofProfile: name) != nil {
            profile = Profile(name: name)
        } else {
            return nil
        }
        var owner = RuleOwner(profile)
        owner.revision = nextRevision
        nextRevision += 1
        return add(owner)
    }

    // MARK: Selection

    /// Finds the policies of local contributors that are new or have other labels, and the contributors of policies that are.
    mutating func selectPolicies() {
        for number in pending.newOwners.sorted() {
            guard let place = owners[Int(number)]?.place else { continue }
            let anchor = CompiledSelector.anchor(of: place.selector, in: localsByAnchor)
            policiesByAnchor[anchor, default: []].insert(number)
            owners[Int(number)] = owners[Int(number)]?.with { $0.anchor = anchor }
            for contributor in localsByAnchor[anchor] ?? [] where !pending.unselected.contains(contributor) {
                select(number, contributor)
            }
        }
        for contributor in pending.unselected.sorted() {
            if contributors[Int(contributor)].localMembers == 0 {
                drop(local: contributor)
                continue
            }
            if locals[contributor] == nil {
                locals[contributor] = LocalContributor()
                indexLocal(contributor, begins: true)
            }
            pending.dirtyLocals.insert(contributor)
            unselect(contributor)
            for anchor in contributors[Int(contributor)].anchors {
                for number in policiesByAnchor[anchor] ?? [] { select(number, contributor) }
            }
        }
    }

    private mutating func select(_ number: Int32, _ contributor: Int32) {
        lastWork.selectorEvaluations += 1
        guard let selector = owners[Int(number)]?.place?.selector,
            selector.matches(contributors[Int(contributor)].labels, texts: texts)
        else { return }
        locals[contributor]?.policies.insert(number)
        owners[Int(number)]?.users.insert(contributor)
        pending.dirtyLocals.insert(contributor)
    }

    private mutating func unselect(_ contributor: Int32) {
        for number in locals[contributor]?.policies ?? [] { owners[Int(number)]?.users.remove(contributor) }
        locals[contributor]?.policies = []
    }

    mutating func drop(local contributor: Int32) {
        pending.unselected.remove(contributor)
        guard locals[contributor] != nil else { return }
        unselect(contributor)
        for name in contributors[Int(contributor)].profiles {
            if let owner = ownerNumbers[.profile(name)] { owners[Int(owner)]?.users.remove(contributor) }
        }
        indexLocal(contributor, begins: false)
        locals[contributor] = nil
        addressDependent.remove(contributor)
        pending.dirtyLocals.remove(contributor)
    }

    mutating func indexLocal(_ number: Int32, begins: Bool) {
        for anchor in contributors[Int(number)].anchors {
            if begins {
                localsByAnchor[anchor, default: []].insert(number)
            } else {
                localsByAnchor[anchor]?.remove(number)
                if localsByAnchor[anchor]?.isEmpty == true { localsByAnchor[anchor] = nil }
            }
        }
    }
}
