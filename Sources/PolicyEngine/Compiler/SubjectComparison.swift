import PolicyModel

/// The labels of a local endpoint that rules compare their peers with, by the sorted `RuleOwner.subjectKeys`; nil: it has
/// no such label. Empty where rules compare with nothing.
typealias SubjectValues = [String?]

/// Rules with `sameNamespace()` and `sameLabel(KEY)`, for endpoints whose labels are known.
struct SubjectComparison {
    private let values: [String: String]

    init(keys: [String], values: SubjectValues) {
        var known: [String: String] = [:]
        for (key, value) in zip(keys, values) { known[key] = value }
        self.values = known
    }

    /// The same rule with plain comparisons.
    func resolved(_ rule: PolicyRule) -> PolicyRule {
        var rule = rule
        rule.source = resolved(rule.source)
        rule.destination = resolved(rule.destination)
        return rule
    }

    private func resolved(_ side: EntityRule) -> EntityRule {
        guard !side.subjectKeys.isEmpty else { return side }
        var side = side
        side.selector = side.selector.map(resolved)
        side.notSelector = side.notSelector.map(resolved)
        return side
    }

    private func resolved(_ selector: Selector) -> Selector {
        switch selector {
        case .sameNamespace: equals(SystemLabel.namespace)
        case .sameLabel(let key): equals(key)
        case .not(let inner): .not(resolved(inner))
        case .and(let parts): .and(parts.map(resolved))
        case .or(let parts): .or(parts.map(resolved))
        default: selector
        }
    }

    private func equals(_ key: String) -> Selector {
        values[key].map { .equals(key: key, value: $0) } ?? .not(.all)
    }
}

extension EntityRule {
    /// The labels of the local endpoint that its selectors compare with.
    var subjectKeys: Set<String> {
        (selector?.subjectKeys ?? []).union(notSelector?.subjectKeys ?? [])
    }
}
