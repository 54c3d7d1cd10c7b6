import PolicyEngine
import PolicyModel

/// The labels of endpoints as selectors see them, for those that somebody asked for.
struct EndpointLabels {
    /// Of endpoints of the world alone: what departs must not be remembered.
    private(set) var known: [EndpointKey: [String: String]] = [:]

    /// O(changes), and O(known) where one changes what others inherit.
    mutating func follow(_ changes: [WorldChange]) {
        for change in changes {
            switch change {
            case .endpoint(let key, _): known[key] = nil
            case .namespace, .serviceAccount, .profile: known = [:]
            case .tier, .networkSet, .endpointSlice, .policy, .staged: break
            }
        }
    }

    /// nil for an endpoint that is nowhere.
    ///
    /// - Parameter departed: endpoints that were in the world shortly before.
    mutating func labels(
        of key: EndpointKey, in world: PolicyWorld, departed: [EndpointKey: WorkloadEndpoint]
    ) -> [String: String]? {
        if let labels = known[key] { return labels }
        guard let endpoint = world.endpoints[key] ?? departed[key] else { return nil }
        let labels = PolicyOracle(world: world.origins(of: endpoint)).effectiveLabels(of: key)
        if world.endpoints[key] != nil { known[key] = labels }
        return labels
    }
}

extension PolicyWorld {
    /// An endpoint and what its labels come from.
    fileprivate func origins(of endpoint: WorkloadEndpoint) -> PolicyWorld {
        var origins = PolicyWorld(endpoints: [endpoint.key: endpoint])
        let room = endpoint.key.namespace
        let account = NamespacedName(namespace: room, name: endpoint.serviceAccount)
        origins.namespaces[room] = namespaces[room]
        origins.serviceAccounts[account] = serviceAccounts[account]
        var names = endpoint.profiles ?? [Profile.namespacePrefix + room]
        if endpoint.profiles == nil { names.append("\(Profile.serviceAccountPrefix)\(room).\(account.name)") }
        for name in names {
            origins.profiles[name] = profiles[name]
            if name.hasPrefix(Profile.namespacePrefix) {
                let namespace = String(name.dropFirst(Profile.namespacePrefix.count))
                origins.namespaces[namespace] = namespaces[namespace]
            } else if name.hasPrefix(Profile.serviceAccountPrefix) {
                let parts = name.dropFirst(Profile.serviceAccountPrefix.count).split(separator: ".", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { continue }
                let account = NamespacedName(namespace: parts[0], name: parts[1])
                origins.serviceAccounts[account] = serviceAccounts[account]
            }
        }
        return origins
    }
}
