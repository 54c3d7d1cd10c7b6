import PolicyModel

/// The values of labels that the selectors of worlds tell apart.
struct LabelValues {
    /// By key, without the prefixes of inherited labels.
    private(set) var ofPods: [String: Set<String>] = [:]
    private(set) var ofNamespaces: [String: Set<String>] = [:]
    /// Service accounts that are mentioned, and `default`.
    private(set) var accounts: Set<String> = ["default"]
    /// Namespaces that are mentioned by name.
    private(set) var namespaceNames: Set<String> = []
    private var selectsAccounts = false
    /// Parts of values, by key: one value may hold two of them.
    private var parts: [String: Set<String>] = [:]

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
        add(selector, prefix: "pcns.")
    }

    /// - Parameter prefix: of the labels that the keys of the selector mean.
    private mutating func add(_ selector: Selector, prefix: String = "") {
        switch selector {
        case .all, .global, .sameNamespace: break
        case .has(let key), .sameLabel(let key): add(prefix + key, [])
        case .equals(let key, let value), .notEquals(let key, let value): add(prefix + key, [value])
        case .contains(let key, let value), .startsWith(let key, let value), .endsWith(let key, let value):
            var values: Set<String> = [value]
            for known in parts[prefix + key] ?? [] { values.formUnion([known + value, value + known]) }
            parts[prefix + key, default: []].insert(value)
            add(prefix + key, values)
        case .isIn(let key, let values), .isNotIn(let key, let values): add(prefix + key, values)
        case .not(let inner): add(inner, prefix: prefix)
        case .and(let parts), .or(let parts): for part in parts { add(part, prefix: prefix) }
        }
    }

    /// What stands for every value that no selector mentions. A part of a value of a user is not found in it.
    private static let other = "0-other-0"

    private mutating func add(_ key: String, _ values: Set<String>) {
        if ["pcns." + Namespace.nameLabel, "pcns.projectcalico.org/name", SystemLabels.namespace].contains(key) {
            namespaceNames.formUnion(values)
        }
        // Where it runs is not a label that a pod may choose.
        guard !key.hasPrefix("projectcalico.org/"), !key.hasPrefix("pcsa.") else { return }
        if key.hasPrefix("pcns.") {
            let key = String(key.dropFirst("pcns.".count))
            guard !key.hasPrefix("projectcalico.org/"), key != Namespace.nameLabel else { return }
            ofNamespaces[key, default: [Self.other]].formUnion(values)
        } else {
            ofPods[key, default: [Self.other]].formUnion(values)
        }
    }
}
