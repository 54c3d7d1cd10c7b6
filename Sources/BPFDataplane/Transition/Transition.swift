import PolicyEngine

/// The way from one state of the kernel to another.
struct Transition: Sendable {
    var steps: [TransitionStep] = []
    /// Steps before this index add what no packet can reach, or move addresses; they can be undone. Those from
    /// it on are stores to arrays and removals.
    var firstCertain = 0
    var after: KernelState
}

extension KernelState {
    /// Makes `tables` decide for `legs`. After every step each verdict is the one before or the one of `tables`,
    /// and it changes once, also for a packet that reads its words between several steps.
    ///
    /// `decisions` gives the kernel's numbers.
    func transition(
        to tables: VerdictTables, legs: [LegKey: VerdictTables.LegStacks], decisions: [DecisionID: UInt32]
    ) throws(TransitionError) -> Transition {
        var start = self
        if !start.understands(tables) { start.forgetNames() }
        if start.isGraced {
            var direct = TransitionPlanner(from: start, to: tables, legs: legs, decisions: decisions, manner: .direct)
            if let transition = try direct.plan() { return transition }
        }
        var split = TransitionPlanner(from: start, to: tables, legs: legs, decisions: decisions, manner: .split)
        guard let transition = try split.plan() else {
            throw .inconsistent("no order keeps every verdict whole")
        }
        return transition
    }

    /// Whether numbers that `tables` shares with the tables in force name the same content.
    private func understands(_ tables: VerdictTables) -> Bool {
        agree(self.tables.decisions, tables.decisions) && agree(self.tables.rows, tables.rows)
    }

    private func agree<Name, Content: Equatable>(_ left: [Name: Content], _ right: [Name: Content]) -> Bool {
        left == right || right.allSatisfy { name, content in left[name].map { $0 == content } ?? true }
    }

    /// Gives everything in the kernel names that no compiler uses, so that nothing in it is taken for
    /// something in the next tables. So begins an agent that adopts what another left.
    mutating func forgetNames() {
        exact.renameAll()
        prefixes.renameAll()
        stackMeanings = [:]
        kernelStacks = [:]
        arena.forgetNames()
        tables = VerdictTables(
            exact: exact.words.mapValues { exact.meaning(of: $0) },
            prefixes: prefixes.words.mapValues { prefixes.meaning(of: $0) })
    }
}
