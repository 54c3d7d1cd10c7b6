import PolicyAnalysis
import PolicyModel
import Testing

/// What each finding says, and what keeps it away.
@Suite struct LintTests {
    /// `CODE PATH` of everything that is found, and the sentences.
    private static func findings(_ objects: [JSONValue]) throws -> [LintFinding] {
        var world = PolicyWorld.builtIn
        for object in objects { try world.set(object) }
        return Lint(world: world, services: objects.compactMap { LintService(object: $0) }).findings()
    }

    private static func text(_ objects: [JSONValue], _ codes: LintFinding.Code...) throws -> [String] {
        try findings(objects).filter { codes.contains($0.code) }.map { "\($0.object.name) \($0.path): \($0.message)" }
    }

    private static func policy(
        _ name: String, namespace: String? = nil, _ spec: JSONValue
    ) -> JSONValue {
        var metadata: JSONValue = ["name": .string(name)]
        if let namespace { metadata["namespace"] = .string(namespace) }
        return [
            "apiVersion": "projectcalico.org/v3", "kind": namespace == nil ? "GlobalNetworkPolicy" : "NetworkPolicy", "metadata": metadata,
            "spec": spec,
        ]
    }

    private static func workload(_ name: String, namespace: String = "shop", _ labels: JSONValue, _ address: String) -> JSONValue {
        [
            "apiVersion": "projectcalico.org/v3", "kind": "WorkloadEndpoint",
            "metadata": ["name": .string(name), "namespace": .string(namespace), "labels": labels],
            "spec": ["ipNetworks": [.string(address)], "ports": [["name": "http", "protocol": "TCP", "port": 8080]]],
        ]
    }

    private static func namespace(_ name: String) -> JSONValue {
        ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]]
    }

    private static let shop = [
        namespace("shop"), namespace("lab"), workload("web", ["app": "web"], "10.0.0.1"), workload("db", ["app": "db"], "10.0.0.2"),
        workload("probe", namespace: "lab", ["app": "probe"], "10.0.0.3"),
    ]

    // MARK: Rules

    @Test func namesTheRulesThatShadowOne() throws {
        let policy = Self.policy("p", [
            "types": ["Ingress"],
            "ingress": [
                ["action": "Allow", "protocol": "TCP", "source": ["nets": ["10.0.0.0/9"]]],
                ["action": "Allow", "protocol": "UDP"],
                ["action": "Deny", "protocol": "TCP", "source": ["nets": ["10.128.0.0/9"]]],
                ["action": "Allow", "protocol": "TCP", "source": ["nets": ["10.0.0.0/8"]], "destination": ["ports": [443]]],
            ],
        ])
        #expect(try Self.text([policy], .unreachableRule) == [
            "p spec.ingress[3]: no packet reaches this rule: all that it matches is decided before it, by rule 0 of this policy, rule 2 of this policy"
        ])
    }

    @Test func namesTheEndOfATierAndRulesOfOtherPolicies() throws {
        let tier: JSONValue = ["apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": ["name": "first"], "spec": ["order": 1]]
        let guarding = Self.policy("first.guard", [
            "tier": "first", "types": ["Ingress"], "ingress": [["action": "Pass", "protocol": "TCP"]],
        ])
        let tcp = Self.policy("tcp", ["order": 1, "types": ["Ingress"], "ingress": [["action": "Deny", "protocol": "TCP"]]])
        let later = Self.policy("later", [
            "order": 2, "selector": "app == 'web'", "types": ["Ingress"],
            "ingress": [["action": "Allow", "protocol": "UDP"], ["action": "Allow", "protocol": "TCP", "destination": ["ports": [80]]]],
        ])
        #expect(try Self.text([tier, guarding, tcp, later], .unreachableRule) == [
            "later spec.ingress[0]: no packet reaches this rule: all that it matches is decided before it, by the end of tier first, for what "
                + "GlobalNetworkPolicy first.guard applies to",
            "later spec.ingress[1]: no packet reaches this rule: all that it matches is decided before it, by rule 0 of GlobalNetworkPolicy tcp",
        ])
    }

    @Test func whatContradictsItselfMatchesNothing() throws {
        let rules: [JSONValue] = [
            ["action": "Allow", "source": ["selector": "a == 'x' && a == 'y'"]],
            ["action": "Allow", "protocol": "TCP", "destination": ["ports": [80], "notPorts": ["1:100"]]],
            ["action": "Allow", "source": ["nets": ["10.1.0.0/16"], "notNets": ["10.0.0.0/8"]]],
            ["action": "Allow", "protocol": "ICMP", "notProtocol": 1],
            ["action": "Allow", "source": ["selector": "a starts with 'x' && !(a contains 'x')"]],
            ["action": "Allow", "protocol": "TCP"],
        ]
        let policy = Self.policy("p", ["types": ["Ingress"], "ingress": .array(rules)])
        #expect(try Self.findings([policy]).filter { $0.code == .contradiction }.map(\.path) == (0...4).map { "spec.ingress[\($0)]" })
        let dead = Self.policy("dead", ["selector": "a == 'x' && !has(a)", "types": ["Ingress"], "ingress": [["action": "Allow"]]])
        #expect(try Self.text([dead], .contradiction) == [
            "dead spec.selector: no labels meet all that the policy's selectors ask for: it applies to nothing"
        ])
    }

    @Test func rulesOfKubernetesAreTakenAsWritten() throws {
        let policy: JSONValue = [
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": ["name": "p", "namespace": "shop"],
            "spec": [
                "podSelector": [:], "policyTypes": ["Ingress"],
                "ingress": [
                    ["from": [["podSelector": [:]], ["ipBlock": ["cidr": "10.0.0.0/8"]]], "ports": [["port": 80], ["port": 81]]],
                    ["from": [["podSelector": ["matchLabels": ["app": "web"]]]], "ports": [["port": 80]]],
                    ["from": [["podSelector": ["matchLabels": ["app": "web"]]]], "ports": [["port": 82]]],
                ],
            ],
        ]
        #expect(try Self.findings([Self.namespace("shop"), policy]).filter { $0.code == .unreachableRule }.map(\.path) == ["spec.ingress[1]"])
    }

    // MARK: Whom selectors pick

    @Test func selectorsThatPickNobody() throws {
        let policy = Self.policy("p", namespace: "shop", [
            "selector": "app == 'wbe'", "types": ["Ingress"], "ingress": [["action": "Allow", "source": ["selector": "app == 'nobody'"]]],
        ])
        #expect(try Self.text(Self.shop + [policy], .selectsNothing, .peerSelectsNothing) == [
            "p spec.ingress[0].source: no workload and no network set here has what this side asks for: the rule matches nothing until one has",
            "p spec.selector: it applies to no workload that is here: compare its labels with theirs",
        ])
        #expect(try Self.text([Self.namespace("shop"), policy], .selectsNothing, .peerSelectsNothing) == [], "without workloads nothing is said")
    }

    @Test func nothingIsSaidOfWhomAComparisonPicks() throws {
        let policy = Self.policy("p", ["types": ["Ingress"], "ingress": [["action": "Allow", "source": ["selector": "sameLabel(app)"]]]])
        #expect(try Self.findings(Self.shop + [policy]) == [])
    }

    @Test func aSelectorOfANetworkPolicyMeansItsOwnNamespace() throws {
        let spec: JSONValue = ["types": ["Ingress"], "ingress": [["action": "Allow", "source": ["selector": "app == 'probe'"]]]]
        #expect(try Self.text(Self.shop + [Self.policy("p", namespace: "shop", spec)], .ownNamespace) == [
            "p spec.ingress[0].source.selector: in a NetworkPolicy a selector alone means the policy's own namespace (shop), where it matches "
                + "nobody; it matches workloads of lab: add namespaceSelector, all() for every namespace"
        ])
        #expect(try Self.text(Self.shop + [Self.policy("p", spec)], .ownNamespace) == [])
    }

    @Test func portNamesThatNobodyHas() throws {
        func policy(_ name: String) -> JSONValue {
            Self.policy("p", [
                "types": ["Ingress"], "ingress": [["action": "Allow", "protocol": "TCP", "destination": ["ports": [.string(name)]]]],
            ])
        }
        #expect(try Self.text(Self.shop + [policy("htpp")], .unknownPortName) == [
            "p spec.ingress[0].destination: ports: no workload here gives a port the name htpp, so that it means no port"
        ])
        #expect(try Self.text(Self.shop + [policy("http")], .unknownPortName) == [])
    }

    @Test func allMeansNetworkSetsToo() throws {
        let set: JSONValue = [
            "apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkSet", "metadata": ["name": "world", "labels": ["a": "b"]],
            "spec": ["nets": ["0.0.0.0/0"]],
        ]
        func policy(_ source: JSONValue) -> JSONValue {
            Self.policy("p", ["types": ["Ingress"], "ingress": [["action": "Allow", "source": source]]])
        }
        #expect(try Self.text(Self.shop + [set, policy(["selector": "all()"])], .allMeansNetworkSets) == [
            "p spec.ingress[0].source: all() is met by network sets too: this allows the addresses of GlobalNetworkSet world; write "
                + "has(projectcalico.org/orchestrator) for workloads alone"
        ])
        for source: JSONValue in [["selector": "has(projectcalico.org/orchestrator)"], ["namespaceSelector": "all()"], ["selector": "a == 'b'"]] {
            #expect(try Self.text(Self.shop + [set, policy(source)], .allMeansNetworkSets) == [])
        }
        #expect(try Self.text(Self.shop + [policy(["selector": "all()"])], .allMeansNetworkSets) == [])
    }

    // MARK: Tiers and orders

    @Test func policiesThatOnlyLogDenyAtTheEndOfTheirTier() throws {
        func policy(_ tier: String) -> JSONValue {
            Self.policy("watch", ["tier": .string(tier), "types": ["Ingress"], "ingress": [["action": "Log"]]])
        }
        #expect(try Self.findings([policy("default")]).map(\.code) == [.logOnly])
        #expect(try Self.findings([policy("kube-baseline")]) == [])
        #expect(try Self.findings([policy("absent")]).map(\.code) == [.noTier])
    }

    @Test func equalOrdersThatContradictEachOther() throws {
        func policies(_ first: Int64, _ second: Int64, _ port: Int64) -> [JSONValue] {
            [
                Self.policy("a", ["order": .integer(first), "types": ["Ingress"], "ingress": [["action": "Allow", "protocol": "TCP", "destination": ["ports": [80]]]]]),
                Self.policy("b", ["order": .integer(second), "types": ["Ingress"], "ingress": [["action": "Deny", "protocol": "TCP", "destination": ["ports": [.integer(port), 81]]]]]),
            ]
        }
        #expect(try Self.text(policies(10, 10, 80), .tiedOrder) == [
            "b spec.order: this policy and GlobalNetworkPolicy a both have order 10 in tier default, and rule 0 of that one contradicts rule 0 "
                + "here: names decide, and GlobalNetworkPolicy a comes first; give them different orders (lower comes first)"
        ])
        #expect(try Self.text(policies(10, 11, 80), .tiedOrder) == [])
        #expect(try Self.text(policies(10, 10, 82), .tiedOrder) == [])
    }

    // MARK: Names and services

    @Test func defaultDenyThatCutsDNS() throws {
        let deny = Self.policy("deny", namespace: "shop", ["types": ["Egress"]])
        func other(_ namespace: String, _ rule: JSONValue) -> JSONValue {
            Self.policy("other", namespace: namespace, ["types": ["Egress"], "egress": [rule]])
        }
        let dns: JSONValue = ["action": "Allow", "protocol": "UDP", "destination": ["ports": [53]]]
        #expect(try Self.findings(Self.shop + [deny]).map { "\($0.code) \($0.path)" } == ["cutsDNS spec"])
        #expect(try Self.findings(Self.shop + [deny, other("shop", dns)]).filter { $0.code == .cutsDNS } == [])
        #expect(try Self.findings(Self.shop + [deny, other("shop", ["action": "Allow"])]).filter { $0.code == .cutsDNS } == [])
        let tcp: JSONValue = ["action": "Allow", "protocol": "TCP"]
        #expect(try Self.findings(Self.shop + [deny, other("shop", tcp)]).filter { $0.code == .cutsDNS }.map(\.object.name) == ["deny", "other"])
        #expect(try Self.findings(Self.shop + [deny, other("lab", dns)]).filter { $0.code == .cutsDNS }.map(\.object.name) == ["deny"])
        let meant = Self.policy("closed", namespace: "shop", ["types": ["Egress"], "egress": [["action": "Deny"]]])
        #expect(try Self.findings(Self.shop + [meant]).filter { $0.code == .cutsDNS } == [], "an own rule denies: that is meant")
    }

    private static let service: JSONValue = [
        "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web", "namespace": "shop"],
        "spec": ["clusterIP": "10.96.0.7", "selector": ["app": "web"], "ports": [["port": 80, "targetPort": 8080]]],
    ]

    @Test func addressesOfServices() throws {
        func policy(_ net: String) -> JSONValue {
            Self.policy("p", ["types": ["Egress"], "egress": [["action": "Allow", "destination": ["nets": [.string(net)]]]]])
        }
        #expect(try Self.text(Self.shop + [Self.service, policy("10.96.0.7/32")], .serviceAddress) == [
            "p spec.egress[0].destination.nets: 10.96.0.7 is the address of Service shop/web; policy sees the address of the backend instead: "
                + "select the backends, or name the service in services"
        ])
        #expect(try Self.text(Self.shop + [Self.service, policy("10.96.0.0/12")], .serviceAddress) == [])
    }

    @Test func portsOfServices() throws {
        func policy(_ ports: JSONValue, _ selector: String) -> JSONValue {
            Self.policy("p", [
                "types": ["Egress"],
                "egress": [["action": "Allow", "protocol": "TCP", "destination": ["selector": .string(selector), "ports": ports]]],
            ])
        }
        #expect(try Self.text(Self.shop + [Self.service, policy([80], "app == 'web'")], .servicePort) == [
            "p spec.egress[0].destination.ports: 80 is the port of Service shop/web; its backends listen on 8080, and policy sees that one: "
                + "write 8080"
        ])
        for (ports, selector) in [([80, 8080], "app == 'web'"), ([8080], "app == 'web'"), ([80], "app == 'db'")] as [(JSONValue, String)] {
            #expect(try Self.text(Self.shop + [Self.service, policy(ports, selector)], .servicePort) == [])
        }
    }

    // MARK: Alone

    @Test func anObjectAloneIsJudgedByItsOwnRules() throws {
        let policy = Self.policy("p", [
            "types": ["Ingress", "Egress"], "ingress": [["action": "Allow"], ["action": "Deny", "protocol": "TCP"]],
            "performanceHints": ["AssumeNeededOnEveryNode"],
        ])
        let findings = Lint.findings(alone: policy, kind: Kinds.globalNetworkPolicy)
        #expect(findings.map { "\($0.code) \($0.path)" } == ["unreachableRule spec.ingress[1]", "asWritten spec.performanceHints"])
        #expect(Lint.findings(alone: ["kind": "Tier"], kind: Kinds.tier) == [])
    }
}
