import PolicyModel

/// Which packets a rule matches.
/// Calico documentation: "Rule", "EntityRule", "Ports", "Selector performance: namespaces"; Felix: rule rendering.
enum MatchTables {
    static let cases: [OracleCase] = peers + nets + ports + transports

    /// A case for one Allow rule of `shop/p`: whether it matches the packet.
    private static func shop(
        _ sentence: String, _ rule: PolicyRule, _ packet: PacketTuple, _ matches: Bool, world: PolicyWorld = Lab.world
    ) -> OracleCase {
        let policy = Lab.networkPolicy("shop/p", selector: "app == 'db'", ingress: [rule])
        return .towards("shop/db", sentence, [policy], world: world, packet, matches ? Lab.by(policy, 0) : Lab.endOfTier(policy))
    }

    private static func global(
        _ sentence: String, _ rule: PolicyRule, _ packet: PacketTuple, _ matches: Bool, world: PolicyWorld = Lab.world
    ) -> OracleCase {
        let policy = Lab.globalPolicy("g", ingress: [rule])
        return .towards("shop/db", sentence, [policy], world: world, packet, matches ? Lab.by(policy, 0) : Lab.endOfTier(policy))
    }

    private static let fromShopWeb = Lab.tcp("10.0.0.1", "10.0.0.2", 80)
    private static let fromBankWeb = Lab.tcp("10.0.1.1", "10.0.0.2", 80)
    private static let fromVault = Lab.tcp("10.0.1.2", "10.0.0.2", 80)
    private static let fromNobody = Lab.tcp("10.0.0.99", "10.0.0.2", 80)
    private static let fromLost = Lab.tcp("10.0.9.1", "10.0.0.2", 80)

    private static func from(_ selector: String? = nil, namespaces: String? = nil, nets: [String] = []) -> PolicyRule {
        Lab.rule(.allow, from: Lab.entity(selector, namespaces: namespaces, nets: nets))
    }

    private static let peers: [OracleCase] = {
        let twoClaim = Lab.adding(Lab.endpoint("bank/twin", ["app": "twin"], ["10.0.0.1"]))
        let split = Lab.adding(Lab.endpoint("bank/twin", ["app": "twin"], ["10.0.1.2"]))
        let both = Lab.tcp("2001:db8::1", "2001:db8::2", 80)
        return [
            shop("an empty rule matches everything", Lab.rule(.allow), fromNobody, true),
            shop("a selector in a NetworkPolicy matches endpoints of its namespace", from("app == 'web'"), fromShopWeb, true),
            shop("and not those of another namespace", from("app == 'web'"), fromBankWeb, false),
            shop("all() in a NetworkPolicy means its namespace", from("all()"), fromShopWeb, true),
            shop("all() in a NetworkPolicy does not mean other namespaces", from("all()"), fromBankWeb, false),
            shop("a selector does not match an address that no endpoint has", from("all()"), fromNobody, false),
            shop("not even one that only asks for absence", from("!has(app)"), fromNobody, false),
            shop("!= does not match an unknown address", from("app != 'db'"), fromNobody, false),
            shop("with a namespaceSelector the policy's own namespace is not implied", from("app == 'web'", namespaces: "zone == 'blue'"), fromBankWeb, true),
            shop("with a namespaceSelector its own namespace must match too", from("app == 'web'", namespaces: "zone == 'blue'"), fromShopWeb, false),
            shop("selector and namespaceSelector must hold of one endpoint", from("app == 'web'", namespaces: "zone == 'blue'"), fromVault, false),
            shop("a namespaceSelector alone means all endpoints of those namespaces", from(namespaces: "zone == 'blue'"), fromVault, true),
            shop("a namespaceSelector alone does not match unknown addresses", from(namespaces: "all()"), fromNobody, false),
            shop("all() as namespaceSelector means every namespace", from("app == 'web'", namespaces: "all()"), fromBankWeb, true),
            shop("all() also where the Namespace object is missing", from("app == 'web'", namespaces: "all()"), fromLost, true),
            shop("!has matches a namespace without the label", from(namespaces: "!has(team)"), fromBankWeb, true),
            shop("!has does not match a namespace with the label", from(namespaces: "!has(team)"), fromShopWeb, false),
            shop("a missing namespace lacks every label", from(namespaces: "!has(team)"), fromLost, true),
            shop("not in matches a namespace without the label", from(namespaces: "team not in { 'a' }"), fromBankWeb, true),
            shop("global() matches no endpoint with a namespace", from(namespaces: "global()"), fromShopWeb, false),
            shop("global() matches no unknown address", from(namespaces: "global()"), fromNobody, false),
            shop("projectcalico.org/name in a namespaceSelector", from(namespaces: "projectcalico.org/name == 'bank'"), fromVault, true),
            shop("inherited labels in a selector", from("pcns.zone == 'red'"), fromShopWeb, true),
            global("a selector in a GlobalNetworkPolicy matches every namespace", from("app == 'web'"), fromBankWeb, true),
            global("also a namespace that does not exist", from("app == 'web'"), fromLost, true),
            global("with a namespaceSelector only those", from("app == 'web'", namespaces: "zone == 'blue'"), fromShopWeb, false),
            shop("of two endpoints with one address either may match: the second", from("app == 'twin'", namespaces: "all()"), fromShopWeb, true, world: twoClaim),
            shop("of two endpoints with one address either may match: the first", from("app == 'web'"), fromShopWeb, true, world: twoClaim),
            global("two conditions must hold of one of the two claimants", from("app == 'twin' && env == 'production'"), fromVault, false, world: split),
            shop("a selector matches an endpoint's IPv6 address", from("app == 'web'"), both, true),
            shop("a selector on the destination side is asked of the endpoint itself", Lab.rule(.allow, to: Lab.entity("app == 'db'")), fromShopWeb, true),
            shop("and fails there as well", Lab.rule(.allow, to: Lab.entity("app == 'web'")), fromShopWeb, false),
            shop("both sides must match", Lab.rule(.allow, from: Lab.entity("app == 'web'"), to: Lab.entity("app == 'web'")), fromShopWeb, false),
            shop("a namespaceSelector on the destination side", Lab.rule(.allow, to: Lab.entity(namespaces: "zone == 'blue'")), fromShopWeb, false),
        ]
    }()

    private static let nets: [OracleCase] = {
        let six = { (source: String) in Lab.tcp(source, "2001:db8::2", 80) }
        let four = { (source: String) in Lab.tcp(source, "10.0.0.2", 80) }
        let cut = ["2001:db8:0:2:8000::/65"]
        let long = ["2001:db8::ab00/121"]
        return [
            shop("an address within the net", from(nets: ["10.1.0.0/16"]), four("10.1.255.255"), true),
            shop("the first address of the net", from(nets: ["10.1.0.0/16"]), four("10.1.0.0"), true),
            shop("one below the net", from(nets: ["10.1.0.0/16"]), four("10.0.255.255"), false),
            shop("one above the net", from(nets: ["10.1.0.0/16"]), four("10.2.0.0"), false),
            shop("a prefix that ends within a byte: last address", from(nets: ["10.1.2.64/26"]), four("10.1.2.127"), true),
            shop("a prefix that ends within a byte: one above", from(nets: ["10.1.2.64/26"]), four("10.1.2.128"), false),
            shop("any of several nets", from(nets: ["10.1.0.0/16", "192.0.2.0/24"]), four("192.0.2.9"), true),
            shop("0.0.0.0/0 is every IPv4 address", from(nets: ["0.0.0.0/0"]), four("203.0.113.7"), true),
            shop("0.0.0.0/0 is no IPv6 address", from(nets: ["0.0.0.0/0"]), six("2001:db8::1"), false),
            shop("::/0 is every IPv6 address", from(nets: ["::/0"]), six("fe80::1"), true),
            shop("::/0 is no IPv4 address", from(nets: ["::/0"]), four("10.0.0.1"), false),
            shop("an IPv4-mapped IPv6 address is no IPv4 address", from(nets: ["10.0.0.0/8"]), six("::ffff:10.0.0.1"), false),
            shop("/32 is one address", from(nets: ["10.0.0.1/32"]), four("10.0.0.1"), true),
            shop("/32 is not its neighbour", from(nets: ["10.0.0.0/32"]), four("10.0.0.1"), false),
            shop("/128 is one address", from(nets: ["2001:db8::1/128"]), six("2001:db8::1"), true),
            shop("/128 is not its neighbour", from(nets: ["2001:db8::/128"]), six("2001:db8::1"), false),
            shop("a prefix longer than 64 bits: within", from(nets: cut), six("2001:db8:0:2:8000::1"), true),
            shop("a prefix longer than 64 bits: beside, in the same /64", from(nets: cut), six("2001:db8:0:2:7fff::1"), false),
            shop("a prefix that ends in the last byte: within", from(nets: long), six("2001:db8::ab7f"), true),
            shop("a prefix that ends in the last byte: beside", from(nets: long), six("2001:db8::ab80"), false),
            shop("nets of both versions: IPv4 by the IPv4 net", from(nets: ["10.1.0.0/16", "2001:db8:1::/48"]), four("10.1.0.1"), true),
            shop("nets of both versions: IPv6 by the IPv6 net", from(nets: ["10.1.0.0/16", "2001:db8:1::/48"]), six("2001:db8:1::9"), true),
            shop("nets of both versions: IPv6 beside the IPv6 net", from(nets: ["10.1.0.0/16", "2001:db8:1::/48"]), six("2001:db8:2::9"), false),
            shop("nets and selector must both hold: they do", from("app == 'web'", nets: ["10.0.0.0/24"]), four("10.0.0.1"), true),
            shop("nets and selector must both hold: the net does not", from("app == 'web'", nets: ["10.9.0.0/24"]), four("10.0.0.1"), false),
            shop("nets and selector must both hold: the selector does not", from("app == 'web'", nets: ["10.0.0.0/24"]), four("10.0.0.9"), false),
            shop("a net needs no endpoint", from(nets: ["10.0.0.99/32"]), four("10.0.0.99"), true),
            shop("destination nets hold the endpoint's own address", Lab.rule(.allow, to: Lab.entity(nets: ["10.0.0.2/32"])), four("10.0.0.9"), true),
            shop("destination nets leave the endpoint's other address out", Lab.rule(.allow, to: Lab.entity(nets: ["10.0.0.2/32"])), six("2001:db8::1"), false),
        ]
    }()

    private static let ports: [OracleCase] = {
        let to = { (ports: [ClosedRange<UInt16>]) in Lab.rule(.allow, .tcp, to: Lab.entity(ports: ports)) }
        let by = { (ports: [ClosedRange<UInt16>]) in Lab.rule(.allow, .tcp, from: Lab.entity(ports: ports)) }
        let packet = { (port: UInt16) in Lab.tcp("10.0.0.1", "10.0.0.2", port) }
        let sent = { (port: UInt16) in Lab.tcp("10.0.0.1", "10.0.0.2", 80, from: port) }
        let any = Lab.rule(.allow, to: Lab.entity(ports: [2048...2048]))
        let egress = Lab.networkPolicy("shop/e", types: [.egress], egress: [Lab.rule(.allow, .tcp, to: Lab.entity("app == 'db'", ports: [5432...5432]))])
        return [
            shop("one port", to([80...80]), packet(80), true),
            shop("one port, the next", to([80...80]), packet(81), false),
            shop("first port of a range", to([1000...2000]), packet(1000), true),
            shop("last port of a range", to([1000...2000]), packet(2000), true),
            shop("below a range", to([1000...2000]), packet(999), false),
            shop("above a range", to([1000...2000]), packet(2001), false),
            shop("any of several ranges", to([80...80, 8000...9000]), packet(8500), true),
            shop("between two ranges", to([80...80, 8000...9000]), packet(443), false),
            shop("the lowest port", to([0...0]), packet(0), true),
            shop("the highest port", to([65535...65535]), packet(65535), true),
            shop("every port", to([0...65535]), packet(12345), true),
            shop("source ports are of the source", by([1024...2048]), sent(2048), true),
            shop("source ports: above", by([1024...2048]), sent(2049), false),
            shop("source ports are not destination ports", by([80...80]), sent(40000), false),
            shop("source and destination ports must both hold", Lab.rule(.allow, .tcp, from: Lab.entity(ports: [53...53]), to: Lab.entity(ports: [53...53])), sent(53), false),
            shop("ports of UDP", Lab.rule(.allow, .udp, to: Lab.entity(ports: [53...53])), Lab.packet(.udp, "10.0.0.1", "10.0.0.2", 53, from: 999), true),
            shop("ports of SCTP", Lab.rule(.allow, .sctp, to: Lab.entity(ports: [36412...36412])), Lab.packet(.sctp, "10.0.0.1", "10.0.0.2", 36412), true),
            shop("type and code of ICMP are no port", any, Lab.packet(.icmp, "10.0.0.1", "10.0.0.2", 8 << 8), false),
            shop("type and code of ICMPv6 are no port", any, Lab.packet(.icmpV6, "2001:db8::1", "2001:db8::2", 8 << 8), false),
            shop("a protocol without ports matches no rule with ports", Lab.rule(.allow, to: Lab.entity(ports: [0...65535])), Lab.packet(TransportProtocol(number: 47), "10.0.0.1", "10.0.0.2"), false),
            .from("shop/web", "egress: peer and port on the destination side", [egress], packet(5432), Lab.by(egress, 0)),
            .from("shop/web", "egress: another port", [egress], packet(5433), Lab.endOfTier(egress)),
            .from("shop/web", "egress: another destination", [egress], Lab.tcp("10.0.0.1", "10.0.1.1", 5432), Lab.endOfTier(egress)),
        ]
    }()

    private static let transports: [OracleCase] = {
        let tcp = Lab.rule(.allow, .tcp)
        let gre = Lab.rule(.allow, TransportProtocol(number: 47))
        let ping = Lab.packet(.icmp, "10.0.0.1", "10.0.0.2", 8 << 8)
        let pingSix = Lab.packet(.icmpV6, "2001:db8::1", "2001:db8::2", 128 << 8)
        return [
            shop("protocol TCP matches TCP", tcp, fromShopWeb, true),
            shop("protocol TCP over IPv6", tcp, Lab.tcp("2001:db8::1", "2001:db8::2", 80), true),
            shop("protocol TCP does not match UDP", tcp, Lab.packet(.udp, "10.0.0.1", "10.0.0.2", 80), false),
            shop("a protocol by number", gre, Lab.packet(TransportProtocol(number: 47), "10.0.0.1", "10.0.0.2"), true),
            shop("a protocol by another number", gre, Lab.packet(TransportProtocol(number: 50), "10.0.0.1", "10.0.0.2"), false),
            shop("the number 6 is TCP", Lab.rule(.allow, TransportProtocol(number: 6)), fromShopWeb, true),
            shop("ICMP matches every type without further conditions", Lab.rule(.allow, .icmp), ping, true),
            shop("ICMP is not ICMPv6", Lab.rule(.allow, .icmp), pingSix, false),
            shop("ICMPv6 matches ICMPv6", Lab.rule(.allow, .icmpV6), pingSix, true),
            shop("no protocol: every protocol", Lab.rule(.allow), Lab.packet(TransportProtocol(number: 253), "10.0.0.1", "10.0.0.2"), true),
            shop("UDP is not UDPLite", Lab.rule(.allow, .udp), Lab.packet(.udpLite, "10.0.0.1", "10.0.0.2", 53), false),
        ]
    }()
}
