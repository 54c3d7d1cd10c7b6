import PolicyModel
import Testing

/// The kinds of policy.networking.k8s.io: what they may say, and the policies they become.
@Suite struct ClusterPolicyTests {
    private static let pods = Selector.equals(key: "projectcalico.org/orchestrator", value: "k8s")
    private static let kinds = [Kinds.clusterNetworkPolicy, Kinds.adminNetworkPolicy, Kinds.baselineAdminNetworkPolicy]

    private static func object(_ kind: ResourceKind, _ spec: String) throws -> JSONValue {
        let isBaseline = kind.resource == Kinds.baselineAdminNetworkPolicy.resource
        return ValidatorTests.object(
            kind, spec: try JSONValue(parsing: spec), metadata: isBaseline ? ["name": "default"] : [:])
    }

    private static func errors(_ kind: ResourceKind, _ spec: String) throws -> [String] {
        ValidatorTests.text(Validator.validate(try object(kind, spec), kind: kind))
    }

    @Test func whatItBecomes() throws {
        let policy = try Policy(
            object: Self.object(
                Kinds.clusterNetworkPolicy,
                """
                {"tier":"Admin","priority":7,"subject":{"pods":{"namespaceSelector":{"matchLabels":{"team":"a"}},"podSelector":{"matchLabels":{"app":"db"}}}},
                 "ingress":[{"name":"x","action":"Pass","from":[{"namespaces":{}}]}],
                 "egress":[{"action":"Accept","to":[{"namespaces":{}}]},
                           {"action":"Deny","to":[{"networks":["10.0.0.0/8","2001:db8::/32"]},{"pods":{"podSelector":{}}},{"networks":["192.0.2.0/24"]}],
                            "protocols":[{"udp":{"destinationPort":{"number":53}}},{"tcp":{"destinationPort":{"range":{"start":80,"end":90}}}},{"tcp":{"destinationPort":{"number":443}}}]}]}
                """))
        #expect(policy.reference == PolicyReference(kind: "ClusterNetworkPolicy", namespace: "", name: "x"))
        #expect(policy.tier == "kube-admin" && policy.order == 7 && policy.directions == [.ingress, .egress])
        #expect(policy.selector == .and([Self.pods, .equals(key: "app", value: "db")]))
        #expect(policy.namespaceSelector == .matching(.equals(key: "team", value: "a")))
        let all = EntityRule(selector: Self.pods, namespaceSelector: .matching(.all))
        #expect(policy.ingress == [PolicyRule(action: .pass, source: all, writtenIndex: 0)])
        #expect(policy.egress.first == PolicyRule(action: .allow, destination: all, writtenIndex: 0))
        let rest = Array(policy.egress.dropFirst())
        #expect(rest.count == 6 && rest.allSatisfy { $0.action == .deny && $0.writtenIndex == 1 })
        #expect(rest.map(\.transport) == [.tcp, .tcp, .tcp, .udp, .udp, .udp])
        #expect(rest[0].destination.ports == [try #require(PortRange(first: 80, last: 90)), PortRange(443)])
        let block = { (text: String) in try #require(AddressBlock(text)) }
        #expect(rest[1].destination.nets == [try block("10.0.0.0/8"), try block("192.0.2.0/24")])
        #expect(rest[2].destination.nets == [try block("2001:db8::/32")])
    }

    @Test func placesOfTheOthers() throws {
        let rules = #""subject":{"namespaces":{}},"ingress":[{"action":"Deny","from":[{"namespaces":{}}]}]"#
        let baseline = try Policy(object: Self.object(Kinds.clusterNetworkPolicy, #"{"tier":"Baseline","priority":0,\#(rules)}"#))
        #expect(baseline.tier == "kube-baseline" && baseline.order == 0 && baseline.directions == [.ingress])
        let admin = try Policy(object: Self.object(Kinds.adminNetworkPolicy, #"{"priority":1000,\#(rules)}"#))
        #expect(admin.tier == "kube-admin" && admin.order == 1000 && admin.reference.kind == "AdminNetworkPolicy")
        let last = try Policy(object: Self.object(Kinds.baselineAdminNetworkPolicy, "{\(rules)}"))
        #expect(last.tier == "kube-baseline" && last.order == 1000)
        #expect(last.reference == PolicyReference(kind: "BaselineAdminNetworkPolicy", namespace: "", name: "default"))
        let silent = try Policy(object: Self.object(Kinds.adminNetworkPolicy, #"{"priority":1,"subject":{"namespaces":{}}}"#))
        #expect(silent.directions.isEmpty)
    }

    @Test func worlds() throws {
        var world = PolicyWorld.builtIn
        #expect(world.tiers.keys.sorted() == ["default", "kube-admin", "kube-baseline"])
        let object = try Self.object(Kinds.clusterNetworkPolicy, #"{"tier":"Admin","priority":0,"subject":{"namespaces":{}}}"#)
        let isChanged = try world.set(object)
        #expect(isChanged && world.policies.count == 1)
        #expect(PolicyWorld.resources.isSuperset(of: Self.kinds.map(\.resource)))
        let isGone = world.remove(resource: "clusternetworkpolicies.policy.networking.k8s.io", namespace: "", name: "x")
        #expect(isGone && world == PolicyWorld.builtIn)
    }

    @Test func defaults() throws {
        var object = try Self.object(
            Kinds.adminNetworkPolicy,
            #"{"priority":1,"subject":{"namespaces":{}},"egress":[{"action":"Allow","to":[{"namespaces":{}}],"ports":[{"portNumber":{"port":80}},{"portRange":{"start":1,"end":2,"protocol":"UDP"}},{"namedPort":"x"}]}]}"#)
        Defaulting.apply(to: &object, kind: Kinds.adminNetworkPolicy)
        #expect(
            object["spec"]?["egress"]?.arrayValue?.first?["ports"] == [
                ["portNumber": ["port": 80, "protocol": "TCP"]], ["portRange": ["start": 1, "end": 2, "protocol": "UDP"]], ["namedPort": "x"],
            ])
        var broken = ValidatorTests.object(Kinds.adminNetworkPolicy)
        Defaulting.apply(to: &broken, kind: Kinds.adminNetworkPolicy)
        #expect(broken == ValidatorTests.object(Kinds.adminNetworkPolicy))
    }

    @Test(arguments: [
        (#"{}"#, ["spec.tier: is required", "spec.priority: is required", "spec.subject: is required"]),
        (#"{"tier":"admin","priority":1001,"subject":{"namespaces":{}}}"#, [
            #"spec.tier: "admin" is not supported: use "Admin" or "Baseline""#, "spec.priority: 1001 is out of range: use a number from 0 to 1000",
        ]),
        (#"{"tier":"Admin","priority":1,"subject":{}}"#, [#"spec.subject: must have one of the members "namespaces" or "pods""#]),
        (#"{"tier":"Admin","priority":1,"subject":{"namespaces":{},"pods":{"podSelector":{}}}}"#, ["spec.subject: must have one member, not namespaces and pods"]),
    ])
    func refusals(_ spec: String, _ expected: [String]) throws { #expect(try Self.errors(Kinds.clusterNetworkPolicy, spec) == expected) }

    @Test(arguments: [
        (#"{"action":"Allow","to":[{"namespaces":{}}]}"#, #".action: "Allow" is not supported: use "Accept", "Deny" or "Pass""#),
        (#"{"action":"Accept"}"#, ".to: is required"),
        (#"{"action":"Accept","to":[]}"#, ".to: must hold at least one element"),
        (#"{"action":"Accept","to":[{}]}"#, #".to[0]: must have one of the members "namespaces", "pods", "networks", "nodes" or "domainNames""#),
        (#"{"action":"Accept","to":[{"namespaces":{},"networks":["10.0.0.0/8"]}]}"#, ".to[0]: must have one member, not namespaces and networks: write several elements"),
        (#"{"action":"Deny","to":[{"nodes":{}}]}"#, ".to[0].nodes: not enforced yet: spec.egress[0].to[0].nodes"),
        (#"{"action":"Accept","to":[{"domainNames":["a.example"]}]}"#, ".to[0].domainNames: not enforced yet: spec.egress[0].to[0].domainNames"),
        (#"{"action":"Accept","to":[{"networks":["10.0.0.0"]}]}"#, #".to[0].networks[0]: "10.0.0.0" is no address block: write it as 10.0.0.0/8 or 2001:db8::/32"#),
        (#"{"action":"Accept","to":[{"networks":["10.0.0.0/8","10.0.0.0/8"]}]}"#, #".to[0].networks[1]: "10.0.0.0/8" is the same block as networks[0]"#),
        (#"{"action":"Accept","to":[{"pods":{}}]}"#, ".to[0].pods.podSelector: is required"),
        (#"{"action":"Accept","to":[{"namespaces":{"matchLabels":{"a b":"c"}}}]}"#, ".to[0].namespaces.matchLabels[a b]: \"a b\" is no valid label key: use at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, after an optional DNS prefix and '/'"),
        (#"{"action":"Accept","to":[{"namespaces":{}}],"protocols":[{"tcp":{}}]}"#, ".protocols[0].tcp.destinationPort: is required"),
        (#"{"action":"Accept","to":[{"namespaces":{}}],"protocols":[{"tcp":{"destinationPort":{}}}]}"#, #".protocols[0].tcp.destinationPort: must have one of the members "number" or "range""#),
        (#"{"action":"Accept","to":[{"namespaces":{}}],"protocols":[{"tcp":{"destinationPort":{"range":{"start":8,"end":8}}}}]}"#, ".protocols[0].tcp.destinationPort.range.end: must be greater than start: for one port write its number"),
        (#"{"action":"Accept","to":[{"networks":["10.0.0.0/8"]}],"protocols":[{"destinationNamedPort":"http"}]}"#, ".protocols[0].destinationNamedPort: cannot stand beside networks: only pods give names to ports"),
    ])
    func refusedRules(_ rule: String, _ expected: String) throws {
        let errors = try Self.errors(
            Kinds.clusterNetworkPolicy, #"{"tier":"Admin","priority":1,"subject":{"namespaces":{}},"egress":[\#(rule)]}"#)
        #expect(errors == ["spec.egress[0]" + expected])
    }

    @Test func limits() throws {
        let peer = #"{"namespaces":{}}"#
        func spec(rules: Int, peers: Int) -> String {
            let rule = #"{"action":"Deny","from":[\#(Array(repeating: peer, count: peers).joined(separator: ","))]}"#
            return #""subject":{"namespaces":{}},"ingress":[\#(Array(repeating: rule, count: rules).joined(separator: ","))]"#
        }
        for (kind, head, limit) in [(Kinds.clusterNetworkPolicy, #""tier":"Admin","priority":1,"#, 25), (Kinds.adminNetworkPolicy, #""priority":1,"#, 100)] {
            #expect(try Self.errors(kind, "{\(head)\(spec(rules: limit, peers: 1))}") == [])
            #expect(try Self.errors(kind, "{\(head)\(spec(rules: limit + 1, peers: 1))}") == ["spec.ingress: \(limit + 1) rules are more than the limit of \(limit): split the policy"])
            #expect(try Self.errors(kind, "{\(head)\(spec(rules: 1, peers: limit + 1))}") == ["spec.ingress[0].from: \(limit + 1) peers are more than the limit of \(limit): split the rule"])
        }
        #expect(
            try Self.errors(Kinds.adminNetworkPolicy, #"{"priority":1,\#(spec(rules: 42, peers: 100))}"#)
                == ["spec.ingress: its peers and protocols make 4200 rules, more than the limit of 4096: split the policy"])
    }

    @Test func theBaselineHasOneName() throws {
        let object = ValidatorTests.object(Kinds.baselineAdminNetworkPolicy, spec: ["subject": ["namespaces": [:]]])
        #expect(
            ValidatorTests.text(Validator.validate(object, kind: Kinds.baselineAdminNetworkPolicy))
                == [#"metadata.name: must be "default": there is at most one BaselineAdminNetworkPolicy"#])
        #expect(
            try Self.errors(Kinds.baselineAdminNetworkPolicy, #"{"subject":{"namespaces":{}},"ingress":[{"action":"Pass","from":[{"namespaces":{}}]}]}"#)
                == [#"spec.ingress[0].action: "Pass" is not supported: use "Allow" or "Deny""#])
    }

    /// What the border refuses makes a rule fail closed where it is read all the same.
    @Test func whatIsNotKnownIsReadClosed() throws {
        let object = try Self.object(
            Kinds.clusterNetworkPolicy,
            #"{"tier":"Admin","priority":1,"subject":{"namespaces":{}},"egress":[{"action":"Accept","to":[{"nodes":{}}]},{"action":"Pass","to":[{}]},{"action":"Deny","to":[{"later":1}]}]}"#)
        #expect(!Validator.validate(object, kind: Kinds.clusterNetworkPolicy).isEmpty)
        #expect(
            try Policy(object: object).egress == [
                PolicyRule(action: .deny, writtenIndex: 1), PolicyRule(action: .deny, writtenIndex: 2),
            ])
    }

    @Test func tiersOfEveryWorldAreFixed() {
        for (name, order, action) in [("kube-admin", 1000, "Pass"), ("default", 1_000_000, "Deny"), ("kube-baseline", 10_000_000, "Pass")] {
            var tier = ValidatorTests.object(Kinds.tier, metadata: ["name": .string(name)])
            Defaulting.apply(to: &tier, kind: Kinds.tier)
            #expect(tier["spec"] == ["order": .integer(Int64(order)), "defaultAction": .string(action)])
            #expect(Validator.validate(tier, kind: Kinds.tier) == [])
            tier["spec"] = ["order": 5, "defaultAction": action == "Pass" ? "Deny" : "Pass"]
            #expect(
                ValidatorTests.text(Validator.validate(tier, kind: Kinds.tier)) == [
                    "spec.order: the order of the tier \(name) is \(order) and cannot be changed",
                    "spec.defaultAction: the default action of the tier \(name) is \(action) and cannot be changed",
                ])
        }
    }
}
