import PolicyModel

/// Whether labels match a selector.
enum OracleSelectors {
    private static let namespaceKey = "projectcalico.org/namespace"

    /// A `selector`, over the labels as they are. `subject`: the labels of the endpoint that the policy applies to, where
    /// the selector stands in one of its rules.
    static func matches(_ selector: Selector, _ labels: [String: String], subject: [String: String]? = nil) -> Bool {
        evaluate(selector, Reading(labels: labels, prefix: "", all: true, global: true, subject: subject))
    }

    /// A `namespaceSelector`: its keys are those of the namespace, which are inherited as `pcns.KEY`; `all()` means whoever
    /// is in a namespace and `global()` who is in none.
    static func matches(_ selector: NamespaceSelector, _ labels: [String: String]) -> Bool {
        let hasNamespace = labels[namespaceKey] != nil
        switch selector {
        case .global: return !hasNamespace
        case .matching(let selector):
            return evaluate(selector, Reading(labels: labels, prefix: "pcns.", all: hasNamespace, global: !hasNamespace))
        }
    }

    /// A selector of service accounts: its keys are those of the account, which are inherited as `pcsa.KEY`. As in Calico,
    /// `all()` is true also without an account.
    static func matches(serviceAccounts selector: Selector, _ labels: [String: String]) -> Bool {
        evaluate(selector, Reading(labels: labels, prefix: "pcsa.", all: true, global: true))
    }

    /// What the words of a selector stand for.
    private struct Reading {
        let labels: [String: String]
        let prefix: String
        let all: Bool
        let global: Bool
        var subject: [String: String]?

        subscript(key: String) -> String? { labels[prefix.isEmpty ? key : prefix + key] }
    }

    private static func evaluate(_ selector: Selector, _ reading: Reading) -> Bool {
        switch selector {
        case .all:
            return reading.all
        case .global:
            return reading.global
        case .has(let key):
            return reading[key] != nil
        case .equals(let key, let value):
            guard let actual = reading[key] else { return false }
            return actual == value
        case .notEquals(let key, let value):
            guard let actual = reading[key] else { return true }
            return actual != value
        case .contains(let key, let value):
            guard let actual = reading[key] else { return false }
            return occurs(Array(value.utf8), in: Array(actual.utf8))
        case .startsWith(let key, let value):
            guard let actual = reading[key] else { return false }
            return actual.utf8.starts(with: value.utf8)
        case .endsWith(let key, let value):
            guard let actual = reading[key] else { return false }
            return actual.utf8.reversed().starts(with: value.utf8.reversed())
        case .isIn(let key, let values):
            guard let actual = reading[key] else { return false }
            return values.contains(actual)
        case .isNotIn(let key, let values):
            guard let actual = reading[key] else { return true }
            return !values.contains(actual)
        case .sameNamespace:
            guard let own = reading.subject?[namespaceKey], let actual = reading.labels[namespaceKey] else { return false }
            return actual == own
        case .sameLabel(let key):
            guard let own = reading.subject?[key], let actual = reading.labels[key] else { return false }
            return actual == own
        case .not(let inner):
            return !evaluate(inner, reading)
        case .and(let parts):
            return parts.allSatisfy { evaluate($0, reading) }
        case .or(let parts):
            return parts.contains { evaluate($0, reading) }
        }
    }

    private static func occurs(_ part: [UInt8], in whole: [UInt8]) -> Bool {
        guard part.count <= whole.count else { return false }
        return (0...(whole.count - part.count)).contains { whole.dropFirst($0).starts(with: part) }
    }
}
