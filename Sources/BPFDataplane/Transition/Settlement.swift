import PolicyEngine
import PolicyModel

/// What a grace period allows: nothing that a packet in flight could still need is in the way.
extension KernelState {
    /// Removes what no packet can reach any more. To be called when a grace period ended that began after the last
    /// transition.
    mutating func retire() -> [TransitionStep] {
        var steps: [TransitionStep] = []
        isGraced = true
        ungracedGenerations = 0
        for number in leavingLegs {
            for generation in UInt32(0)..<4 {
                for direction in Direction.allCases {
                    steps.append(.word(leg: number, direction, generation: generation, .noTable))
                }
            }
            legNumbers.give(number)
        }
        leavingLegs = []
        for row in leavingRows { arena.release(row) }
        leavingRows = []
        let live = liveStacks
        for (stack, rows) in pairs where !live.contains(stack) {
            for (combination, _) in rows.rows { forget(stack, combination, &steps) }
            pairs[stack] = nil
            if let id = stackMeanings.removeValue(forKey: stack), kernelStacks[id] == stack { kernelStacks[id] = nil }
        }
        for stack in live {
            guard let id = stackMeanings[stack], let wanted = tables.stacks[id] else { continue }
            let candidates: Set<Combination>
            if untidyStacks.contains(stack) {
                candidates = Set(pairs[stack]?.rows.lazy.map(\.key) ?? [])
            } else {
                candidates = untidyPairs[stack].map { untidy.union($0) } ?? untidy
            }
            for combination in candidates where !isWanted(combination, by: wanted) {
                forget(stack, combination, &steps)
            }
        }
        untidyStacks = []
        untidyPairs = [:]
        untidy = []
        let gone = (exact: exact.forgetUnheld(), prefixes: prefixes.forgetUnheld())
        forgetRows(of: gone.exact, gone.prefixes, &steps)
        reach?.forget(exact: gone.exact, prefixes: gone.prefixes)
        if reach?.isStale == true { reach = nil }
        flatten()
        return steps
    }

    /// The rows of numbers that are gone. Where both numbers of a combination are needed, it is in `reach` as long as they
    /// are there.
    private mutating func forgetRows(
        of exactNumbers: [KernelNumber], _ prefixNumbers: [KernelNumber], _ steps: inout [TransitionStep]
    ) {
        if exactNumbers.isEmpty, prefixNumbers.isEmpty { return }
        let met = exactNumbers.flatMap { exact in
            (reach?.prefixNumbers(with: exact) ?? []).map { Combination(exact: exact, prefix: $0) }
        }
        for (stack, rows) in pairs {
            for number in exactNumbers { forget(stack, Combination(exact: number, prefix: 0), &steps) }
            for number in prefixNumbers { forget(stack, Combination(exact: 0, prefix: number), &steps) }
            guard rows.combinedCount > 0 else { continue }
            for combination in met { forget(stack, combination, &steps) }
            for number in prefixNumbers {
                for (combination, _) in rows.combined(under: number, among: reach?.exactNumbers(under: number) ?? []) {
                    forget(stack, combination, &steps)
                }
            }
        }
    }

    private func isWanted(_ combination: Combination, by stack: Stack) -> Bool {
        if combination == .base { return true }
        guard exact.isHeld(combination.exact), prefixes.isHeld(combination.prefix) else { return false }
        // A row for both that nobody reaches would be lost sight of.
        if combination.isCombined, reach?.contains(combination) == false { return false }
        return stack[identity(of: combination)] != nil
    }

    private mutating func forget(_ stack: KernelNumber, _ combination: Combination, _ steps: inout [TransitionStep]) {
        guard let row = pairs[stack]?.update(nil, forKey: combination) else { return }
        steps.append(.removePair(stack: stack, combination))
        pairCount -= 1
        arena.release(row)
    }

    /// Unites the numbers of equal identities; no verdict changes. nil when there is nothing to unite. After `retire`,
    /// and to be followed by another grace period.
    func settling(decisions: [DecisionID: UInt32]) throws(TransitionError) -> Transition? {
        guard isGraced, !exact.unsettled.isEmpty || !prefixes.unsettled.isEmpty else { return nil }
        let stacks = legs.compactMapValues { leg -> VerdictTables.LegStacks? in
            guard let ingress = stackMeanings[leg.ingress], let egress = stackMeanings[leg.egress] else { return nil }
            return VerdictTables.LegStacks(ingress: ingress, egress: egress)
        }
        guard stacks.count == legs.count else { return nil }
        for isCareful in reach == nil ? [true] : [false, true] {
            var planner = TransitionPlanner(
                from: self, to: tables, legs: stacks, decisions: decisions, changes: TableChanges(), manner: .settle,
                isCareful: isCareful)
            if let transition = try planner.plan() { return transition }
        }
        return nil
    }
}
