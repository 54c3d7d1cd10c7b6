import PolicyModel

/// Finds labels for which formulas hold and others do not, or that there are none.
///
/// Values are any texts: that some texts are no label's value is not used, so that "there are none" is never said wrongly.
struct LabelSolver {
    /// A formula, and whether it shall hold.
    struct Goal {
        var formula: Selector
        var holds: Bool

        init(_ formula: Selector, _ holds: Bool = true) {
            self.formula = formula
            self.holds = holds
        }

        func isMet(by labels: [String: String]) -> Bool { LabelSolver.matches(formula, labels) == holds }
    }

    /// Choices that may be tried; at 0 the solver gives up.
    private(set) var steps: Int

    init(steps: Int) { self.steps = steps }

    var isExhausted: Bool { steps <= 0 }

    /// nil: there are none, or the steps are used up.
    mutating func labels(for goals: [Goal]) -> [String: String]? { solve(goals, [:]) }

    private mutating func solve(_ goals: [Goal], _ known: [String: LabelConstraint]) -> [String: String]? {
        var goals = goals
        var known = known
        // What leaves a choice is put off until everything else is known.
        var choices: [Goal] = []
        while let goal = goals.popLast() {
            switch (goal.formula, goal.holds) {
            case (.all, true), (.global, true): continue
            case (.all, false), (.global, false): return nil
            case (.not(let inner), let holds): goals.append(Goal(inner, !holds))
            case (.and(let parts), true): goals += parts.map { Goal($0) }
            case (.or(let parts), false): goals += parts.map { Goal($0, false) }
            case (.and, false), (.or, true): choices.append(goal)
            default:
                guard let key = goal.formula.key else { continue }
                var constraint = known[key] ?? LabelConstraint()
                constraint.add(goal.formula, holds: goal.holds)
                guard constraint.isPossible else { return nil }
                known[key] = constraint
            }
        }
        guard var choice = choices.popLast() else { return known.compactMapValues(\.example) }
        // Those with few ways first: what they settle takes ways from the others.
        if let best = choices.indices.min(by: { choices[$0].ways < choices[$1].ways }), choices[best].ways < choice.ways {
            swap(&choices[best], &choice)
        }
        let parts: [Selector]
        switch choice.formula {
        case .and(let all), .or(let all): parts = all
        default: parts = []
        }
        for part in parts {
            steps -= 1
            if steps <= 0 { return nil }
            if let found = solve(choices + [Goal(part, choice.holds)], known) { return found }
        }
        return nil
    }

    /// Whether labels match a formula of `LabelFormula`.
    static func matches(_ formula: Selector, _ labels: [String: String]) -> Bool {
        switch formula {
        case .all, .global: return true
        case .has(let key): return labels[key] != nil
        case .equals(let key, let value): return labels[key] == value
        case .notEquals(let key, let value): return labels[key] != value
        case .isIn(let key, let values): return labels[key].map { values.contains($0) } ?? false
        case .isNotIn(let key, let values): return labels[key].map { !values.contains($0) } ?? true
        case .contains(let key, let value): return labels[key].map { LabelConstraint.text($0, contains: value) } ?? false
        case .startsWith(let key, let value): return labels[key].map { $0.utf8.starts(with: value.utf8) } ?? false
        case .endsWith(let key, let value): return labels[key].map { LabelConstraint.text($0, endsWith: value) } ?? false
        case .not(let inner): return !matches(inner, labels)
        case .and(let parts): return parts.allSatisfy { matches($0, labels) }
        case .or(let parts): return parts.contains { matches($0, labels) }
        // `LabelFormula` makes other conditions of these.
        case .sameNamespace, .sameLabel: return false
        }
    }
}

extension LabelSolver.Goal {
    fileprivate var ways: Int {
        switch formula {
        case .and(let parts), .or(let parts): parts.count
        default: 1
        }
    }
}

extension Selector {
    /// The label that a comparison is about; nil for what is no comparison.
    fileprivate var key: String? {
        switch self {
        case .has(let key), .equals(let key, _), .notEquals(let key, _), .contains(let key, _), .startsWith(let key, _),
            .endsWith(let key, _), .isIn(let key, _), .isNotIn(let key, _):
            key
        default: nil
        }
    }
}
