import PolicyModel

/// Somebody whom selectors can find.
struct OraclePeer: Sendable {
    /// `NAMESPACE/NAME` of an endpoint, `NetworkSet NAMESPACE/NAME` or `GlobalNetworkSet NAME`.
    let name: String
    /// Its own, those that tell where it is, and those of its profiles.
    let labels: [String: String]
    /// None for a network set.
    let ports: [NamedPort]
}

/// The endpoints and network sets of a world, by address.
struct OraclePeers: Sendable {
    /// The endpoints that claim an address, by key.
    let owners: [IPAddress: [EndpointKey]]
    let endpoints: [EndpointKey: OraclePeer]
    let networkSets: [(nets: [AddressBlock], peer: OraclePeer)]

    init(world: PolicyWorld, profiles: OracleProfiles) {
        var owners: [IPAddress: [EndpointKey]] = [:]
        for (key, endpoint) in world.endpoints {
            for address in Set(endpoint.addresses) { owners[address, default: []].append(key) }
        }
        self.owners = owners.mapValues { $0.sorted() }
        endpoints = world.endpoints.mapValues { endpoint in
            OraclePeer(
                name: endpoint.key.description, labels: Self.labels(of: endpoint, profiles), ports: endpoint.ports)
        }
        networkSets = world.networkSets.sorted { $0.key < $1.key }.map { key, set in
            let name = set.namespace.isEmpty ? "GlobalNetworkSet \(set.name)" : "NetworkSet \(key)"
            return (set.nets, OraclePeer(name: name, labels: Self.labels(of: set, profiles), ports: []))
        }
    }

    /// Everybody who has the address: endpoints by key, then network sets by name.
    func at(_ address: IPAddress) -> [OraclePeer] {
        (owners[address] ?? []).compactMap { endpoints[$0] }
            + networkSets.filter { $0.nets.contains { OracleNets.block($0, holds: address) } }.map(\.peer)
    }

    /// Own labels win over inherited ones. Nobody may say for himself where he runs or which labels his namespace and his
    /// service account have, as Calico drops such labels of a WorkloadEndpoint.
    private static func labels(of endpoint: WorkloadEndpoint, _ profiles: OracleProfiles) -> [String: String] {
        var labels = profiles.labels(profiles.names(of: endpoint))
        for (key, value) in endpoint.labels where !key.hasPrefix("pcns.") && !key.hasPrefix("pcsa.") {
            labels[key] = value
        }
        labels["projectcalico.org/namespace"] = endpoint.key.namespace
        labels["projectcalico.org/orchestrator"] = endpoint.orchestrator.isEmpty ? "k8s" : endpoint.orchestrator
        if !endpoint.serviceAccount.isEmpty {
            labels["projectcalico.org/serviceaccount"] = endpoint.serviceAccount
        }
        return labels
    }

    /// A GlobalNetworkSet has no namespace and inherits nothing.
    private static func labels(of set: NetworkSet, _ profiles: OracleProfiles) -> [String: String] {
        guard !set.namespace.isEmpty else { return set.labels }
        var labels = profiles.labels([OracleProfiles.name(namespace: set.namespace)])
        for (key, value) in set.labels { labels[key] = value }
        labels["projectcalico.org/namespace"] = set.namespace
        return labels
    }
}
