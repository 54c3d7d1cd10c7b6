import PolicyModel

/// A shop with a stranger, guarded by two tiers.
enum ExplainWorld {
    static let web = EndpointKey(namespace: "shop", name: "web")
    static let database = EndpointKey(namespace: "shop", name: "db")
    static let stranger = EndpointKey(namespace: "lab", name: "stranger")
    static let lost = EndpointKey(namespace: "gone", name: "lost")
    static let bare = EndpointKey(namespace: "shop", name: "bare")

    static func world() throws -> PolicyWorld {
        var world = PolicyWorld()
        for tier in [
            Tier(name: "security", order: 100), Tier(name: "audit", order: 200.5, defaultAction: .pass),
            Tier(name: "default", order: Tier.defaultOrder),
        ] { world.tiers[tier.name] = tier }
        for namespace in [
            Namespace(name: "shop", labels: ["zone": "red"]), Namespace(name: "lab", labels: ["zone": "blue"]),
        ] { world.namespaces[namespace.name] = namespace }
        for (key, app, addresses) in [
            (web, "web", ["10.0.0.1", "2001:db8::1"]), (database, "db", ["10.0.0.2", "2001:db8::2"]),
            (stranger, "stranger", ["10.0.9.9"]), (lost, "lost", ["2001:db8::9"]), (bare, "bare", []),
        ] {
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: ["app": app], addresses: addresses.compactMap { IPAddress($0) })
        }
        for policy in try policies() { world.policies[policy.reference] = policy }
        return world
    }

    private static func policies() throws -> [Policy] {
        let block = { (text: String) in AddressBlock(text).map { [$0] } ?? [] }
        let port = { (port: UInt16) in PortRange(first: port, last: port).map { [$0] } ?? [] }
        let range = { (first: UInt16, last: UInt16) in PortRange(first: first, last: last).map { [$0] } ?? [] }
        return [
            Policy(
                reference: global("security.guard"), tier: "security", order: 10, selector: try Selector("app == 'db'"),
                directions: [.ingress],
                ingress: [
                    PolicyRule(action: .deny, source: EntityRule(nets: block("192.0.2.0/24"))),
                    PolicyRule(action: .deny, transport: .udp),
                    PolicyRule(
                        action: .pass, source: EntityRule(namespaceSelector: .matching(try Selector("zone == 'red'")))),
                ]),
            Policy(
                reference: global("security.out"), tier: "security", order: 20,
                namespaceSelector: .matching(try Selector("zone == 'green'")), directions: [.egress]),
            Policy(
                reference: namespaced("audit.watch"), tier: "audit", selector: try Selector("app == 'db'"),
                directions: [.ingress],
                ingress: [
                    PolicyRule(
                        action: .deny, transport: .tcp, source: EntityRule(ports: range(1, 1023)),
                        destination: EntityRule(nets: block("2001:db8::/32")))
                ]),
            Policy(
                reference: namespaced("allow-web"), order: 1.5, selector: try Selector("app == 'db'"),
                directions: [.ingress],
                ingress: [
                    PolicyRule(
                        action: .allow, transport: .tcp, source: EntityRule(selector: try Selector("app == 'web'")),
                        destination: EntityRule(ports: port(5432)))
                ]),
            Policy(
                reference: namespaced("closed"), selector: try Selector("app in { 'db', 'cache' }"),
                directions: [.ingress], ingress: [PolicyRule(action: .deny, transport: .sctp)]),
            Policy(
                reference: namespaced("other"), selector: try Selector("app == 'web'"),
                directions: [.ingress, .egress],
                ingress: [PolicyRule(action: .allow)],
                egress: [PolicyRule(action: .allow, destination: EntityRule(selector: .all))]),
            Policy(reference: namespaced("stray"), tier: "nowhere", directions: [.ingress]),
        ]
    }

    private static func global(_ name: String) -> PolicyReference {
        PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: name)
    }

    private static func namespaced(_ name: String) -> PolicyReference {
        PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: name)
    }
}
