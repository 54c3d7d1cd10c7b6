import PolicyEngine
import PolicyModel
import Testing

@Suite("Compiler: meaning")
struct CompilerSemanticsTests {
    private let web = address("10.0.0.1")
    private let client = address("10.0.0.2")
    private let stranger = address("192.168.7.7")

    private var world: PolicyWorld {
        var world = PolicyWorld()
        world.addTier()
        world.addNamespace("shop", ["team": "red"])
        world.addNamespace("lab")
        world.addEndpoint("shop", "web", [web, address6(1)], ["app": "web"])
        world.addEndpoint("shop", "client", [client, address6(2)], ["app": "client"], node: "elsewhere")
        return world
    }

    @Test func noPolicyMeansTheProfileAndNoProfileMeansDeny() {
        var world = world
        #expect(decide(world, "shop/web", from: client, to: web) == Decision(.allow, .profile(name: "kns.shop", index: 0)))
        world.namespaces["shop"] = nil
        #expect(decide(world, "shop/web", from: client, to: web) == Decision(.deny, .noProfile))
    }

    @Test func onlyLocalEndpointsHaveLegs() {
        #expect(decide(world, "shop/client", from: web, to: client) == nil)
    }

    @Test func firstMatchingRuleDecidesAndEndOfTierNamesAllTriggers() {
        var world = world
        world.addPolicy(
            "shop", "a", order: 1, selector: app("web"),
            ingress: [
                PolicyRule(action: .deny, transport: .tcp, destination: EntityRule(ports: [port(22)])),
                PolicyRule(action: .allow, transport: .tcp, source: EntityRule(selector: app("client"))),
            ])
        world.addPolicy("", "b", selector: .all, directions: [.ingress])
        world.addPolicy("", "c", selector: app("db"), directions: [.ingress])
        world.addPolicy("", "egress", directions: [.egress])
        #expect(decide(world, "shop/web", from: client, to: web, port: 22) == Decision(.deny, rule("shop/a", 0)))
        #expect(decide(world, "shop/web", from: client, to: web) == Decision(.allow, rule("shop/a", 1)))
        let end = Reason.endOfTier(tier: "default", triggers: [reference("shop", "a"), reference("", "b")])
        #expect(decide(world, "shop/web", from: stranger, to: web) == Decision(.deny, end))
        #expect(decide(world, "shop/web", from: client, to: web, .udp) == Decision(.deny, end))
        #expect(
            decide(world, "shop/web", .egress, from: web, to: client)
                == Decision(.deny, .endOfTier(tier: "default", triggers: [reference("", "egress")])))
    }

    @Test func tiesInOrderCompareNameNamespaceKind() {
        var world = world
        world.addPolicy("shop", "b", order: 5, ingress: [PolicyRule(action: .deny)])
        world.addPolicy("", "b", order: 5, ingress: [PolicyRule(action: .allow)])
        world.addPolicy("", "c", order: 5, ingress: [PolicyRule(action: .deny)])
        // "b//GlobalNetworkPolicy" < "b/shop/NetworkPolicy" < "c//..."
        #expect(decide(world, "shop/web", from: client, to: web) == Decision(.allow, rule("/b", 0)))
    }

    @Test func passLeavesTheTierAndADefaultOfPassGoesOn() {
        var world = world
        world.addTier("first", 1)
        world.addTier("second", 2, .pass)
        world.addTier("last", nil)
        world.addPolicy(
            "", "p", tier: "first",
            ingress: [
                PolicyRule(action: .pass, transport: .tcp, destination: EntityRule(ports: [port(80)])),
                PolicyRule(action: .pass, transport: .udp),
            ])
        world.addPolicy("", "q", tier: "second", ingress: [PolicyRule(action: .deny, transport: .udp)])
        world.addPolicy("", "r", tier: "last", selector: app("db"), ingress: [PolicyRule(action: .deny)])
        world.addPolicy("", "lost", tier: "nowhere", order: 0, ingress: [PolicyRule(action: .deny)])
        let profile = Decision(.allow, .profile(name: "kns.shop", index: 0))
        #expect(decide(world, "shop/web", from: client, to: web) == profile)
        #expect(
            decide(world, "shop/web", from: client, to: web, .udp) == Decision(.deny, rule("/q", 0, tier: "second")))
        #expect(
            decide(world, "shop/web", from: client, to: web, port: 81)
                == Decision(.deny, .endOfTier(tier: "first", triggers: [reference("", "p")])))
    }

    @Test func peersByNamespace() {
        var world = world
        world.addEndpoint("lab", "client", [address("10.0.0.3")], ["app": "client"])
        world.networkSets[NamespacedName(namespace: "", name: "hosts")] = NetworkSet(
            namespace: "", name: "hosts", labels: ["app": "client"], nets: [block("10.0.0.4", 32)])
        func verdict(_ side: EntityRule, global: Bool, _ source: IPAddress) -> Verdict? {
            var changed = world
            changed.addPolicy(global ? "" : "shop", "p", ingress: [PolicyRule(action: .allow, source: side)])
            return decide(changed, "shop/web", from: source, to: web)?.verdict
        }
        let lab = address("10.0.0.3")
        let host = address("10.0.0.4")
        let clients = EntityRule(selector: app("client"))
        #expect([client, lab, host].map { verdict(clients, global: false, $0) } == [.allow, .deny, .deny])
        #expect([client, lab, host].map { verdict(clients, global: true, $0) } == [.allow, .allow, .allow])
        let red = EntityRule(namespaceSelector: .matching(.equals(key: "team", value: "red")))
        #expect([client, lab, host].map { verdict(red, global: false, $0) } == [.allow, .deny, .deny])
        let named = EntityRule(
            selector: app("client"), namespaceSelector: .matching(.equals(key: "projectcalico.org/name", value: "lab")))
        #expect([client, lab, host].map { verdict(named, global: false, $0) } == [.deny, .allow, .deny])
        let everyNamespace = EntityRule(namespaceSelector: .matching(.all))
        #expect([client, lab, host].map { verdict(everyNamespace, global: true, $0) } == [.allow, .allow, .deny])
        let none = EntityRule(namespaceSelector: .global)
        #expect([client, lab, host].map { verdict(none, global: true, $0) } == [.deny, .deny, .allow])
        let inherited = EntityRule(selector: .equals(key: "pcns.team", value: "red"))
        #expect([client, lab, host].map { verdict(inherited, global: true, $0) } == [.allow, .deny, .deny])
        let pods = EntityRule(selector: .equals(key: "projectcalico.org/orchestrator", value: "k8s"))
        #expect([client, lab, host].map { verdict(pods, global: true, $0) } == [.allow, .allow, .deny])
    }

    @Test func aNamespaceThatDoesNotExistHasNoLabels() {
        var world = world
        world.addEndpoint("ghost", "client", [address("10.0.0.3")], ["app": "client"])
        func verdict(_ side: EntityRule) -> Verdict? {
            var changed = world
            changed.addPolicy("", "p", ingress: [PolicyRule(action: .allow, source: side)])
            return decide(changed, "shop/web", from: address("10.0.0.3"), to: web)?.verdict
        }
        let name = "projectcalico.org/name"
        #expect(verdict(EntityRule(namespaceSelector: .matching(.all))) == .allow)
        #expect(verdict(EntityRule(namespaceSelector: .matching(.has(key: name)))) == .deny)
        #expect(verdict(EntityRule(namespaceSelector: .matching(.notEquals(key: name, value: "shop")))) == .allow)
        #expect(verdict(EntityRule(selector: .has(key: "pcns." + name))) == .deny)
        #expect(verdict(EntityRule(selector: .equals(key: "projectcalico.org/namespace", value: "ghost"))) == .allow)
    }

    @Test func nobodyPassesForOneOfAnotherNamespace() {
        var world = world
        let claims = [
            "projectcalico.org/namespace": "shop", "projectcalico.org/orchestrator": "podman", "pcns.team": "red",
        ]
        world.addEndpoint("lab", "liar", [address("10.0.0.3")], claims)
        world.addEndpoint("shop", "honest", [address("10.0.0.5")], [:])
        func verdicts(_ key: String, _ value: String) -> [Verdict?] {
            var changed = world
            let side = EntityRule(selector: .equals(key: key, value: value))
            changed.addPolicy("", "p", ingress: [PolicyRule(action: .allow, source: side)])
            return ["10.0.0.3", "10.0.0.5"].map {
                decide(changed, "shop/web", from: address($0), to: web)?.verdict
            }
        }
        #expect(verdicts("projectcalico.org/namespace", "shop") == [.deny, .allow])
        #expect(verdicts("projectcalico.org/namespace", "lab") == [.allow, .deny])
        #expect(verdicts("projectcalico.org/orchestrator", "podman") == [.deny, .deny])
        // Its own namespace has the label, the liar only says so.
        #expect(verdicts("pcns.team", "red") == [.deny, .allow])
    }

    @Test func netsAndSelectorMustBothHold() {
        var world = world
        world.addEndpoint("shop", "far", [address("172.16.0.9")], ["app": "client"], node: "elsewhere")
        let side = EntityRule(nets: [block("10.0.0.0", 8), block("172.16.0.9", 32)], selector: app("client"))
        world.addPolicy("shop", "p", ingress: [PolicyRule(action: .allow, source: side)])
        #expect(decide(world, "shop/web", from: client, to: web)?.verdict == .allow)
        #expect(decide(world, "shop/web", from: address("172.16.0.9"), to: web)?.verdict == .allow)
        #expect(decide(world, "shop/web", from: address("10.9.9.9"), to: web)?.verdict == .deny)
        #expect(decide(world, "shop/web", from: stranger, to: web)?.verdict == .deny)
    }

    @Test func longestMatchHoldsCoveringBlocks() {
        var world = world
        world.addPolicy(
            "shop", "p",
            ingress: [
                PolicyRule(action: .deny, source: EntityRule(nets: [block("10.1.2.3", 32)])),
                PolicyRule(action: .allow, transport: .udp, source: EntityRule(nets: [block("10.1.0.0", 16)])),
                PolicyRule(action: .allow, transport: .tcp, source: EntityRule(nets: [block("10.0.0.0", 8)])),
                PolicyRule(action: .allow, transport: .sctp, source: EntityRule(nets: [block("0.0.0.0", 0)])),
            ])
        func reason(_ source: String, _ transport: TransportProtocol) -> Reason? {
            decide(world, "shop/web", from: address(source), to: web, transport)?.reason
        }
        #expect(reason("10.1.2.3", .tcp) == rule("shop/p", 0))
        #expect(reason("10.1.2.4", .udp) == rule("shop/p", 1))
        #expect(reason("10.1.2.4", .tcp) == rule("shop/p", 2))
        #expect(reason("10.2.2.4", .tcp) == rule("shop/p", 2))
        #expect(reason("8.8.8.8", .sctp) == rule("shop/p", 3))
        #expect(reason("8.8.8.8", .tcp) == .endOfTier(tier: "default", triggers: [reference("shop", "p")]))
    }

    @Test func netsOfTheOtherVersionTakeTheRuleAway() {
        var world = world
        world.addPolicy(
            "shop", "p",
            ingress: [
                PolicyRule(action: .deny, source: EntityRule(nets: [block("0.0.0.0", 0)])),
                PolicyRule(action: .deny, destination: EntityRule(nets: [block("10.0.0.0", 8)])),
                PolicyRule(action: .allow),
            ])
        #expect(decide(world, "shop/web", from: client, to: web)?.reason == rule("shop/p", 0))
        #expect(decide(world, "shop/web", from: address6(2), to: address6(1))?.reason == rule("shop/p", 2))
    }

    @Test func localSideIsOfTheLegsAddress() {
        var world = world
        let second = address("10.0.9.1")
        world.addEndpoint("shop", "web", [web, second], ["app": "web"])
        world.addPolicy(
            "shop", "p",
            ingress: [
                PolicyRule(action: .allow, destination: EntityRule(nets: [block("10.0.9.0", 24)])),
                PolicyRule(action: .allow, transport: .udp, destination: EntityRule(selector: app("db"))),
            ])
        #expect(decide(world, "shop/web", from: client, to: second)?.reason == rule("shop/p", 0))
        #expect(decide(world, "shop/web", from: client, to: web, .udp)?.verdict == .deny)
        // Another endpoint claims the address: sets are of addresses.
        world.addEndpoint("shop", "db", [web], ["app": "db"], node: "elsewhere")
        #expect(decide(world, "shop/web", from: client, to: web, .udp)?.reason == rule("shop/p", 1))
    }

    @Test func portsMatchOnlyProtocolsThatHaveThem() {
        var world = world
        world.addPolicy(
            "shop", "p",
            ingress: [
                PolicyRule(action: .allow, transport: .icmp, destination: EntityRule(ports: [port(80)])),
                PolicyRule(action: .allow, destination: EntityRule(ports: [port(80)])),
                PolicyRule(action: .allow, transport: TransportProtocol(number: 47)),
            ])
        let protocols: [UInt8] = [1, 6, 17, 132, 136, 58, 47, 0, 255]
        let verdicts = protocols.map {
            decide(world, "shop/web", from: client, to: web, TransportProtocol(number: $0))?.verdict
        }
        #expect(verdicts == [.deny, .allow, .allow, .allow, .allow, .deny, .allow, .deny, .deny])
    }

    @Test func sourcePortsDecideInASecondRow() {
        var world = world
        let low = EntityRule(ports: [port(1), port(53)])
        world.addPolicy(
            "shop", "p",
            ingress: [
                PolicyRule(action: .allow, transport: .udp, source: low),
                PolicyRule(action: .deny, transport: .udp, destination: EntityRule(ports: [port(99)])),
                PolicyRule(
                    action: .allow, source: EntityRule(selector: app("client"), ports: [port(7)]),
                    destination: EntityRule(ports: [port(99)])),
            ])
        func reason(_ sourcePort: UInt16, _ port: UInt16, _ source: IPAddress) -> Reason? {
            decide(world, "shop/web", from: source, to: web, .udp, port: port, sourcePort: sourcePort)?.reason
        }
        let end = Reason.endOfTier(tier: "default", triggers: [reference("shop", "p")])
        #expect(reason(53, 99, stranger) == rule("shop/p", 0))
        #expect(reason(54, 99, stranger) == rule("shop/p", 1))
        #expect(reason(54, 98, stranger) == end)
        #expect(reason(7, 99, client) == rule("shop/p", 1))
        let tcp = decide(world, "shop/web", from: client, to: web, .tcp, port: 99, sourcePort: 7)
        #expect(tcp?.reason == rule("shop/p", 2))
        let strange = decide(world, "shop/web", from: stranger, to: web, .tcp, port: 99, sourcePort: 7)
        #expect(strange?.reason == end)
    }

    @Test func selectorsOfEveryShape() {
        let shapes: [(Selector, Bool)] = [
            (.has(key: "app"), true), (.has(key: "none"), false), (.not(.has(key: "none")), true),
            (.notEquals(key: "none", value: "x"), true), (.notEquals(key: "app", value: "client"), false),
            (.contains(key: "app", value: "lien"), true), (.contains(key: "app", value: "x"), false),
            (.contains(key: "app", value: ""), true), (.contains(key: "none", value: ""), false),
            (.startsWith(key: "app", value: "cl"), true), (.startsWith(key: "app", value: "lc"), false),
            (.endsWith(key: "app", value: "nt"), true), (.endsWith(key: "app", value: "tn"), false),
            (.isIn(key: "app", values: ["web", "client"]), true), (.isIn(key: "none", values: ["web"]), false),
            (.isNotIn(key: "app", values: ["web", "client"]), false), (.isNotIn(key: "none", values: ["web"]), true),
            (.and([app("client"), .has(key: "none")]), false), (.or([app("client"), .has(key: "none")]), true),
            (.all, true),
        ]
        for (selector, expected) in shapes {
            var world = world
            world.addPolicy(
                "shop", "p", ingress: [PolicyRule(action: .allow, source: EntityRule(selector: selector))])
            #expect(
                decide(world, "shop/web", from: client, to: web)?.verdict == (expected ? .allow : .deny), "\(selector)")
        }
    }

    @Test func anEmptyWorldHasEmptyTables() {
        var compiler = VerdictCompiler()
        let tables = compiler.compile(PolicyWorld(), node: "here")
        #expect(tables.legs.isEmpty && tables.rows.isEmpty && tables.stacks.isEmpty && tables.decisions.isEmpty)
        #expect(compiler.checkInvariants() == [])
    }
}
