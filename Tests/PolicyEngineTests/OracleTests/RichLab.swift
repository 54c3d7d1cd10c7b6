import PolicyModel

/// The cast of the cases about peers of every kind.
extension Lab {
    /// As `world`, with service accounts, named ports, network sets and services.
    ///
    /// | who | addresses | account | ports |
    /// |---|---|---|---|
    /// | shop/web | 10.0.0.1, 2001:db8::1 | clerk | admin tcp/9000 |
    /// | shop/db | 10.0.0.2, 2001:db8::2 | robot | sql tcp/5432, dns udp/53 |
    /// | bank/web | 10.0.1.1, 2001:db8:0:1::1 | clerk | http tcp/8080 |
    /// | bank/vault | 10.0.1.2, 2001:db8:0:1::2 | | http tcp/9090, http udp/9091 |
    /// | ghost/lost | 10.0.9.1 | clerk | http tcp/7070 |
    /// | NetworkSet shop/partners | 198.51.100.0/24 | | |
    /// | NetworkSet bank/branches | 198.51.101.0/24 | | |
    /// | GlobalNetworkSet feeds | 203.0.113.0/24, 2001:db8:f::/48 | | |
    static let rich: PolicyWorld = {
        var world = Lab.world
        let endpoints = [
            endpoint(
                "shop/web", ["app": "web", "env": "prod"], ["10.0.0.1", "2001:db8::1"],
                ports: [NamedPort(name: "admin", transport: .tcp, port: 9000)], account: "clerk"),
            endpoint(
                "shop/db", ["app": "db"], ["10.0.0.2", "2001:db8::2"],
                ports: [
                    NamedPort(name: "sql", transport: .tcp, port: 5432), NamedPort(name: "dns", transport: .udp, port: 53),
                ], account: "robot"),
            endpoint(
                "bank/web", ["app": "web"], ["10.0.1.1", "2001:db8:0:1::1"],
                ports: [NamedPort(name: "http", transport: .tcp, port: 8080)], account: "clerk"),
            endpoint(
                "bank/vault", ["app": "vault", "env": "production"], ["10.0.1.2", "2001:db8:0:1::2"],
                ports: [
                    NamedPort(name: "http", transport: .tcp, port: 9090),
                    NamedPort(name: "http", transport: .udp, port: 9091),
                ]),
            endpoint(
                "ghost/lost", ["app": "web"], ["10.0.9.1"],
                ports: [NamedPort(name: "http", transport: .tcp, port: 7070)], account: "clerk"),
        ]
        for endpoint in endpoints { world.endpoints[endpoint.key] = endpoint }
        let accounts = [
            ServiceAccount(namespace: "shop", name: "clerk", labels: ["rank": "low", "team": "front"]),
            ServiceAccount(namespace: "shop", name: "robot"),
            ServiceAccount(namespace: "bank", name: "clerk", labels: ["rank": "high"]),
        ]
        for account in accounts {
            world.serviceAccounts[NamespacedName(namespace: account.namespace, name: account.name)] = account
        }
        let sets = [
            set("shop/partners", ["kind": "partner"], ["198.51.100.0/24"]),
            set("bank/branches", ["kind": "partner"], ["198.51.101.0/24"]),
            set("/feeds", ["kind": "feed"], ["203.0.113.0/24", "2001:db8:f::/48"]),
        ]
        for set in sets { world.networkSets[NamespacedName(namespace: set.namespace, name: set.name)] = set }
        let slices = [
            slice("shop/db-1", of: "db", ["10.0.0.2"], [(.tcp, 5432)]),
            slice("shop/db-2", of: "db", ["198.51.100.7"], [(.tcp, 6432)]),
            slice("bank/api-1", of: "api", ["10.0.1.1", "10.0.1.2"], [(.tcp, 8080), (.udp, 8081)]),
            slice("bank/db-1", of: "db", ["10.0.1.2"], [(.tcp, 5432)]),
        ]
        for slice in slices { world.endpointSlices[NamespacedName(namespace: slice.namespace, name: slice.name)] = slice }
        return world
    }()

    /// `NAMESPACE/NAME`, or `/NAME` for a global one.
    static func set(_ name: String, _ labels: [String: String], _ nets: [String]) -> NetworkSet {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        return NetworkSet(namespace: parts[0], name: parts[1], labels: labels, nets: nets.map { AddressBlock($0)! })
    }

    static func slice(
        _ name: String, of service: String, _ addresses: [String], _ ports: [(TransportProtocol, UInt16)]
    ) -> EndpointSlice {
        let key = key(name)
        return EndpointSlice(
            namespace: key.namespace, name: key.name, service: service, addresses: addresses.map(address),
            ports: ports.map { EndpointSlice.Port(name: "", transport: $0.0, port: $0.1) })
    }

    static func changing(_ world: PolicyWorld = Lab.rich, _ change: (inout PolicyWorld) -> Void) -> PolicyWorld {
        var world = world
        change(&world)
        return world
    }
}

/// One Allow rule in one policy: whether it matches the packet. If it does the rule decides, if not the end of the tier.
enum RuleCase {
    /// The rule is the ingress rule of NetworkPolicy `shop/p`, which selects `shop/db`.
    static func shop(
        _ sentence: String, _ rule: PolicyRule, _ packet: PacketTuple, _ matches: Bool, world: PolicyWorld = Lab.rich
    ) -> OracleCase {
        let policy = Lab.networkPolicy("shop/p", selector: "app == 'db'", ingress: [rule])
        return .towards("shop/db", sentence, [policy], world: world, packet, expected(policy, matches))
    }

    /// The rule is the ingress rule of a GlobalNetworkPolicy, asked at `shop/db`.
    static func global(
        _ sentence: String, _ rule: PolicyRule, _ packet: PacketTuple, _ matches: Bool, world: PolicyWorld = Lab.rich
    ) -> OracleCase {
        let policy = Lab.globalPolicy("g", ingress: [rule])
        return .towards("shop/db", sentence, [policy], world: world, packet, expected(policy, matches))
    }

    /// The rule is the egress rule of NetworkPolicy `shop/p`, which selects `shop/web`.
    static func fromShop(
        _ sentence: String, _ rule: PolicyRule, _ packet: PacketTuple, _ matches: Bool, world: PolicyWorld = Lab.rich
    ) -> OracleCase {
        let policy = Lab.networkPolicy("shop/p", selector: "app == 'web'", types: [.egress], egress: [rule])
        return .from("shop/web", sentence, [policy], world: world, packet, expected(policy, matches))
    }

    /// The rule is the egress rule of a GlobalNetworkPolicy, asked at `shop/web`.
    static func fromGlobal(
        _ sentence: String, _ rule: PolicyRule, _ packet: PacketTuple, _ matches: Bool, world: PolicyWorld = Lab.rich
    ) -> OracleCase {
        let policy = Lab.globalPolicy("g", types: [.egress], egress: [rule])
        return .from("shop/web", sentence, [policy], world: world, packet, expected(policy, matches))
    }

    private static func expected(_ policy: Policy, _ matches: Bool) -> Decision {
        matches
            ? Decision(.allow, .rule(tier: "default", policy: policy.reference, index: 0))
            : Decision(.deny, .endOfTier(tier: "default", triggers: [policy.reference]))
    }
}
