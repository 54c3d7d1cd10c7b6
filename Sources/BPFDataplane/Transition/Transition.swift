import PolicyEngine

/// The way from one state of the kernel to another.
struct Transition: Sendable {
    var steps: [TransitionStep] = []
    /// Steps before this index add what no packet can reach, or move addresses; they can be undone. Those from
    /// it on are stores to arrays and removals.
    var firstCertain = 0
    /// What `KernelState.commit` makes of it is to be kept.
    fileprivate(set) var after: KernelState
    var work = TransitionWork()
    private let target: VerdictTables
    /// What of `target` differs; nil: anything may.
    private let changes: TableChanges?

    init(
        steps: [TransitionStep], firstCertain: Int, after: KernelState, work: TransitionWork, target: VerdictTables,
        changes: TableChanges?
    ) {
        self.steps = steps
        self.firstCertain = firstCertain
        self.after = after
        self.work = work
        self.target = target
        self.changes = changes
    }

    fileprivate func bringUpToDate(_ state: inout KernelState) {
        if let changes { state.follow(changes, target) } else { state.take(target) }
    }
}

/// What planning looked at: the cost of a change in things rather than in time.
struct TransitionWork: Hashable, Sendable {
    /// Addresses and prefixes whose number was looked for.
    var keys = 0
    /// Ways in which addresses move.
    var crossings = 0
    /// Combinations whose row was looked for in a stack.
    var demands = 0
    /// Addresses and prefixes that were looked at only to find out what all have.
    var scanned = 0
}

extension KernelState {
    /// Makes `tables` decide for `legs`. After every step each verdict is the one before or the one of `tables`,
    /// and it changes once, also for a packet that reads its words between several steps.
    ///
    /// `decisions` gives the kernel's numbers.
    ///
    /// - Parameter changes: what differs from the tables of the last transition that was committed, from the same
    ///   compiler; more may be named. nil: anything may differ, and everything is compared.
    func transition(
        to tables: VerdictTables, legs: [LegKey: VerdictTables.LegStacks], decisions: [DecisionID: UInt32],
        changes: TableChanges? = nil
    ) throws(TransitionError) -> Transition {
        var start = self
        if changes == nil, !start.understands(tables) { start.forgetNames() }
        // What is known without a look at every address suffices nearly always.
        for isCareful in reach == nil || changes == nil ? [true] : [false, true] {
            for manner in start.isGraced ? [.direct, .split] : [TransitionPlanner.Manner.split] {
                var planner = TransitionPlanner(
                    from: start, to: tables, legs: legs, decisions: decisions, changes: changes, manner: manner,
                    isCareful: isCareful)
                if let transition = try planner.plan() { return transition }
            }
        }
        throw .inconsistent("no order keeps every verdict whole")
    }

    /// The transition has been carried out. `transition.after` is of no use from here on: its content is moved, not
    /// copied, so that the next change need not copy it either.
    mutating func commit(_ transition: inout Transition) {
        swap(&self, &transition.after)
        transition.after = KernelState(limits: Limits())
        flatten()
        transition.bringUpToDate(&self)
    }

    /// Works in what changed. O(that) where no copy of the state is left.
    mutating func flatten() {
        exact.flatten()
        prefixes.flatten()
        for index in pairs.indices { pairs.values[index].flatten() }
    }

    fileprivate mutating func take(_ target: VerdictTables) {
        tables = target
        tables.legs = [:]
        tableLengths = PrefixLengths(of: target.prefixes.keys)
    }

    fileprivate mutating func follow(_ changes: TableChanges, _ target: VerdictTables) {
        for address in changes.exact { tables.exact[address] = target.exact[address] }
        for block in changes.prefixes {
            tableLengths.follow(block, before: tables.prefixes[block] != nil, after: target.prefixes[block] != nil)
            tables.prefixes[block] = target.prefixes[block]
        }
        for stack in changes.stacks { tables.stacks[stack] = target.stacks[stack] }
        for (stack, identities) in changes.pairs where !changes.stacks.contains(stack) {
            for identity in identities { tables.stacks[stack]?[identity] = target.stacks[stack]?[identity] }
        }
        for row in changes.rows { tables.rows[row] = target.rows[row] }
        for decision in changes.decisions { tables.decisions[decision] = target.decisions[decision] }
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
        take(VerdictTables(exact: exact.content, prefixes: prefixes.content))
    }
}
