import PolicyModel
import Testing

/// One sentence of a specification, as a world, a packet and what must happen to it.
struct OracleCase: Sendable, CustomTestStringConvertible {
    /// What the documentation promises, in its words or shortened.
    var sentence: String
    var world: PolicyWorld
    var endpoint: EndpointKey
    var direction: Direction
    var packet: PacketTuple
    var expected: Decision

    var testDescription: String { sentence }

    /// At the endpoint that `packet` is sent to.
    static func towards(
        _ endpoint: String, _ sentence: String, _ policies: [Policy], tiers: [Tier] = [Lab.defaultTier],
        world: PolicyWorld = Lab.world, _ packet: PacketTuple, _ expected: Decision
    ) -> Self {
        make(.ingress, endpoint, sentence, policies, tiers, world, packet, expected)
    }

    /// At the endpoint that sends `packet`.
    static func from(
        _ endpoint: String, _ sentence: String, _ policies: [Policy], tiers: [Tier] = [Lab.defaultTier],
        world: PolicyWorld = Lab.world, _ packet: PacketTuple, _ expected: Decision
    ) -> Self {
        make(.egress, endpoint, sentence, policies, tiers, world, packet, expected)
    }

    private static func make(
        _ direction: Direction, _ endpoint: String, _ sentence: String, _ policies: [Policy], _ tiers: [Tier],
        _ world: PolicyWorld, _ packet: PacketTuple, _ expected: Decision
    ) -> Self {
        var world = world
        for policy in policies { world.policies[policy.reference] = policy }
        for tier in tiers { world.tiers[tier.name] = tier }
        return Self(
            sentence: sentence, world: world, endpoint: Lab.key(endpoint), direction: direction, packet: packet,
            expected: expected)
    }
}

/// The cast of all cases, and short ways to write what the API says at length.
enum Lab {
    static let defaultTier = Tier(name: "default", order: Tier.defaultOrder)

    /// shop: web, db. bank: web, vault. The namespace of ghost/lost does not exist.
    static let world: PolicyWorld = {
        var world = PolicyWorld(namespaces: [
            "shop": Namespace(name: "shop", labels: ["zone": "red", "team": "a"]),
            "bank": Namespace(name: "bank", labels: ["zone": "blue"]),
        ])
        let endpoints = [
            endpoint("shop/web", ["app": "web", "env": "prod"], ["10.0.0.1", "2001:db8::1"]),
            endpoint("shop/db", ["app": "db"], ["10.0.0.2", "2001:db8::2"]),
            endpoint("bank/web", ["app": "web"], ["10.0.1.1", "2001:db8:0:1::1"]),
            endpoint("bank/vault", ["app": "vault", "env": "production"], ["10.0.1.2", "2001:db8:0:1::2"]),
            endpoint("ghost/lost", ["app": "web"], ["10.0.9.1"]),
        ]
        for endpoint in endpoints { world.endpoints[endpoint.key] = endpoint }
        return world
    }()

    static func key(_ text: String) -> EndpointKey {
        let parts = text.split(separator: "/")
        return EndpointKey(namespace: String(parts[0]), name: String(parts[1]))
    }

    static func endpoint(
        _ name: String, _ labels: [String: String], _ addresses: [String], orchestrator: String = "",
        ports: [NamedPort] = [], account: String = "", profiles: [String]? = nil
    ) -> WorkloadEndpoint {
        WorkloadEndpoint(
            key: key(name), labels: labels, orchestrator: orchestrator, addresses: addresses.map(address), ports: ports,
            serviceAccount: account, profiles: profiles)
    }

    static func adding(_ endpoints: WorkloadEndpoint...) -> PolicyWorld {
        var world = world
        for endpoint in endpoints { world.endpoints[endpoint.key] = endpoint }
        return world
    }

    static func address(_ text: String) -> IPAddress { IPAddress(text)! }

    static func tcp(_ source: String, _ destination: String, _ port: UInt16, from sourcePort: UInt16 = 40000) -> PacketTuple {
        packet(.tcp, source, destination, port, from: sourcePort)
    }

    static func packet(
        _ transport: TransportProtocol, _ source: String, _ destination: String, _ port: UInt16 = 0,
        from sourcePort: UInt16 = 0
    ) -> PacketTuple {
        PacketTuple(
            source: address(source), destination: address(destination), transport: transport,
            sourcePort: sourcePort, destinationPort: port)
    }

    // MARK: Policies

    static func networkPolicy(
        _ name: String, tier: String = "default", order: Double? = nil, selector: String = "all()",
        types: Set<Direction> = [.ingress], ingress: [PolicyRule] = [], egress: [PolicyRule] = []
    ) -> Policy {
        let key = key(name)
        return Policy(
            reference: PolicyReference(kind: "NetworkPolicy", namespace: key.namespace, name: key.name), tier: tier,
            order: order, selector: self.selector(selector), directions: types, ingress: ingress, egress: egress)
    }

    static func globalPolicy(
        _ name: String, tier: String = "default", order: Double? = nil, selector: String = "all()",
        namespaces: String? = nil, types: Set<Direction> = [.ingress], ingress: [PolicyRule] = [],
        egress: [PolicyRule] = []
    ) -> Policy {
        Policy(
            reference: PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: name), tier: tier,
            order: order, selector: self.selector(selector), namespaceSelector: namespaces.map(namespaceSelector),
            directions: types, ingress: ingress, egress: egress)
    }

    static func rule(
        _ action: RuleAction, _ transport: TransportProtocol? = nil, from source: EntityRule = EntityRule(),
        to destination: EntityRule = EntityRule()
    ) -> PolicyRule {
        PolicyRule(action: action, transport: transport, source: source, destination: destination)
    }

    static func entity(
        _ selector: String? = nil, not: String? = nil, namespaces: String? = nil, accounts: [String] = [],
        accountSelector: String? = nil, service: String? = nil, nets: [String] = [], notNets: [String] = [],
        ports: [ClosedRange<UInt16>] = [], named: [String] = [], notPorts: [ClosedRange<UInt16>] = [],
        notNamed: [String] = []
    ) -> EntityRule {
        EntityRule(
            nets: nets.map { AddressBlock($0)! }, notNets: notNets.map { AddressBlock($0)! },
            selector: selector.map(self.selector), notSelector: not.map(self.selector),
            namespaceSelector: namespaces.map(namespaceSelector),
            serviceAccounts: accounts.isEmpty && accountSelector == nil
                ? nil : ServiceAccountMatch(names: accounts, selector: accountSelector.map(self.selector)),
            services: service.map(self.service), ports: ranges(ports), namedPorts: named, notPorts: ranges(notPorts),
            notNamedPorts: notNamed)
    }

    private static func ranges(_ ranges: [ClosedRange<UInt16>]) -> [PortRange] {
        ranges.map { PortRange(first: $0.lowerBound, last: $0.upperBound)! }
    }

    /// `NAME`, or `NAMESPACE/NAME`.
    private static func service(_ text: String) -> ServiceReference {
        let parts = text.split(separator: "/").map(String.init)
        return parts.count == 2
            ? ServiceReference(namespace: parts[0], name: parts[1]) : ServiceReference(namespace: "", name: text)
    }

    static func selector(_ text: String) -> Selector {
        do { return try Selector(text) } catch { fatalError("selector in a table: \(text): \(error)") }
    }

    static func namespaceSelector(_ text: String) -> NamespaceSelector {
        text == "global()" ? .global : .matching(selector(text))
    }

    // MARK: Decisions

    static func by(_ policy: Policy, _ index: Int) -> Decision {
        let rules = policy.directions.contains(.ingress) && !policy.ingress.isEmpty ? policy.ingress : policy.egress
        return Decision(
            rules[index].action == .allow ? .allow : .deny,
            .rule(tier: policy.tier, policy: policy.reference, index: index))
    }

    static func endOfTier(_ policies: Policy..., tier: String = "default") -> Decision {
        Decision(.deny, .endOfTier(tier: tier, triggers: policies.map(\.reference)))
    }

    static func profile(_ namespace: String) -> Decision { Decision(.allow, .profile(name: "kns.\(namespace)", index: 0)) }

    static func profile(_ verdict: Verdict, _ name: String, _ index: Int) -> Decision {
        Decision(verdict, .profile(name: name, index: index))
    }

    static let noProfile = Decision(.deny, .noProfile)
}
