import PolicyModel

/// The labels that selectors see, and their evaluation.
struct OracleLabels: Sendable {
    /// Of each endpoint: its own, and those that Calico adds.
    let effective: [EndpointKey: [String: String]]
    /// Of each existing namespace: what a namespace selector sees.
    let namespaces: [String: [String: String]]
    /// The endpoints that claim an address, by key.
    let owners: [IPAddress: [EndpointKey]]

    init(world: PolicyWorld) {
        var namespaces: [String: [String: String]] = [:]
        for namespace in world.namespaces.values {
            namespaces[namespace.name] = namespace.labels
            namespaces[namespace.name]?["projectcalico.org/name"] = namespace.name
        }
        var effective: [EndpointKey: [String: String]] = [:]
        var owners: [IPAddress: [EndpointKey]] = [:]
        for (key, endpoint) in world.endpoints {
            effective[key] = Self.effectiveLabels(of: endpoint, namespaceLabels: namespaces[key.namespace])
            for address in Set(endpoint.addresses) { owners[address, default: []].append(key) }
        }
        self.namespaces = namespaces
        self.effective = effective
        self.owners = owners.mapValues { $0.sorted() }
    }

    /// `namespaceLabels` is nil when the namespace does not exist: then there is no profile to inherit from. As in
    /// Calico, an endpoint's own labels win over the inherited ones, and nobody may say for himself where he runs.
    private static func effectiveLabels(
        of endpoint: WorkloadEndpoint, namespaceLabels: [String: String]?
    ) -> [String: String] {
        var labels: [String: String] = [:]
        for (key, value) in namespaceLabels ?? [:] { labels["pcns.\(key)"] = value }
        for (key, value) in endpoint.labels { labels[key] = value }
        labels["projectcalico.org/namespace"] = endpoint.key.namespace
        labels["projectcalico.org/orchestrator"] = endpoint.orchestrator.isEmpty ? "k8s" : endpoint.orchestrator
        return labels
    }

    /// False for an endpoint that is not in the world.
    func endpoint(_ key: EndpointKey, matches selector: Selector) -> Bool {
        guard let labels = effective[key] else { return false }
        return Self.evaluate(selector, labels, global: true)
    }

    /// Whether the endpoint is in a namespace that the selector means. A namespace that does not exist has no labels.
    func namespace(of key: EndpointKey, matches selector: NamespaceSelector) -> Bool {
        switch selector {
        case .global: false
        // Every endpoint has a namespace, so a `global()` inside a larger selector is false.
        case .matching(let selector): Self.evaluate(selector, namespaces[key.namespace] ?? [:], global: false)
        }
    }

    private static func evaluate(_ selector: Selector, _ labels: [String: String], global: Bool) -> Bool {
        switch selector {
        case .all:
            return true
        case .global:
            return global
        case .has(let key):
            return labels[key] != nil
        case .equals(let key, let value):
            guard let actual = labels[key] else { return false }
            return actual == value
        case .notEquals(let key, let value):
            guard let actual = labels[key] else { return true }
            return actual != value
        case .contains(let key, let value):
            guard let actual = labels[key] else { return false }
            return occurs(Array(value.utf8), in: Array(actual.utf8))
        case .startsWith(let key, let value):
            guard let actual = labels[key] else { return false }
            return Array(actual.utf8).starts(with: Array(value.utf8))
        case .endsWith(let key, let value):
            guard let actual = labels[key] else { return false }
            return Array(actual.utf8).reversed().starts(with: Array(value.utf8).reversed())
        case .isIn(let key, let values):
            guard let actual = labels[key] else { return false }
            return values.contains(actual)
        case .isNotIn(let key, let values):
            guard let actual = labels[key] else { return true }
            return !values.contains(actual)
        case .not(let inner):
            return !evaluate(inner, labels, global: global)
        case .and(let parts):
            return parts.allSatisfy { evaluate($0, labels, global: global) }
        case .or(let parts):
            return parts.contains { evaluate($0, labels, global: global) }
        }
    }

    private static func occurs(_ part: [UInt8], in whole: [UInt8]) -> Bool {
        guard part.count <= whole.count else { return false }
        return (0...(whole.count - part.count)).contains { whole.dropFirst($0).starts(with: part) }
    }
}
