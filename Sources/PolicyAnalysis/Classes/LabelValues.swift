import PolicyModel

/// The values of labels that the selectors of worlds tell apart.
struct LabelValues {
    /// By key, without the prefixes of inherited labels.
    var ofPods: [String: Set<String>] { values.filter { !$0.key.hasPrefix(Self.ofNamespace) }.mapValues(\.all) }
    var ofNamespaces: [String: Set<String>] {
        let inherited = values.filter { $0.key.hasPrefix(Self.ofNamespace) }
        return Dictionary(uniqueKeysWithValues: inherited.map { (String($0.key.dropFirst(Self.ofNamespace.count)), $0.value.all) })
    }
    /// Service accounts that are mentioned, and `default`.
    private(set) var accounts: Set<String> = ["default"]
    /// Namespaces that are mentioned by name.
    private(set) var namespaceNames: Set<String> = []
    private var selectsAccounts = false
    /// By key, with the prefix of inherited labels.
    private var values: [String: KeyValues] = [:]
    private static let ofNamespace = "pcns."

    mutating func add(_ world: PolicyWorld) {
        for policy in world.policies.values {
            add(policy.selector)
            if let selector = policy.namespaceSelector { add(selector) }
            if policy.serviceAccountSelector != nil { selectsAccounts = true }
            for rule in policy.ingress + policy.egress {
                add(rule.source)
                add(rule.destination)
            }
        }
        for profile in world.profiles.values {
            for rule in profile.ingress + profile.egress {
                add(rule.source)
                add(rule.destination)
            }
        }
    }

    /// The accounts by which pods of a namespace may differ.
    func accounts(in namespace: String, _ world: PolicyWorld) -> Set<String> {
        guard selectsAccounts else { return accounts }
        return accounts.union(world.serviceAccounts.keys.lazy.filter { $0.namespace == namespace }.map(\.name))
    }

    private mutating func add(_ entity: EntityRule) {
        if let selector = entity.selector { add(selector) }
        if let selector = entity.notSelector { add(selector) }
        if let selector = entity.namespaceSelector { add(selector) }
        if let match = entity.serviceAccounts {
            accounts.formUnion(match.names)
            if match.selector != nil { selectsAccounts = true }
        }
    }

    private mutating func add(_ selector: NamespaceSelector) {
        guard case .matching(let selector) = selector else { return }
        add(selector, prefix: Self.ofNamespace)
    }

    /// - Parameter prefix: of the labels that the keys of the selector mean.
    private mutating func add(_ selector: Selector, prefix: String = "") {
        switch selector {
        case .all, .global, .sameNamespace: break
        case .has(let key), .sameLabel(let key): add(prefix + key) { _ in }
        case .equals(let key, let value), .notEquals(let key, let value): add(prefix + key) { $0.whole.insert(value) }
        case .contains(let key, let value): add(prefix + key) { $0.parts.insert(value) }
        case .startsWith(let key, let value): add(prefix + key) { $0.starts.insert(value) }
        case .endsWith(let key, let value): add(prefix + key) { $0.ends.insert(value) }
        case .isIn(let key, let values), .isNotIn(let key, let values): add(prefix + key) { $0.whole.formUnion(values) }
        case .not(let inner): add(inner, prefix: prefix)
        case .and(let parts), .or(let parts): for part in parts { add(part, prefix: prefix) }
        }
    }

    private mutating func add(_ key: String, _ change: (inout KeyValues) -> Void) {
        var found = values[key] ?? KeyValues()
        change(&found)
        if [Self.ofNamespace + Namespace.nameLabel, Self.ofNamespace + "projectcalico.org/name", SystemLabels.namespace].contains(key) {
            return namespaceNames.formUnion(found.whole)
        }
        // Where it runs and as whom is not what a pod may say in labels.
        guard !key.hasPrefix("projectcalico.org/"), !key.hasPrefix("pcsa."),
            !key.hasPrefix(Self.ofNamespace + "projectcalico.org/")
        else { return }
        values[key] = found
    }
}

/// What selectors say of the values of one key.
private struct KeyValues {
    var whole: Set<String> = []
    var starts: Set<String> = []
    var parts: Set<String> = []
    var ends: Set<String> = []

    /// Stands for every value of which no selector says anything, and between parts. No character of it is in what a selector
    /// looks for within values, so that none finds anything that was not put there.
    private var other: String {
        let sought = Set(starts.union(parts).union(ends).joined())
        let texts = ["0-other-0"] + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.".map { String($0) }
        // No label may have the last, and few selectors ask for it.
        return texts.first { sought.isDisjoint(with: $0) && !whole.contains($0) } ?? "\u{E000}"
    }
    /// More parts of values than these are only joined two by two.
    private static let maximumParts = 5

    /// One value for each combination of answers that selectors may give.
    var all: Set<String> {
        let other = other
        var values = whole.union([other])
        let parts = parts.sorted()
        guard !(parts.isEmpty && starts.isEmpty && ends.isEmpty) else { return values }
        let subsets: [[String]]
        if parts.count <= Self.maximumParts {
            subsets = parts.reduce([[]]) { known, part in known + known.map { $0 + [part] } }
        } else {
            subsets = [[]] + parts.map { [$0] } + parts.flatMap { first in parts.map { [first, $0] } }
        }
        for start in [other] + starts.sorted() {
            for end in [other] + ends.sorted() {
                for subset in subsets { values.insert(([start] + subset + [end]).joined(separator: other)) }
            }
        }
        return values
    }
}
