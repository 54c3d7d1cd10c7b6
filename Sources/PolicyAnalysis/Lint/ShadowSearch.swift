import PolicyModel

/// A rule, or the end of a tier, on the way to a rule that is looked for.
struct Obstacle {
    /// Of the policy that it belongs to, in `PolicyPlaces`.
    var policy: Int
    /// Of the rule as written; nil: the end of the tier.
    var rule: Int?
    /// What matches leaves the tier undecided: the next tier is asked.
    var passes: Bool
    var boxes: [RuleBox]
}

/// The obstacles of one policy.
struct ObstacleGroup {
    var subject: Selector
    /// From 0.
    var obstacles: ArraySlice<Obstacle>
}

/// Decides whether some packet, at some endpoint, in some world gets past every obstacle.
///
/// Takes an example of what may still get through, finds the obstacle that holds it, and goes on with what lies outside
/// that obstacle, until an example gets through or nothing is left.
struct ShadowSearch {
    enum Outcome: Equatable {
        case reached
        /// Nothing gets through; the obstacles that held the examples.
        case blocked(by: [Blocker])
        /// More than `LintLimits.searchSteps`.
        case undecided
    }

    /// By tier, in order; the last is the tier of the rule.
    let stages: [[ObstacleGroup]]
    /// Obstacles that count as absent.
    var ignored: Set<Blocker> = []

    /// - Parameter start: all that matches the rule.
    func outcome(_ start: [ShadowRegion], _ solver: inout LabelSolver) -> Outcome {
        var open = start
        var blockers: Set<Blocker> = []
        var steps = 0
        while let region = open.popLast() {
            steps += 1
            if steps > LintLimits.searchSteps || solver.isExhausted { return .undecided }
            guard let block = block(of: region) else { return .reached }
            blockers.insert(block.blocker)
            let group = stages[block.stage][block.group]
            if block.stage < stages.count - 1 {
                open += passing(region, before: block, &solver)
            }
            if let part = region.with(subject: group.subject, false, &solver) { open.append(part) }
            // The last is tried first: what differs in numbers is found at once.
            open += region.parts(outside: block.box, &solver).reversed()
        }
        if solver.isExhausted { return .undecided }
        return .blocked(by: blockers.sorted())
    }

    private struct Block {
        var stage: Int
        var group: Int
        var obstacle: Int
        var box: RuleBox
        var blocker: Blocker
    }

    /// The obstacle that holds the example of a region; nil: it gets through.
    private func block(of region: ShadowRegion) -> Block? {
        for (stage, groups) in stages.enumerated() {
            groups: for (group, content) in groups.enumerated() {
                guard LabelSolver.matches(content.subject, region.subject) else { continue }
                for (index, obstacle) in content.obstacles.enumerated() {
                    guard let box = obstacle.boxes.first(where: region.example(isIn:)) else { continue }
                    if obstacle.passes && stage < stages.count - 1 { break groups }
                    let blocker = Blocker(policy: obstacle.policy, rule: obstacle.rule)
                    if ignored.contains(blocker) { continue }
                    return Block(stage: stage, group: group, obstacle: index, box: box, blocker: blocker)
                }
            }
        }
        return nil
    }

    /// The parts of a region that leave the tier by a rule that comes before the obstacle.
    private func passing(_ region: ShadowRegion, before block: Block, _ solver: inout LabelSolver) -> [ShadowRegion] {
        var parts: [ShadowRegion] = []
        for (index, group) in stages[block.stage][...block.group].enumerated() {
            let obstacles = index == block.group ? group.obstacles[..<block.obstacle] : group.obstacles
            for obstacle in obstacles where obstacle.passes {
                guard let selected = region.with(subject: group.subject, true, &solver) else { continue }
                for box in obstacle.boxes {
                    if let part = selected.intersection(box, &solver) { parts.append(part) }
                }
            }
        }
        return parts
    }
}

/// Names an obstacle.
struct Blocker: Hashable, Comparable {
    var policy: Int
    /// nil: the end of the policy's tier.
    var rule: Int?

    static func < (left: Self, right: Self) -> Bool {
        (left.policy, left.rule ?? .max) < (right.policy, right.rule ?? .max)
    }
}
