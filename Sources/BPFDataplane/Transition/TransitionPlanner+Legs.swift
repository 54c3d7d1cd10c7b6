import PolicyEngine
import PolicyModel

/// The legs: their bounds, the flip, and their coming and going.
extension TransitionPlanner {
    private static let generations: UInt32 = 4

    /// New legs are there without a table, dropping, before they get one: then the flip cannot fail.
    mutating func insertLegs() throws(TransitionError) {
        for key in targetLegs.keys.sorted(by: { ($0.slot, $0.address) < ($1.slot, $1.address) })
        where old.legs[key] == nil {
            guard let number = state.legNumbers.take() else {
                throw .full(map: "legs", capacity: old.legNumbers.capacity, needed: old.legNumbers.capacity + 1)
            }
            steps.append(.leg(key, number: number))
            state.legs[key] = KernelState.LegState(number: number, ingress: 0, egress: 0)
        }
    }

    mutating func raiseBounds() {
        for leg in old.legs.values {
            for direction in Direction.allCases {
                let word = StackWord(stack: leg[direction], bound: state.nextNumber)
                steps.append(.word(leg: leg.number, direction, generation: old.generation, word))
            }
        }
    }

    /// One leg's word, or the words of another generation and then its number: each leg and direction changes once.
    mutating func flip() {
        var changed: [(leg: KernelState.LegState, direction: Direction, stack: KernelNumber)] = []
        var fresh: [KernelState.LegState] = []
        for (key, leg) in state.legs {
            let wanted = targetLegs[key]
            for direction in Direction.allCases {
                let stack = wanted.flatMap { state.kernelStacks[$0[direction]] } ?? 0
                guard stack != leg[direction] else { continue }
                if old.legs[key] != nil { changed.append((leg, direction, stack)) }
                state.legs[key]?[direction] = stack
            }
            if old.legs[key] == nil, let made = state.legs[key] { fresh.append(made) }
        }
        if let only = changed.first, changed.count == 1 {
            write(only.leg.number, only.direction, only.stack, generation: state.generation)
        } else if changed.count > 1 {
            nextGeneration()
        }
        for leg in fresh {
            for generation in 0..<Self.generations {
                for direction in Direction.allCases { write(leg.number, direction, leg[direction], generation: generation) }
            }
        }
    }

    private mutating func nextGeneration() {
        // A packet may still be on the generation whose words these were.
        if state.ungracedGenerations >= Int(Self.generations) - 1 {
            steps.append(.grace)
            state.ungracedGenerations = 0
        }
        state.generation = (state.generation + 1) % Self.generations
        state.ungracedGenerations += 1
        for (key, leg) in state.legs where old.legs[key] != nil {
            for direction in Direction.allCases {
                write(leg.number, direction, leg[direction], generation: state.generation)
            }
        }
        steps.append(.generation(state.generation))
    }

    private mutating func write(_ leg: UInt32, _ direction: Direction, _ stack: KernelNumber, generation: UInt32) {
        let word = stack == 0 ? .noTable : StackWord(stack: stack, bound: state.nextNumber)
        steps.append(.word(leg: leg, direction, generation: generation, word))
    }

    mutating func removeLegs() {
        for (key, leg) in old.legs where targetLegs[key] == nil {
            steps.append(.removeLeg(key))
            state.legs[key] = nil
            state.leavingLegs.append(leg.number)
        }
    }
}
