import PolicyModel

/// The fields of a rule and of its sides that speak of packets.
/// Calico documentation: "Rule", "ICMP", "EntityRule", "Ports"; Felix: `FilterRuleToIPVersion`, `ruleToParsedRule`.
enum FieldTables {
    static let cases: [OracleCase] = versions + protocols + messages + notNets + notPorts + namedPorts

    private static let four = Lab.tcp("10.0.0.1", "10.0.0.2", 80)
    private static let six = Lab.tcp("2001:db8::1", "2001:db8::2", 80)

    private static let versions: [OracleCase] = {
        let only4 = PolicyRule(action: .allow, version: .v4)
        let only6 = PolicyRule(action: .allow, version: .v6)
        let deny4 = Lab.networkPolicy("shop/p", ingress: [PolicyRule(action: .deny, version: .v4), Lab.rule(.allow)])
        let contradiction = PolicyRule(action: .allow, version: .v4, source: Lab.entity(nets: ["::/0"]))
        return [
            RuleCase.shop("ipVersion 4 matches IPv4", only4, four, true),
            RuleCase.shop("ipVersion 4 does not match IPv6", only4, six, false),
            RuleCase.shop("ipVersion 6 matches IPv6", only6, six, true),
            RuleCase.shop("ipVersion 6 does not match IPv4", only6, four, false),
            RuleCase.shop("without ipVersion a rule is of both: IPv6", Lab.rule(.allow), six, true),
            RuleCase.shop("ipVersion 4 beside IPv6 nets matches nothing: IPv4", contradiction, four, false),
            RuleCase.shop("ipVersion 4 beside IPv6 nets matches nothing: IPv6", contradiction, six, false),
            .towards("shop/db", "a rule of the other version is passed over: the next one decides", [deny4], six, Decision(.allow, .rule(tier: "default", policy: deny4.reference, index: 1))),
            .towards("shop/db", "a rule of this version decides", [deny4], four, Decision(.deny, .rule(tier: "default", policy: deny4.reference, index: 0))),
        ]
    }()

    private static let protocols: [OracleCase] = {
        let notTCP = PolicyRule(action: .allow, notTransport: .tcp)
        let not47 = PolicyRule(action: .allow, notTransport: TransportProtocol(number: 47))
        let both = PolicyRule(action: .allow, transport: .udp, notTransport: .tcp)
        let never = PolicyRule(action: .allow, transport: .tcp, notTransport: .tcp)
        let gre = Lab.packet(TransportProtocol(number: 47), "10.0.0.1", "10.0.0.2")
        let udp = Lab.packet(.udp, "10.0.0.1", "10.0.0.2", 53)
        return [
            RuleCase.shop("notProtocol TCP leaves out TCP", notTCP, four, false),
            RuleCase.shop("notProtocol TCP leaves out TCP over IPv6", notTCP, six, false),
            RuleCase.shop("notProtocol TCP matches UDP", notTCP, udp, true),
            RuleCase.shop("notProtocol TCP matches protocols without ports", notTCP, gre, true),
            RuleCase.shop("notProtocol by number leaves out that number", not47, gre, false),
            RuleCase.shop("notProtocol by number matches others", not47, four, true),
            RuleCase.shop("protocol and notProtocol must both hold: they do", both, udp, true),
            RuleCase.shop("protocol and notProtocol must both hold: the protocol does not", both, gre, false),
            RuleCase.shop("protocol and notProtocol of one protocol match nothing", never, four, false),
        ]
    }()

    private static let messages: [OracleCase] = {
        let message = { (type: UInt16, code: UInt16) in Lab.packet(.icmp, "10.0.0.1", "10.0.0.2", type << 8 | code) }
        let message6 = { (type: UInt16, code: UInt16) in Lab.packet(.icmpV6, "2001:db8::1", "2001:db8::2", type << 8 | code) }
        let icmp = { (type: UInt8?, code: UInt8?) in
            PolicyRule(action: .allow, transport: .icmp, icmp: ICMPMatch(type: type, code: code))
        }
        let not = { (type: UInt8?, code: UInt8?) in
            PolicyRule(action: .allow, transport: .icmp, notICMP: ICMPMatch(type: type, code: code))
        }
        let echo6 = PolicyRule(action: .allow, transport: .icmpV6, icmp: ICMPMatch(type: 128))
        let not6 = PolicyRule(action: .allow, transport: .icmpV6, notICMP: ICMPMatch(type: 128, code: 0))
        let both = PolicyRule(action: .allow, transport: .icmp, icmp: ICMPMatch(type: 3), notICMP: ICMPMatch(type: 3, code: 4))
        return [
            RuleCase.shop("icmp.type matches the type", icmp(8, nil), message(8, 0), true),
            RuleCase.shop("icmp.type without a code matches every code", icmp(3, nil), message(3, 13), true),
            RuleCase.shop("icmp.type leaves out other types", icmp(8, nil), message(0, 0), false),
            RuleCase.shop("icmp.type 0 is a type", icmp(0, nil), message(0, 0), true),
            RuleCase.shop("icmp.type 0 is not every type", icmp(0, nil), message(8, 0), false),
            RuleCase.shop("icmp.type and code must both match: they do", icmp(3, 4), message(3, 4), true),
            RuleCase.shop("icmp.type and code must both match: the code does not", icmp(3, 4), message(3, 3), false),
            RuleCase.shop("icmp.type and code must both match: the type does not", icmp(3, 4), message(5, 4), false),
            RuleCase.shop("icmp.code 0 is a code", icmp(8, 0), message(8, 1), false),
            RuleCase.shop("icmp type 255", icmp(255, 255), message(255, 255), true),
            RuleCase.shop("icmp of ICMPv6", echo6, message6(128, 0), true),
            RuleCase.shop("icmp of ICMPv6: another type", echo6, message6(129, 0), false),
            RuleCase.shop("icmp of protocol ICMP does not match ICMPv6 of the same type", icmp(128, nil), message6(128, 0), false),
            RuleCase.shop("a TCP port is no type", icmp(0, nil), Lab.tcp("10.0.0.1", "10.0.0.2", 80), false),
            RuleCase.shop("notICMP leaves out the type", not(8, nil), message(8, 0), false),
            RuleCase.shop("notICMP leaves out every code of the type", not(8, nil), message(8, 7), false),
            RuleCase.shop("notICMP matches other types", not(8, nil), message(0, 0), true),
            RuleCase.shop("notICMP with a code leaves out that code", not(3, 4), message(3, 4), false),
            RuleCase.shop("notICMP with a code matches other codes of the type", not(3, 4), message(3, 3), true),
            RuleCase.shop("notICMP without a type leaves nothing out, as in Felix", not(nil, nil), message(8, 0), true),
            RuleCase.shop("notICMP does not lift the protocol", not(8, nil), four, false),
            RuleCase.shop("notICMP of ICMPv6: left out", not6, message6(128, 0), false),
            RuleCase.shop("notICMP of ICMPv6: not left out", not6, message6(1, 0), true),
            RuleCase.shop("icmp and notICMP must both hold: they do", both, message(3, 1), true),
            RuleCase.shop("icmp and notICMP must both hold: left out", both, message(3, 4), false),
        ]
    }()

    private static let notNets: [OracleCase] = {
        let from = { (nets: [String], notNets: [String]) in
            Lab.rule(.allow, from: Lab.entity(nets: nets, notNets: notNets))
        }
        let by = { (source: String) in Lab.tcp(source, "10.0.0.2", 80) }
        return [
            RuleCase.shop("notNets leaves out an address within", from([], ["10.1.0.0/16"]), by("10.1.2.3"), false),
            RuleCase.shop("notNets leaves out the first address", from([], ["10.1.0.0/16"]), by("10.1.0.0"), false),
            RuleCase.shop("notNets leaves out the last address", from([], ["10.1.0.0/16"]), by("10.1.255.255"), false),
            RuleCase.shop("notNets matches one below", from([], ["10.1.0.0/16"]), by("10.0.255.255"), true),
            RuleCase.shop("notNets matches one above", from([], ["10.1.0.0/16"]), by("10.2.0.0"), true),
            RuleCase.shop("notNets matches addresses that nobody has", from([], ["10.1.0.0/16"]), by("192.0.2.1"), true),
            RuleCase.shop("an address in any of several notNets is left out", from([], ["10.1.0.0/16", "192.0.2.0/24"]), by("192.0.2.9"), false),
            RuleCase.shop("nets and notNets: in the net and not left out", from(["10.0.0.0/8"], ["10.1.0.0/16"]), by("10.2.0.1"), true),
            RuleCase.shop("nets and notNets: in the net and left out", from(["10.0.0.0/8"], ["10.1.0.0/16"]), by("10.1.0.1"), false),
            RuleCase.shop("nets and notNets: in neither", from(["10.0.0.0/8"], ["10.1.0.0/16"]), by("11.0.0.1"), false),
            RuleCase.shop("notNets of IPv4 alone: the rule does not exist for IPv6", from([], ["10.1.0.0/16"]), six, false),
            RuleCase.shop("notNets of IPv6 alone: the rule does not exist for IPv4", from([], ["2001:db8:1::/48"]), four, false),
            RuleCase.shop("notNets of IPv6: another prefix", from([], ["2001:db8:1::/48"]), six, true),
            RuleCase.shop("notNets of IPv6: left out", from([], ["2001:db8::/64"]), six, false),
            RuleCase.shop("notNets of both versions: IPv4 is asked by the IPv4 ones", from([], ["10.1.0.0/16", "::/0"]), four, true),
            RuleCase.shop("notNets of both versions: IPv6 is asked by the IPv6 ones", from([], ["10.1.0.0/16", "::/0"]), six, false),
            RuleCase.shop("notNets of 0.0.0.0/0 matches nothing", from([], ["0.0.0.0/0"]), four, false),
            RuleCase.shop("nets of both versions and notNets of IPv4: the rule does not exist for IPv6", from(["0.0.0.0/0", "::/0"], ["10.1.0.0/16"]), six, false),
            RuleCase.shop("notNets on the destination side leave out the endpoint's own address", Lab.rule(.allow, to: Lab.entity(notNets: ["10.0.0.2/32"])), four, false),
            RuleCase.shop("a selector and notNets: picked and not left out", Lab.rule(.allow, from: Lab.entity("app == 'web'", notNets: ["10.9.0.0/16"])), four, true),
            RuleCase.shop("a selector and notNets: picked and left out", Lab.rule(.allow, from: Lab.entity("app == 'web'", notNets: ["10.0.0.0/24"])), four, false),
        ]
    }()

    private static let notPorts: [OracleCase] = {
        let to = { (ports: [ClosedRange<UInt16>], notPorts: [ClosedRange<UInt16>]) in
            Lab.rule(.allow, .tcp, to: Lab.entity(ports: ports, notPorts: notPorts))
        }
        let packet = { (port: UInt16) in Lab.tcp("10.0.0.1", "10.0.0.2", port) }
        let by = Lab.rule(.allow, .tcp, from: Lab.entity(notPorts: [0...1023]))
        let any = Lab.rule(.allow, to: Lab.entity(notPorts: [80...80]))
        return [
            RuleCase.shop("notPorts leaves out the port", to([], [80...80]), packet(80), false),
            RuleCase.shop("notPorts matches the next", to([], [80...80]), packet(81), true),
            RuleCase.shop("notPorts leaves out the first of a range", to([], [1000...2000]), packet(1000), false),
            RuleCase.shop("notPorts leaves out the last of a range", to([], [1000...2000]), packet(2000), false),
            RuleCase.shop("notPorts matches below a range", to([], [1000...2000]), packet(999), true),
            RuleCase.shop("notPorts matches above a range", to([], [1000...2000]), packet(2001), true),
            RuleCase.shop("a port in any of several notPorts is left out", to([], [80...80, 443...443]), packet(443), false),
            RuleCase.shop("ports and notPorts: in and not left out", to([1...100], [80...80]), packet(79), true),
            RuleCase.shop("ports and notPorts: in and left out", to([1...100], [80...80]), packet(80), false),
            RuleCase.shop("ports and notPorts: in neither", to([1...100], [80...80]), packet(101), false),
            RuleCase.shop("notPorts of the source: left out", by, Lab.tcp("10.0.0.1", "10.0.0.2", 80, from: 1023), false),
            RuleCase.shop("notPorts of the source: not left out", by, Lab.tcp("10.0.0.1", "10.0.0.2", 80, from: 1024), true),
            RuleCase.shop("notPorts leaves out nothing of a protocol without ports", any, Lab.packet(TransportProtocol(number: 47), "10.0.0.1", "10.0.0.2"), true),
            RuleCase.shop("notPorts does not take type and code for a port", any, Lab.packet(.icmp, "10.0.0.1", "10.0.0.2", 80), true),
        ]
    }()

    private static let namedPorts: [OracleCase] = {
        let to = { (transport: TransportProtocol?, entity: EntityRule) in Lab.rule(.allow, transport, to: entity) }
        let sql = to(.tcp, Lab.entity(named: ["sql"]))
        let udp = { (port: UInt16) in Lab.packet(.udp, "10.0.0.1", "10.0.0.2", port) }
        let tcp = { (port: UInt16) in Lab.tcp("10.0.0.1", "10.0.0.2", port) }
        let http = Lab.entity(named: ["http"])
        let out = { (destination: String, port: UInt16) in Lab.tcp("10.0.0.1", destination, port) }
        let twin = Lab.changing { world in
            let other = Lab.endpoint(
                "bank/twin", ["app": "twin"], ["10.0.1.1"], ports: [NamedPort(name: "http", transport: .tcp, port: 81)])
            world.endpoints[other.key] = other
        }
        return [
            RuleCase.shop("a named port is the number that the endpoint gives it", sql, tcp(5432), true),
            RuleCase.shop("a named port: another number", sql, tcp(5433), false),
            RuleCase.shop("a named port of an endpoint's IPv6 address", sql, Lab.tcp("2001:db8::1", "2001:db8::2", 5432), true),
            RuleCase.shop("a named port that the endpoint does not have", to(.tcp, http), tcp(8080), false),
            RuleCase.shop("a named port of another protocol than the rule's", to(.udp, Lab.entity(named: ["sql"])), udp(5432), false),
            RuleCase.shop("a named port of the rule's protocol", to(.udp, Lab.entity(named: ["dns"])), udp(53), true),
            RuleCase.shop("a named port does not match the same number of another protocol", to(.udp, Lab.entity(named: ["dns"])), tcp(53), false),
            RuleCase.shop("a named port in a rule without a protocol names nothing", to(nil, Lab.entity(named: ["sql"])), tcp(5432), false),
            RuleCase.shop("numbers and names: either matches: the number", to(.tcp, Lab.entity(ports: [80...80], named: ["sql"])), tcp(80), true),
            RuleCase.shop("numbers and names: either matches: the name", to(.tcp, Lab.entity(ports: [80...80], named: ["sql"])), tcp(5432), true),
            RuleCase.shop("numbers and names: neither", to(.tcp, Lab.entity(ports: [80...80], named: ["sql"])), tcp(81), false),
            RuleCase.fromShop("a named port means each endpoint's own number: the one", to(.tcp, http), out("10.0.1.1", 8080), true),
            RuleCase.fromShop("a named port means each endpoint's own number: the other", to(.tcp, http), out("10.0.1.2", 9090), true),
            RuleCase.fromShop("a named port means each endpoint's own number: not the other's", to(.tcp, http), out("10.0.1.2", 8080), false),
            RuleCase.fromShop("one name with two protocols: the rule's counts", to(.tcp, http), out("10.0.1.2", 9091), false),
            RuleCase.fromShop("a named port alone means the endpoints of every namespace", to(.tcp, http), out("10.0.9.1", 7070), true),
            RuleCase.fromShop("a named port matches no address that no endpoint has", to(.tcp, http), out("203.0.113.5", 8080), false),
            RuleCase.fromShop("beside a selector the endpoints that are picked: picked", to(.tcp, Lab.entity("app == 'web'", namespaces: "all()", named: ["http"])), out("10.0.1.1", 8080), true),
            RuleCase.fromShop("beside a selector the endpoints that are picked: not picked", to(.tcp, Lab.entity("app == 'web'", namespaces: "all()", named: ["http"])), out("10.0.1.2", 9090), false),
            RuleCase.fromShop("a selector of the own namespace limits the names", to(.tcp, Lab.entity("app == 'web'", named: ["http"])), out("10.0.1.1", 8080), false),
            RuleCase.fromShop("names filter endpoints, not addresses: the picked one must have the port", to(.tcp, Lab.entity("app == 'web'", namespaces: "all()", named: ["http"])), out("10.0.1.1", 81), false, world: twin),
            RuleCase.fromShop("without a selector any who has the address will do", to(.tcp, http), out("10.0.1.1", 81), true, world: twin),
            RuleCase.fromShop("notPorts by name leaves the port out", to(.tcp, Lab.entity(notNamed: ["http"])), out("10.0.1.1", 8080), false),
            RuleCase.fromShop("notPorts by name matches other ports", to(.tcp, Lab.entity(notNamed: ["http"])), out("10.0.1.1", 9090), true),
            RuleCase.fromShop("notPorts by name matches addresses that nobody has", to(.tcp, Lab.entity(notNamed: ["http"])), out("192.0.2.1", 8080), true),
            RuleCase.fromShop("notPorts by number or name: the number", to(.tcp, Lab.entity(notPorts: [22...22], notNamed: ["http"])), out("10.0.1.1", 22), false),
            RuleCase.fromShop("notPorts by name beside a selector: only of those picked", to(.tcp, Lab.entity("app == 'web'", namespaces: "all()", notNamed: ["http"])), out("10.0.1.1", 81), true, world: twin),
            RuleCase.fromShop("named ports of the source are the sender's", Lab.rule(.allow, .tcp, from: Lab.entity(named: ["admin"])), Lab.tcp("10.0.0.1", "10.0.1.1", 80, from: 9000), true),
            RuleCase.fromShop("named ports of the source: another port", Lab.rule(.allow, .tcp, from: Lab.entity(named: ["admin"])), Lab.tcp("10.0.0.1", "10.0.1.1", 9000, from: 80), false),
        ]
    }()
}
