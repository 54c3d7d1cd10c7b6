import PolicyModel
import Testing

/// Kubernetes' NetworkPolicies: what they may say, and the policies they become.
@Suite struct KubernetesPolicyTests {
    private static let pods = Selector.equals(key: "projectcalico.org/orchestrator", value: "k8s")

    private static func policy(_ spec: String) throws -> Policy {
        try Policy(object: ValidatorTests.object(Kinds.kubernetesNetworkPolicy, spec: try JSONValue(parsing: spec)))
    }

    private static func tcp(_ ports: [PortRange], names: [String] = []) -> EntityRule { EntityRule(ports: ports, namedPorts: names) }

    @Test func whatItBecomes() throws {
        let policy = try Self.policy(
            """
            {"podSelector":{"matchLabels":{"b":"2","a":"1"},"matchExpressions":[{"key":"c","operator":"NotIn","values":["x","y"]},
              {"key":"d","operator":"Exists"},{"key":"e","operator":"DoesNotExist"},{"key":"f","operator":"In","values":["z"]}]},
             "ingress":[{}]}
            """)
        #expect(policy.reference == PolicyReference(kind: "NetworkPolicy", namespace: "default", name: "knp.default.x"))
        #expect(policy.tier == "default" && policy.order == 1000 && policy.directions == [.ingress])
        #expect(
            policy.selector
                == .and([
                    Self.pods, .equals(key: "a", value: "1"), .equals(key: "b", value: "2"), .isNotIn(key: "c", values: ["x", "y"]),
                    .has(key: "d"), .not(.has(key: "e")), .isIn(key: "f", values: ["z"]),
                ]))
        #expect(policy.ingress == [PolicyRule(action: .allow, writtenIndex: 0)])
        #expect(try Self.policy("{}").selector == Self.pods, "no podSelector means every pod")
        #expect(try Self.policy(#"{"podSelector":{}}"#).ingress == [], "no rules allow nothing")
    }

    @Test func peers() throws {
        let policy = try Self.policy(
            """
            {"policyTypes":["Ingress"],"ingress":[{"from":[]},{"from":[
              {"podSelector":{"matchLabels":{"app":"web"}}},{"podSelector":{}},
              {"namespaceSelector":{}},{"namespaceSelector":{"matchLabels":{"team":"a"}},"podSelector":{"matchLabels":{"app":"db"}}},
              {"namespaceSelector":{"matchExpressions":[{"key":"t","operator":"Exists"},{"key":"u","operator":"Exists"}]}},
              {"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16","10.2.0.0/16"]}},{"ipBlock":{"cidr":"192.0.2.0/24"}},
              {"ipBlock":{"cidr":"2001:db8::/32"}},{"ipBlock":{"cidr":"192.0.2.0/24","except":[]}},{"ipBlock":{"cidr":"198.51.100.0/24"}}]}]}
            """)
        let block = { (text: String) in try #require(AddressBlock(text)) }
        let sources: [EntityRule] = [
            EntityRule(selector: .and([Self.pods, .equals(key: "app", value: "web")])), EntityRule(selector: Self.pods),
            EntityRule(selector: Self.pods, namespaceSelector: .matching(.all)),
            EntityRule(
                selector: .and([Self.pods, .equals(key: "app", value: "db")]),
                namespaceSelector: .matching(.equals(key: "team", value: "a"))),
            EntityRule(selector: Self.pods, namespaceSelector: .matching(.and([.has(key: "t"), .has(key: "u")]))),
            EntityRule(nets: [try block("10.0.0.0/8")], notNets: [try block("10.1.0.0/16"), try block("10.2.0.0/16")]),
            EntityRule(nets: [try block("192.0.2.0/24"), try block("198.51.100.0/24")]), EntityRule(nets: [try block("2001:db8::/32")]),
        ]
        #expect(policy.ingress.first == PolicyRule(action: .allow, writtenIndex: 0), "an empty list of peers is everyone")
        #expect(policy.ingress.dropFirst().map(\.source) == sources)
        #expect(policy.ingress.dropFirst().allSatisfy { $0.writtenIndex == 1 && $0.destination == EntityRule() && $0.action == .allow })
    }

    @Test func ports() throws {
        let policy = try Self.policy(
            """
            {"egress":[{"ports":[{"port":80},{"protocol":"UDP","port":53},{"port":"http"},{"port":8000,"endPort":8080},
               {"protocol":"SCTP"},{"protocol":"SCTP","port":9}]},
              {"to":[{"podSelector":{}},{"ipBlock":{"cidr":"10.0.0.0/8"}}],"ports":[{"port":443.0}]}]}
            """)
        #expect(policy.directions == [.ingress, .egress], "Kubernetes' default with egress rules")
        let range = try #require(PortRange(first: 8000, last: 8080))
        var toPods = Self.tcp([PortRange(443)])
        toPods.selector = Self.pods
        var toBlock = Self.tcp([PortRange(443)])
        toBlock.nets = [try #require(AddressBlock("10.0.0.0/8"))]
        #expect(
            policy.egress == [
                PolicyRule(action: .allow, transport: .tcp, destination: Self.tcp([PortRange(80), range], names: ["http"]), writtenIndex: 0),
                PolicyRule(action: .allow, transport: .udp, destination: Self.tcp([PortRange(53)]), writtenIndex: 0),
                PolicyRule(action: .allow, transport: .sctp, writtenIndex: 0),
                PolicyRule(action: .allow, transport: .tcp, destination: toPods, writtenIndex: 1),
                PolicyRule(action: .allow, transport: .tcp, destination: toBlock, writtenIndex: 1),
            ])
        let ingress = try Self.policy(#"{"ingress":[{"from":[{"podSelector":{}}],"ports":[{"port":1}]}]}"#)
        #expect(
            ingress.ingress == [
                PolicyRule(
                    action: .allow, transport: .tcp, source: EntityRule(selector: Self.pods), destination: Self.tcp([PortRange(1)]),
                    writtenIndex: 0)
            ])
    }

    @Test(arguments: [
        (#"{"podSelector":{}}"#, ["Ingress"]), (#"{"egress":[{}]}"#, ["Ingress", "Egress"]), (#"{"egress":[]}"#, ["Ingress"]),
        (#"{"policyTypes":["Egress"],"ingress":[{}]}"#, ["Egress"]), (#"{"policyTypes":[]}"#, ["Ingress"]),
    ])
    func typesDefaultAsInKubernetes(spec: String, types: [String]) throws {
        var object = ValidatorTests.object(Kinds.kubernetesNetworkPolicy, spec: try JSONValue(parsing: spec))
        let policy = try Policy(object: object)
        #expect(policy.directions == Set(types.map { $0 == "Ingress" ? Direction.ingress : .egress }))
        Defaulting.apply(to: &object, kind: Kinds.kubernetesNetworkPolicy)
        #expect(object["spec"]?["policyTypes"] == .array(types.map { .string($0) }))
        #expect(object["spec"]?["podSelector"] == [:])
        #expect(try Policy(object: object) == policy)
        let once = object
        Defaulting.apply(to: &object, kind: Kinds.kubernetesNetworkPolicy)
        #expect(object == once)
    }

    @Test func defaultsOfPorts() throws {
        var object = ValidatorTests.object(
            Kinds.kubernetesNetworkPolicy, spec: ["ingress": [["ports": [["port": 80], ["protocol": "UDP"], 5]]]])
        Defaulting.apply(to: &object, kind: Kinds.kubernetesNetworkPolicy)
        #expect(object["spec"]?["ingress"] == [["ports": [["port": 80, "protocol": "TCP"], ["protocol": "UDP"], 5]]])
    }

    @Test(arguments: [
        (#"{"ingress":[{"from":[{}]}]}"#,
            ["ingress[0].from[0]: is empty: write podSelector, namespaceSelector or ipBlock; for every peer leave the whole list out"]),
        (#"{"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/8"},"podSelector":{}}]}]}"#,
            ["ingress[0].from[0].ipBlock: cannot stand beside selectors: write two peers"]),
        (#"{"ingress":[{"from":[{"ipBlock":{}}]}]}"#, ["ingress[0].from[0].ipBlock.cidr: is required"]),
        (#"{"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.1"}}]}]}"#,
            [#"ingress[0].from[0].ipBlock.cidr: "10.0.0.1" is no address block: write it as 10.0.0.0/8 or 2001:db8::/32"#]),
        (#"{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.0.0.0/8","11.0.0.0/16","::/0","x"]}}]}]}"#,
            [
                #"egress[0].to[0].ipBlock.except[0]: "10.0.0.0/8" must be inside the cidr 10.0.0.0/8, and smaller"#,
                #"egress[0].to[0].ipBlock.except[1]: "11.0.0.0/16" must be inside the cidr 10.0.0.0/8, and smaller"#,
                #"egress[0].to[0].ipBlock.except[2]: "::/0" must be inside the cidr 10.0.0.0/8, and smaller"#,
                #"egress[0].to[0].ipBlock.except[3]: "x" is no address block: write it as 10.0.0.0/8 or 2001:db8::/32"#,
            ]),
        (#"{"ingress":[{"to":[]}]}"#, [#"ingress[0].to: unknown field "spec.ingress[0].to""#]),
        (#"{"ingress":[{"ports":[{"protocol":"ICMP"}]}]}"#, [#"ingress[0].ports[0].protocol: "ICMP" is not supported: use "TCP", "UDP" or "SCTP""#]),
        (#"{"ingress":[{"ports":[{"port":0},{"port":65536},{"port":1.5}]}]}"#,
            [
                "ingress[0].ports[2].port: must be a whole number or a text", "ingress[0].ports[0].port: port 0 is out of range: ports are 1 to 65535",
                "ingress[0].ports[1].port: port 65536 is out of range: ports are 1 to 65535",
            ]),
        (#"{"ingress":[{"ports":[{"port":"80"}]}]}"#,
            [#"ingress[0].ports[0].port: "80" is no port name: use at most 15 lower case letters, digits and single inner '-', among them a letter; write numbers without quotes"#]),
        (#"{"ingress":[{"ports":[{"endPort":80},{"port":"http","endPort":80},{"port":90,"endPort":80},{"port":1,"endPort":70000}]}]}"#,
            [
                "ingress[0].ports[3].endPort: 70000 is out of range: use a number from 1 to 65535",
                "ingress[0].ports[0].endPort: needs port, the first of the range", "ingress[0].ports[1].endPort: needs a port that is a number",
                "ingress[0].ports[2].endPort: 80 is less than port: write the higher number here",
            ]),
        (#"{"policyTypes":["Ingress","Ingress"]}"#, [#"policyTypes[1]: "Ingress" is given more than once"#]),
        (#"{"policyTypes":["Both"]}"#, [#"policyTypes[0]: "Both" is not supported: use "Ingress" or "Egress""#]),
        (#"{"podSelector":{"matchLabels":{"-a":"b"}}}"#,
            [#"podSelector.matchLabels[-a]: "-a" is no valid label key: use at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, after an optional DNS prefix and '/'"#]),
        (#"{"podSelector":{"matchLabels":{"a":true}}}"#, ["podSelector.matchLabels[a]: must be a text, not a boolean: put it in quotes"]),
        (#"{"podSelector":{"matchExpressions":[{"key":"a","operator":"In"},{"key":"a","operator":"Exists","values":["b"]},{"key":"a","operator":"Is"},{"operator":"Exists"}]}}"#,
            [
                #"podSelector.matchExpressions[2].operator: "Is" is not supported: use "In", "NotIn", "Exists" or "DoesNotExist""#,
                "podSelector.matchExpressions[3].key: is required",
                "podSelector.matchExpressions[0].values: is required: In and NotIn need values",
                "podSelector.matchExpressions[1].values: must be absent: Exists and DoesNotExist take none",
            ]),
        (#"{"podSelector":{"matchExpressions":[{"key":"a","operator":"In","values":["b c"]}]}}"#,
            [#"podSelector.matchExpressions[0].values[0]: "b c" is no valid label value: use at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, or leave it empty"#]),
        (#"{"selector":"all()"}"#, [#"selector: unknown field "spec.selector""#]),
    ] as [(String, [String])])
    func refuses(spec: String, expected: [String]) throws {
        for kind in [Kinds.kubernetesNetworkPolicy, Kinds.stagedKubernetesNetworkPolicy] {
            let errors = Validator.validate(ValidatorTests.object(kind, spec: try JSONValue(parsing: spec)), kind: kind)
            #expect(ValidatorTests.text(errors) == expected.map { "spec.\($0)" })
        }
    }

    @Test func limits() throws {
        let peers = JSONValue.array(Array(repeating: ["podSelector": [:]], count: ObjectLimits.peersPerKubernetesRule + 1))
        let ports = JSONValue.array(Array(repeating: ["port": 80], count: ObjectLimits.portsPerKubernetesRule + 1))
        let errors = Validator.validate(
            ValidatorTests.object(Kinds.kubernetesNetworkPolicy, spec: ["ingress": [["from": peers, "ports": ports]]]),
            kind: Kinds.kubernetesNetworkPolicy)
        #expect(
            ValidatorTests.text(errors) == [
                "spec.ingress[0].from: 1025 peers are more than the limit of 1024: split the rule",
                "spec.ingress[0].ports: 257 ports are more than the limit of 256: split the rule",
            ])
        let rule: JSONValue = [
            "from": .array(Array(repeating: ["podSelector": [:]], count: 1000)), "ports": [["port": 1], ["protocol": "UDP", "port": 1]],
        ]
        let many = Validator.validate(
            ValidatorTests.object(Kinds.kubernetesNetworkPolicy, spec: ["ingress": [rule, rule, rule]]), kind: Kinds.kubernetesNetworkPolicy)
        #expect(
            ValidatorTests.text(many) == [
                "spec.ingress: its peers and protocols make 6000 rules, more than the limit of 4096: split the policy"
            ])
    }
}
