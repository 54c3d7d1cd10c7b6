import PolicyModel

/// `sameNamespace()` and `sameLabel(KEY)` in the selectors of peers.
enum ComparisonTables {
    static let cases: [OracleCase] = namespaces + labels + combinations

    /// To the cast of all: api and app run where web does and elsewhere, with its environment; spare has none, and a label that is empty.
    private static let world: PolicyWorld = {
        var world = Lab.adding(
            Lab.endpoint("shop/api", ["app": "api", "env": "prod"], ["10.0.0.3", "2001:db8::3"]),
            Lab.endpoint(
                "bank/app", ["app": "app", "env": "prod"], ["10.0.1.3"],
                ports: [NamedPort(name: "sql", transport: .tcp, port: 5432)]),
            Lab.endpoint("bank/spare", ["app": "spare", "env": ""], ["10.0.1.4"]),
            Lab.endpoint(
                "shop/store", ["app": "store"], ["10.0.0.4"], ports: [NamedPort(name: "sql", transport: .tcp, port: 5433)]))
        world.networkSets[NamespacedName(namespace: "shop", name: "office")] = NetworkSet(
            namespace: "shop", name: "office", nets: [AddressBlock("192.0.2.0/24")!])
        world.networkSets[NamespacedName(namespace: "", name: "partner")] = NetworkSet(
            namespace: "", name: "partner", labels: ["env": "prod"], nets: [AddressBlock("198.51.100.0/24")!])
        return world
    }()

    private static func ingress(_ selector: String) -> Policy {
        Lab.globalPolicy("same", ingress: [Lab.rule(.allow, from: Lab.entity(selector))])
    }

    /// A packet from an address to shop/web, or to another endpoint.
    private static func at(
        _ sentence: String, _ selector: String, at endpoint: String = "shop/web", from source: String,
        to destination: String = "10.0.0.1", isAllowed: Bool
    ) -> OracleCase {
        let policy = ingress(selector)
        return .towards(
            endpoint, sentence, [policy], world: world, Lab.tcp(source, destination, 80),
            isAllowed ? Lab.by(policy, 0) : Lab.endOfTier(policy))
    }

    private static let namespaces: [OracleCase] = {
        let same = "sameNamespace()"
        let egress = Lab.globalPolicy("same", types: [.egress], egress: [Lab.rule(.allow, to: Lab.entity(same))])
        let named = Lab.globalPolicy("same", types: [.egress], egress: [Lab.rule(.allow, .tcp, to: Lab.entity(same, named: ["sql"]))])
        return [
            at("the peer's namespace is that of the endpoint", same, from: "10.0.0.2", isAllowed: true),
            at("it is not", same, from: "10.0.1.1", isAllowed: false),
            at("every endpoint has its own", same, at: "bank/web", from: "10.0.1.2", to: "10.0.1.1", isAllowed: true),
            at("and not that of another", same, at: "bank/web", from: "10.0.0.1", to: "10.0.1.1", isAllowed: false),
            at("IPv6 alike", same, from: "2001:db8::2", to: "2001:db8::1", isAllowed: true),
            at("IPv6 alike: another namespace", same, from: "2001:db8:0:1::1", to: "2001:db8::1", isAllowed: false),
            at("an address that nobody has is in no namespace", same, from: "203.0.113.1", isAllowed: false),
            at("a network set is in its namespace", same, from: "192.0.2.7", isAllowed: true),
            at("a global network set is in none", same, from: "198.51.100.7", isAllowed: false),
            at("a namespace without an object is one", same, at: "ghost/lost", from: "10.0.9.1", to: "10.0.9.1", isAllowed: true),
            at("not the same: another namespace", "!sameNamespace()", from: "10.0.1.1", isAllowed: true),
            at("not the same: the same", "!sameNamespace()", from: "10.0.0.2", isAllowed: false),
            at("not the same: still somebody whom selectors can find", "!sameNamespace()", from: "203.0.113.1", isAllowed: false),
            .from("shop/web", "in egress the peer is the destination", [egress], world: world, Lab.tcp("10.0.0.1", "10.0.0.2", 80), Lab.by(egress, 0)),
            .from("shop/web", "in egress: another namespace", [egress], world: world, Lab.tcp("10.0.0.1", "10.0.1.1", 80), Lab.endOfTier(egress)),
            .from("shop/web", "named ports are those of the same namespace", [named], world: world, Lab.tcp("10.0.0.1", "10.0.0.4", 5433), Lab.by(named, 0)),
            .from("shop/web", "and not those of others", [named], world: world, Lab.tcp("10.0.0.1", "10.0.1.3", 5432), Lab.endOfTier(named)),
        ]
    }()

    private static let labels: [OracleCase] = {
        let same = "sameLabel(env)"
        return [
            at("the label is there and equal", same, from: "10.0.0.3", isAllowed: true),
            at("in whatever namespace", same, from: "10.0.1.3", isAllowed: true),
            at("it is another value, of which this is the beginning", same, from: "10.0.1.2", isAllowed: false),
            at("the peer has no such label", same, from: "10.0.0.2", isAllowed: false),
            at("the peer's is empty", same, from: "10.0.1.4", isAllowed: false),
            at("a network set has labels too", same, from: "198.51.100.1", isAllowed: true),
            at("an address that nobody has has none", same, from: "203.0.113.1", isAllowed: false),
            at("the endpoint has no such label: nothing matches", same, at: "shop/db", from: "10.0.0.3", to: "10.0.0.2", isAllowed: false),
            at("also not a peer that has none either", same, at: "shop/db", from: "10.0.0.4", to: "10.0.0.2", isAllowed: false),
            at("an empty label is a label", same, at: "bank/spare", from: "10.0.1.4", to: "10.0.1.4", isAllowed: true),
            at("and another than no label", same, at: "bank/spare", from: "10.0.0.2", to: "10.0.1.4", isAllowed: false),
            at("not equal: another value", "!sameLabel(env)", from: "10.0.1.2", isAllowed: true),
            at("not equal: the peer has none", "!sameLabel(env)", from: "10.0.0.2", isAllowed: true),
            at("not equal: it is", "!sameLabel(env)", from: "10.0.0.3", isAllowed: false),
            at("not equal where the endpoint has none: everybody", "!sameLabel(env)", at: "shop/db", from: "10.0.0.3", to: "10.0.0.2", isAllowed: true),
            at("labels of namespaces are labels", "sameLabel(pcns.zone)", from: "10.0.0.2", isAllowed: true),
            at("labels of namespaces: another value", "sameLabel(pcns.zone)", from: "10.0.1.1", isAllowed: false),
            at("labels of namespaces: none", "sameLabel(pcns.team)", at: "bank/web", from: "10.0.0.2", to: "10.0.1.1", isAllowed: false),
        ]
    }()

    private static let combinations: [OracleCase] = [
        at("both hold", "sameNamespace() && sameLabel(env)", from: "10.0.0.3", isAllowed: true),
        at("the namespace does not", "sameNamespace() && sameLabel(env)", from: "10.0.1.3", isAllowed: false),
        at("the label does not", "sameNamespace() && sameLabel(env)", from: "10.0.0.2", isAllowed: false),
        at("either: the label", "sameNamespace() || sameLabel(env)", from: "10.0.1.3", isAllowed: true),
        at("either: neither", "sameNamespace() || sameLabel(env)", from: "10.0.1.2", isAllowed: false),
        at("with plain comparisons", "sameNamespace() && app in {'api', 'db'}", from: "10.0.0.2", isAllowed: true),
        at("with plain comparisons: another", "sameNamespace() && app in {'api'}", from: "10.0.0.2", isAllowed: false),
        at("the same namespace in another environment", "sameNamespace() && !(has(env) && sameLabel(env))", from: "10.0.0.2", isAllowed: true),
        at("the same namespace in the same environment", "sameNamespace() && !(has(env) && sameLabel(env))", from: "10.0.0.3", isAllowed: false),
        at("has() asks the peer", "has(env) && sameLabel(env)", at: "shop/db", from: "10.0.0.3", to: "10.0.0.2", isAllowed: false),
    ]
}
