import PolicyModel

/// The profiles of a world: its Profile objects, one that each namespace brings and one that each service account brings.
struct OracleProfiles: Sendable {
    private let profiles: [String: Profile]

    init(world: PolicyWorld) {
        var profiles: [String: Profile] = [:]
        for account in world.serviceAccounts.values {
            let name = Self.name(namespace: account.namespace, serviceAccount: account.name)
            let labels = Self.inherited(account.labels, prefix: "pcsa.", name: account.name)
            profiles[name] = Profile(name: name, labels: labels)
        }
        let allow = [PolicyRule(action: .allow)]
        for namespace in world.namespaces.values {
            let name = Self.name(namespace: namespace.name)
            let labels = Self.inherited(namespace.labels, prefix: "pcns.", name: namespace.name)
            profiles[name] = Profile(name: name, labels: labels, ingress: allow, egress: allow)
        }
        for profile in world.profiles.values { profiles[profile.name] = profile }
        self.profiles = profiles
    }

    /// nil: there is no such profile.
    subscript(name: String) -> Profile? { profiles[name] }

    static func name(namespace: String) -> String { Profile.namespacePrefix + namespace }

    static func name(namespace: String, serviceAccount: String) -> String {
        "\(Profile.serviceAccountPrefix)\(namespace).\(serviceAccount)"
    }

    /// The names of an endpoint's profiles, in the order in which they are asked; some may not exist.
    func names(of endpoint: WorkloadEndpoint) -> [String] {
        if let names = endpoint.profiles { return names }
        let ofNamespace = Self.name(namespace: endpoint.key.namespace)
        if endpoint.serviceAccount.isEmpty { return [ofNamespace] }
        return [ofNamespace, Self.name(namespace: endpoint.key.namespace, serviceAccount: endpoint.serviceAccount)]
    }

    /// The labels that these profiles give; of two that give the same one, the first.
    func labels(_ names: [String]) -> [String: String] {
        var labels: [String: String] = [:]
        for name in names {
            labels.merge(profiles[name]?.labels ?? [:]) { earlier, _ in earlier }
        }
        return labels
    }

    private static func inherited(_ own: [String: String], prefix: String, name: String) -> [String: String] {
        var labels: [String: String] = [:]
        for (key, value) in own { labels[prefix + key] = value }
        labels["\(prefix)projectcalico.org/name"] = name
        return labels
    }
}
