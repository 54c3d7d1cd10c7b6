import PolicyEngine
import PolicyModel

/// Plans one transition. See `KernelState.transition`.
///
/// The order that makes it safe: rows, pairs and bounds that nothing reaches yet; the addresses' words; the legs' words;
/// the epoch. Every number means one thing for ever, and a pair is written once, so a packet that began before
/// finds under its stack and its numbers the verdict of then.
///
/// What a plan by `changes` leans on:
/// - What the changes do not name is the same before and after, for every leg, also for one that is new: the stacks of
///   the kernel that tables name decide every combination that some address has as the tables do, whichever legs are
///   on them. So a leg may come onto a stack that is there. `KernelState.checkInvariants` asks for just this.
/// - For that, a plan settles three things: the row of each exact number and of each prefix number that comes to be held,
///   and the row of both together where an address comes to have them: by a crossing, or by a sweep, which settles it
///   for all exact numbers it takes along. A row of both that is there only for packets between two words must not be
///   found by one of those: where a combination is both, the stack is left for a new one.
/// - A number that is held has its rows already, in every stack that tables name, whatever it meets: so a prefix is nothing to
///   a stack that has no row for it, and an address that gets a known number is one write.
/// - Every row that a stack which stays gains or loses is named, and so are combinations of known numbers that begin or end.
struct TransitionPlanner {
    enum Manner {
        /// Addresses go to the numbers that stay. Right when no stack that is left or changed can see it.
        case direct
        /// Whatever moves gets a fresh number that stacks which are left treat as the one before.
        case split
        /// As `direct`, for what is unsettled only, after a grace period.
        case settle
    }

    let old: KernelState
    let target: VerdictTables
    let targetLegs: [LegKey: VerdictTables.LegStacks]
    let decisions: [DecisionID: UInt32]
    /// What of the target differs; nil: anything may. Of no meaning where the manner is `settle`.
    let changes: TableChanges?
    let manner: Manner
    /// Every address is looked at where what is known without does not suffice.
    let isCareful: Bool
    /// Stacks that a leg goes from, or that no table names.
    let leftStacks: Set<KernelNumber>

    var state: KernelState
    var steps: [TransitionStep] = []
    var exactMoves: [Move<IPAddress>] = []
    var prefixMoves: [Move<AddressBlock>] = []
    var crossings: Set<Crossing> = []
    /// Exact numbers that addresses go from and to.
    var turns: Set<Turn> = []
    var sweeps: [PrefixSweep] = []
    var work = TransitionWork()
    /// What addresses have before the plan, at least.
    var reach: Reach?
    var points: KernelPoints?

    init(
        from old: KernelState, to target: VerdictTables, legs: [LegKey: VerdictTables.LegStacks],
        decisions: [DecisionID: UInt32], changes: TableChanges?, manner: Manner, isCareful: Bool
    ) {
        self.old = old
        self.target = target
        targetLegs = legs
        self.decisions = decisions
        self.changes = changes
        self.manner = manner
        self.isCareful = isCareful
        leftStacks = Self.leftStacks(old, legs)
        state = old
        reach = old.reach
    }

    /// nil when the manner does not keep every verdict whole.
    mutating func plan() throws(TransitionError) -> Transition? {
        try planMoves()
        if isCareful { lookAtAll() }
        findCrossings()
        var kept: [StackID: KernelNumber] = [:]
        var additions: [(stack: KernelNumber, pairs: [Combination: StackConduct.Value])] = []
        var successions: [StackSuccession] = []
        let successors = successors()
        for stack in old.liveStacks.sorted() {
            if let id = successors[stack], let succession = succession(of: stack, by: id) {
                kept[id] = stack
                additions.append((stack, succession.conduct.additions))
                successions.append(succession)
            } else if let follows = conduct(of: stack, following: true) {
                if let id = old.stackMeanings[stack] { kept[id] = stack }
                additions.append((stack, follows.additions))
            } else if let neutral = conduct(of: stack, following: false) {
                additions.append((stack, neutral.additions))
            } else {
                return nil
            }
        }
        try build(additions, kept: kept)
        for succession in successions { try carryOut(succession) }
        noteLeftPairs(kept)
        try insertLegs()
        let raisesBound = state.nextNumber != old.nextNumber
        if raisesBound {
            steps.insert(.reserve(next: state.nextNumber), at: 0)
            raiseBounds()
        }
        moveAddresses()
        try checkCapacities()
        let firstCertain = steps.count
        flip()
        if !steps.isEmpty, manner != .settle {
            state.epoch += 1
            steps.append(.epoch(state.epoch))
        }
        removeLegs()
        if !steps.isEmpty { state.isGraced = false }
        return Transition(
            steps: steps, firstCertain: firstCertain, after: state, work: work, target: target, changes: changes)
    }

    mutating func takeNumber() throws(TransitionError) -> KernelNumber {
        guard state.nextNumber < KernelState.numberLimit else {
            throw .numbersExhausted(limit: KernelState.numberLimit - 1)
        }
        defer { state.nextNumber += 1 }
        return state.nextNumber
    }

    private func checkCapacities() throws(TransitionError) {
        let limits = old.limits
        let counts = [
            ("pairs", state.pairCount, limits.pairs), ("exact", state.exact.words.count, limits.exact),
            ("prefixes", state.prefixes.words.count, limits.prefixes),
            ("legs", Set(old.legs.keys).union(targetLegs.keys).count, old.legNumbers.capacity),
        ]
        for (map, needed, capacity) in counts where needed > capacity {
            throw .full(map: map, capacity: capacity, needed: needed)
        }
    }
}
