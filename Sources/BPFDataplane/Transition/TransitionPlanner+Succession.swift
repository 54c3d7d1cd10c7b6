import PolicyEngine
import PolicyModel

/// A stack of the kernel whose legs all go to one that differs from it in some rows above an equal base takes that one's place:
/// only what differs is written, and no leg's word.
///
/// A row that packets may ask for is written over only where each packet finds one such row on its way: then its
/// verdict is the one before until that write, and the one after from it on, whenever it reads what else.
struct StackSuccession {
    let stack: KernelNumber
    let id: StackID
    var conduct: StackConduct
    /// Rows that packets may ask for, and what is to be there; nil: nothing.
    var overwrites: [Combination: StackConduct.Value?]
}

extension TransitionPlanner {
    /// The stacks all of whose legs go to one stack that the kernel does not have, each with that.
    func successors() -> [KernelNumber: StackID] {
        var successors: [KernelNumber: StackID] = [:]
        var split: Set<KernelNumber> = []
        for (key, leg) in old.legs {
            for direction in Direction.allCases where leg[direction] != 0 {
                let stack = leg[direction]
                guard let id = targetLegs[key]?[direction], successors[stack] ?? id == id, old.kernelStacks[id] == nil else {
                    split.insert(stack)
                    continue
                }
                successors[stack] = id
            }
        }
        let wanted = wantedStacks
        var taken: Set<StackID> = []
        for (stack, id) in successors.sorted(by: { $0.key < $1.key }) {
            guard !split.contains(stack), let before = old.stackMeanings[stack], !wanted.contains(before),
                taken.insert(id).inserted
            else {
                successors[stack] = nil
                continue
            }
        }
        return successors
    }

    /// nil when some packet could find two rows that change on its way.
    mutating func succession(of stack: KernelNumber, by id: StackID) -> StackSuccession? {
        guard let rows = old.pairs[stack], let conduct = StackConduct(rows: rows), let now = target.stacks[id],
            let before = old.stackMeanings[stack].flatMap({ old.tables.stacks[$0] }), before.base == now.base,
            let base = rows[.base], value(now.base) == .index(base)
        else { return nil }
        let overwrites = overwrites(of: rows, before, now)
        // Whoever still is on his way with numbers of an earlier change must not meet rows of this one, nor does one who moves.
        guard overwrites.isEmpty || old.isGraced && sweeps.isEmpty, isSingle(overwrites),
            !crossings.contains(where: { meets($0, overwrites) }),
            let followed = self.follow(conduct, now, isLeft: false)
        else { return nil }
        return StackSuccession(stack: stack, id: id, conduct: followed, overwrites: overwrites)
    }

    private mutating func overwrites(
        of rows: StackRows, _ before: Stack, _ now: Stack
    ) -> [Combination: StackConduct.Value?] {
        var overwrites: [Combination: StackConduct.Value?] = [:]
        for identity in before.differences(to: now) where mayStay(identity, isNew: before[identity] == nil) {
            let wanted = now[identity].map(value)
            let exactNumbers = identity.exact == .none ? [0] : old.exact.numbers(meaning: identity.exact)
            let prefixNumbers = identity.prefix == .none ? [0] : old.prefixes.numbers(meaning: identity.prefix)
            for exact in exactNumbers {
                for prefix in prefixNumbers {
                    work.demands += 1
                    let key = Combination(exact: exact, prefix: prefix)
                    if key.isCombined, reach?.contains(key) == false { continue }
                    if rows[key].map(StackConduct.Value.index) != wanted { overwrites.updateValue(wanted, forKey: key) }
                }
            }
        }
        return overwrites
    }

    /// Whether no packet finds two of these rows: not those of both its numbers, and no row in place of one of them.
    private func isSingle(_ overwrites: [Combination: StackConduct.Value?]) -> Bool {
        var (hasExact, hasPrefix) = (false, false)
        for key in overwrites.keys {
            if key.isCombined {
                if overwrites[key.exactAlone] != nil || overwrites[key.prefixAlone] != nil { return false }
            } else if key.prefix == 0 {
                hasExact = true
            } else {
                hasPrefix = true
            }
        }
        return !hasExact || !hasPrefix
    }

    private func meets(_ crossing: Crossing, _ overwrites: [Combination: StackConduct.Value?]) -> Bool {
        ([crossing.before, crossing.after] + crossing.between).contains { combination in
            [combination, combination.exactAlone, combination.prefixAlone].contains { overwrites[$0] != nil }
        }
    }

    /// Writes over what differs. What was there is of use to packets under way.
    mutating func carryOut(_ succession: StackSuccession) throws(TransitionError) {
        for (key, value) in succession.overwrites {
            let index: UInt32?
            switch value {
            case .index(let present): index = present
            case .row(let row): index = try self.index(of: row)
            case nil: index = nil
            }
            let before = state.pairs[succession.stack]?.update(index, forKey: key)
            state.pairCount += (index == nil ? 0 : 1) - (before == nil ? 0 : 1)
            if let before { state.leavingRows.append(before) }
            if let index {
                state.arena.retain(index)
                steps.append(.pair(stack: succession.stack, key, row: index))
            } else {
                steps.append(.removePair(stack: succession.stack, key))
            }
        }
    }
}

extension Stack {
    /// The identities whose row of their own differs. O(rows).
    fileprivate func differences(to other: Stack) -> [Identity] {
        func differing(_ left: [IdentityID: RowID], _ right: [IdentityID: RowID]) -> [IdentityID] {
            if left == right { return [] }
            return left.compactMap { right[$0] == $1 ? nil : $0 } + right.keys.filter { left[$0] == nil }
        }
        var result = differing(exact, other.exact).map { Identity(exact: $0, prefix: .none) }
        result += differing(prefixes, other.prefixes).map { Identity(exact: .none, prefix: $0) }
        for prefix in Set(combined.keys).union(other.combined.keys) {
            result += differing(combined[prefix] ?? [:], other.combined[prefix] ?? [:])
                .map { Identity(exact: $0, prefix: prefix) }
        }
        return result
    }
}
