import PolicyModel

/// Packets in worlds that may still reach a rule, with one of them as an example.
///
/// A world says who has the packet's two addresses: the endpoint that the policy applies to (`subject`), which has the
/// address of its own side, and any others.
struct ShadowRegion {
    typealias Goal = LabelSolver.Goal

    /// Somebody who has an address.
    private struct Witness {
        var goals: [Goal]
        var labels: [String: String]
    }

    let local: RuleBox.Side
    /// By `TrafficForm.Number`; never empty.
    private(set) var numbers: [NumberSet]
    private var services: [RuleBox.Service: Bool] = [:]
    private var subjectGoals: [Goal] = []
    private(set) var subject: [String: String] = [:]
    private var witnesses: [[Witness]] = [[], []]
    private var refused: [[Selector]] = [[], []]

    /// Every packet of a form at every endpoint.
    init(form: TrafficForm, local: RuleBox.Side) {
        self.local = local
        numbers = form.domains
    }

    // MARK: The example

    /// Whether the example is in the box.
    func example(isIn box: RuleBox) -> Bool {
        for (number, wanted) in zip(numbers, box.numbers) {
            if let wanted, let least = number.least, !wanted.contains(least) { return false }
        }
        for service in box.services where services[service] != true { return false }
        for side in RuleBox.Side.allCases {
            for formula in box.somebody[side.rawValue] where !somebody(on: side, matches: formula) { return false }
            for formula in box.nobody[side.rawValue] where somebody(on: side, matches: formula) { return false }
        }
        return true
    }

    private func somebody(on side: RuleBox.Side, matches formula: Selector) -> Bool {
        labels(on: side).contains { LabelSolver.matches(formula, $0) }
    }

    /// Of those who have the address.
    private func labels(on side: RuleBox.Side) -> [[String: String]] {
        witnesses[side.rawValue].map(\.labels) + (side == local ? [subject] : [])
    }

    // MARK: Parts. Each is nil when nothing is left.

    func with(subject formula: Selector, _ holds: Bool, _ solver: inout LabelSolver) -> ShadowRegion? {
        var region = self
        let goal = Goal(formula, holds)
        region.subjectGoals.append(goal)
        return region.settleSubject(goal, &solver) ? region : nil
    }

    func with(somebodyOn side: RuleBox.Side, _ formula: Selector, _ solver: inout LabelSolver) -> ShadowRegion? {
        let goals = refused[side.rawValue].map { Goal($0, false) } + [Goal(formula)]
        let known = labels(on: side).first { LabelSolver.matches(formula, $0) }
        guard let labels = known ?? solver.labels(for: goals) else { return nil }
        var region = self
        region.witnesses[side.rawValue].append(Witness(goals: [Goal(formula)], labels: labels))
        return region
    }

    func with(nobodyOn side: RuleBox.Side, _ formula: Selector, _ solver: inout LabelSolver) -> ShadowRegion? {
        var region = self
        let goal = Goal(formula, false)
        region.refused[side.rawValue].append(formula)
        for index in region.witnesses[side.rawValue].indices {
            let witness = region.witnesses[side.rawValue][index]
            if goal.isMet(by: witness.labels) { continue }
            let goals = region.refused[side.rawValue].map { Goal($0, false) } + witness.goals
            guard let labels = solver.labels(for: goals) else { return nil }
            region.witnesses[side.rawValue][index].labels = labels
        }
        if side == local {
            region.subjectGoals.append(goal)
            guard region.settleSubject(goal, &solver) else { return nil }
        }
        return region
    }

    func with(_ service: RuleBox.Service, _ holds: Bool) -> ShadowRegion? {
        if let known = services[service] { return known == holds ? self : nil }
        var region = self
        region.services[service] = holds
        return region
    }

    private mutating func settleSubject(_ goal: Goal, _ solver: inout LabelSolver) -> Bool {
        if goal.isMet(by: subject) { return true }
        guard let labels = solver.labels(for: subjectGoals) else { return false }
        subject = labels
        return true
    }

    /// What is both here and in the box.
    func intersection(_ box: RuleBox, _ solver: inout LabelSolver) -> ShadowRegion? {
        var region = self
        for (index, wanted) in box.numbers.enumerated() {
            guard let wanted else { continue }
            region.numbers[index] = region.numbers[index].intersection(wanted)
            if region.numbers[index].isEmpty { return nil }
        }
        for service in box.services {
            guard let next = region.with(service, true) else { return nil }
            region = next
        }
        // Those who must not be there first, so that whoever must be is no such one.
        for side in RuleBox.Side.allCases {
            for formula in box.nobody[side.rawValue] {
                guard let next = region.with(nobodyOn: side, formula, &solver) else { return nil }
                region = next
            }
        }
        for side in RuleBox.Side.allCases {
            for formula in box.somebody[side.rawValue] {
                guard let next = region.with(somebodyOn: side, formula, &solver) else { return nil }
                region = next
            }
        }
        return region
    }

    /// What is here and not in the box, in parts.
    func parts(outside box: RuleBox, _ solver: inout LabelSolver) -> [ShadowRegion] {
        var parts: [ShadowRegion] = []
        var rest = self
        for (index, wanted) in box.numbers.enumerated() {
            guard let wanted else { continue }
            let outside = rest.numbers[index].subtracting(wanted)
            if !outside.isEmpty {
                var part = rest
                part.numbers[index] = outside
                parts.append(part)
            }
            rest.numbers[index] = rest.numbers[index].intersection(wanted)
            if rest.numbers[index].isEmpty { return parts }
        }
        for service in box.services {
            if let part = rest.with(service, false) { parts.append(part) }
        }
        for side in RuleBox.Side.allCases {
            for formula in box.somebody[side.rawValue] {
                if let part = rest.with(nobodyOn: side, formula, &solver) { parts.append(part) }
            }
            for formula in box.nobody[side.rawValue] {
                if let part = rest.with(somebodyOn: side, formula, &solver) { parts.append(part) }
            }
        }
        return parts
    }
}
