import PolicyModel

/// Finds rules of policies that no packet reaches.
///
/// Exact over every field, for every world that could be: any labels, addresses, sets and services. Two things are taken
/// for freer than they are, so that a rule may be passed over but is never accused wrongly: whether a label equals that of
/// the endpoint (`sameLabel(KEY)`), and which labels namespaces of certain names have.
struct ShadowedRules {
    let order: PolicyPlaces
    let direction: Direction
    private var obstacles: [Int: [Obstacle]] = [:]

    init(order: PolicyPlaces, direction: Direction) {
        self.order = order
        self.direction = direction
    }

    private var local: RuleBox.Side { direction == .ingress ? .destination : .source }

    /// Those of the policy at an index of the order.
    mutating func findings(_ index: Int) -> [LintFinding] {
        let entry = order.entries[index]
        let rules = entry.policy.rules(direction)
        let object = LintObject(entry.policy.reference)
        var solver = LabelSolver(steps: LintLimits.solverSteps)
        let anybody = ShadowRegion(form: TrafficForm.all[0], local: local)
        guard anybody.with(subject: entry.subject, true, &solver) != nil else {
            if solver.isExhausted { return [] }
            return [
                LintFinding(
                    .contradiction, object, entry.policy.subjectPath,
                    "no labels meet all that the policy's selectors ask for: it applies to nothing")
            ]
        }
        if rules.isEmpty { return [] }
        let before = order.before(index)
        var findings: [LintFinding] = []
        for written in Self.written(rules) {
            let path = "spec.\(direction.word)[\(written.index)]"
            switch outcome(written.positions, written.index, of: index, after: before) {
            case .reached: continue
            case .undecided:
                findings.append(
                    LintFinding(
                        .notExamined, object, path,
                        "whether a packet reaches this rule was not found out: it and the rules before it are too many-sided"))
            case .blocked(let blockers) where blockers.isEmpty:
                findings.append(
                    LintFinding(.contradiction, object, path, "no packet meets all that this rule asks for: it matches nothing"))
            case .blocked(let blockers):
                findings.append(
                    LintFinding(
                        .unreachableRule, object, path,
                        "no packet reaches this rule: all that it matches is decided before it, by \(text(blockers, for: index))"))
            }
        }
        return findings
    }

    /// Rules as written, each with the positions of those that were made of it.
    private static func written(_ rules: [PolicyRule]) -> [(index: Int, positions: [Int])] {
        var found: [(index: Int, positions: [Int])] = []
        for (position, rule) in rules.enumerated() {
            let index = rule.writtenIndex ?? position
            if found.last?.index == index {
                found[found.count - 1].positions.append(position)
            } else {
                found.append((index, [position]))
            }
        }
        return found
    }

    // MARK: Search

    private mutating func outcome(
        _ positions: [Int], _ written: Int, of index: Int, after before: [Int]
    ) -> ShadowSearch.Outcome {
        var searches: [(search: ShadowSearch, start: [ShadowRegion])] = []
        var solver = LabelSolver(steps: LintLimits.solverSteps)
        var blockers: Set<Blocker> = []
        for form in TrafficForm.all {
            let start = start(positions, of: index, form, &solver)
            if solver.isExhausted { return .undecided }
            if start.isEmpty { continue }
            let search = ShadowSearch(stages: stages(index, written, after: before, form))
            switch search.outcome(start, &solver) {
            case .reached: return .reached
            case .undecided: return .undecided
            case .blocked(let found):
                blockers.formUnion(found)
                searches.append((search, start))
            }
        }
        return .blocked(by: reduced(blockers, searches))
    }

    /// Leaves out blockers without which nothing gets through either.
    private func reduced(
        _ blockers: Set<Blocker>, _ searches: [(search: ShadowSearch, start: [ShadowRegion])]
    ) -> [Blocker] {
        guard blockers.count <= LintLimits.reducedBlockers else { return blockers.sorted() }
        var ignored: Set<Blocker> = []
        for blocker in blockers.sorted().reversed() where ignored.count < blockers.count - 1 {
            let isNeedless = searches.allSatisfy { search, start in
                var search = search
                search.ignored = ignored.union([blocker])
                var solver = LabelSolver(steps: LintLimits.solverSteps)
                if case .blocked = search.outcome(start, &solver) { return true }
                return false
            }
            if isNeedless { ignored.insert(blocker) }
        }
        return blockers.subtracting(ignored).sorted()
    }

    private func start(
        _ positions: [Int], of index: Int, _ form: TrafficForm, _ solver: inout LabelSolver
    ) -> [ShadowRegion] {
        let entry = order.entries[index]
        let rules = entry.policy.rules(direction)
        let boxes = positions.flatMap { RuleBox.boxes(of: rules[$0], in: entry.policy.namespace, form) }
        if boxes.isEmpty { return [] }
        guard let all = ShadowRegion(form: form, local: local).with(subject: entry.subject, true, &solver) else { return [] }
        return boxes.compactMap { all.intersection($0, &solver) }
    }

    private mutating func stages(
        _ index: Int, _ written: Int, after before: [Int], _ form: TrafficForm
    ) -> [[ObstacleGroup]] {
        let own = order.entries[index]
        var stages: [[ObstacleGroup]] = []
        var ends: [ObstacleGroup] = []
        var tier = -1
        func endTier() {
            // Where the end of a tier denies, it does so for whoever some policy of it applies to.
            if let last = stages.indices.last, tier != own.tier { stages[last] += ends }
            ends = []
        }
        for other in before {
            let entry = order.entries[other]
            if entry.tier != tier {
                endTier()
                tier = entry.tier
                stages.append([])
            }
            let content = obstacles(other, form)
            if !content.isEmpty { stages[stages.count - 1].append(ObstacleGroup(subject: entry.subject, obstacles: content[...])) }
            if order.tiers[tier].defaultAction == .deny {
                let end = Obstacle(policy: other, rule: nil, passes: false, boxes: [RuleBox()])
                ends.append(ObstacleGroup(subject: entry.subject, obstacles: [end]))
            }
        }
        endTier()
        if tier != own.tier { stages.append([]) }
        let earlier = obstacles(index, form).prefix { $0.rule ?? .max < written }
        stages[stages.count - 1].append(ObstacleGroup(subject: own.subject, obstacles: earlier))
        return stages
    }

    /// The rules of a policy that decide, in one form of traffic.
    private mutating func obstacles(_ index: Int, _ form: TrafficForm) -> [Obstacle] {
        let key = index * TrafficForm.all.count + form.index
        if let known = obstacles[key] { return known }
        let policy = order.entries[index].policy
        let found = policy.rules(direction).enumerated().compactMap { position, rule -> Obstacle? in
            if rule.action == .log { return nil }
            let boxes = RuleBox.boxes(of: rule, in: policy.namespace, form)
            return boxes.isEmpty
                ? nil
                : Obstacle(policy: index, rule: rule.writtenIndex ?? position, passes: rule.action == .pass, boxes: boxes)
        }
        obstacles[key] = found
        return found
    }

    // MARK: Words

    private func text(_ blockers: [Blocker], for index: Int) -> String {
        let shown = 6
        var parts = blockers.prefix(shown).map { blocker in
            let entry = order.entries[blocker.policy]
            guard let rule = blocker.rule else {
                return "the end of tier \(order.tiers[entry.tier].name), for what \(entry.policy.reference.words) applies to"
            }
            return "rule \(rule) of \(blocker.policy == index ? "this policy" : entry.policy.reference.words)"
        }
        if blockers.count > shown { parts.append("\(blockers.count - shown) more") }
        return parts.joined(separator: ", ")
    }
}
