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
        let live = liveStacks
        for (stack, rows) in pairs where !live.contains(stack) {
            for (combination, row) in rows { forget(stack, combination, row, &steps) }
            pairs[stack] = nil
            if let id = stackMeanings.removeValue(forKey: stack), kernelStacks[id] == stack { kernelStacks[id] = nil }
        }
        for stack in untidyStacks {
            guard let id = stackMeanings[stack], let wanted = tables.stacks[id] else { continue }
            guard let rows = pairs[stack] else { continue }
            for (combination, row) in rows where !isWanted(combination, by: wanted) {
                pairs[stack]?[combination] = nil
                forget(stack, combination, row, &steps)
            }
        }
        for stack in live where !untidyStacks.contains(stack) {
            guard let id = stackMeanings[stack], let wanted = tables.stacks[id] else { continue }
            let own = untidyPairs[stack] ?? []
            for combination in own.isEmpty ? untidy : own.union(untidy) where !isWanted(combination, by: wanted) {
                guard let row = pairs[stack]?.update(nil, forKey: combination) else { continue }
                forget(stack, combination, row, &steps)
            }
        }
        untidyStacks = []
        untidyPairs = [:]
        untidy = []
        let gone = (exact: exact.forgetUnheld(), prefixes: prefixes.forgetUnheld())
        reach?.forget(exact: gone.exact, prefixes: gone.prefixes)
        if reach?.isStale == true { reach = nil }
        flatten()
        return steps
    }

    private func isWanted(_ combination: Combination, by stack: Stack) -> Bool {
        if combination == .base { return true }
        guard exact.isHeld(combination.exact), prefixes.isHeld(combination.prefix) else { return false }
        let identity = Identity(
            exact: exact.meaning(of: combination.exact), prefix: prefixes.meaning(of: combination.prefix))
        return stack.pairs[identity] != nil
    }

    private mutating func forget(
        _ stack: KernelNumber, _ combination: Combination, _ row: UInt32, _ steps: inout [TransitionStep]
    ) {
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
        for isCareful in reach == nil || prefixes.unsettled.count > Self.fewPrefixes ? [true] : [false, true] {
            var planner = TransitionPlanner(
                from: self, to: tables, legs: stacks, decisions: decisions, changes: TableChanges(), manner: .settle,
                isCareful: isCareful)
            if let transition = try planner.plan() { return transition }
        }
        return nil
    }
}
