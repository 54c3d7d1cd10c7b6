import PolicyModel
import Testing

@Suite struct ObjectDecodingTests {
    @Test func policyInFull() throws {
        let object = try JSONValue(
            parsing: """
                {"apiVersion":"projectcalico.org/v3","kind":"NetworkPolicy","metadata":{"name":"db","namespace":"shop"},
                 "spec":{"tier":"app","order":10.5,"selector":"app == 'db'","types":["Egress"],
                  "ingress":[{"action":"Allow","protocol":"tcp","source":{"selector":"app == 'web'","namespaceSelector":"all()",
                    "nets":["10.1.2.3/8"],"ports":["1000:2000",5.0]},"destination":{"ports":[5432]}},
                   {"action":"Pass","source":{"selector":"","namespaceSelector":"global()"}}],
                  "egress":[{"action":"Deny","protocol":58}],"future":true}}
                """)
        let policy = try Policy(object: object)
        let reference = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "db")
        #expect(
            policy
                == Policy(
                    reference: reference, tier: "app", order: 10.5, selector: .equals(key: "app", value: "db"), directions: [.egress],
                    ingress: [
                        PolicyRule(
                            action: .allow, transport: .tcp,
                            source: EntityRule(
                                nets: [try #require(AddressBlock("10.0.0.0/8"))], selector: .equals(key: "app", value: "web"),
                                namespaceSelector: .matching(.all),
                                ports: [try #require(PortRange(first: 1000, last: 2000)), PortRange(5)]),
                            destination: EntityRule(ports: [PortRange(5432)])),
                        PolicyRule(action: .pass, source: EntityRule(namespaceSelector: .global)),
                    ], egress: [PolicyRule(action: .deny, transport: .icmpV6)]))
    }

    @Test(arguments: [
        ("{}", ["Ingress"]), (#"{"ingress":[{"action":"Deny"}]}"#, ["Ingress"]), (#"{"egress":[{"action":"Deny"}]}"#, ["Egress"]),
        (#"{"ingress":[{"action":"Deny"}],"egress":[{"action":"Deny"}]}"#, ["Ingress", "Egress"]),
        (#"{"ingress":[],"egress":[{"action":"Deny"}]}"#, ["Egress"]), (#"{"types":[]}"#, ["Ingress"]), (#"{"types":null}"#, ["Ingress"]),
        (#"{"types":["Egress"],"ingress":[{"action":"Deny"}]}"#, ["Egress"]), (#"{"types":["Egress","Ingress"]}"#, ["Egress", "Ingress"]),
    ])
    func typesDefaultAsInCalico(spec: String, types: [String]) throws {
        var object = ValidatorTests.object(Kinds.globalNetworkPolicy, spec: try JSONValue(parsing: spec))
        let directions = Set(types.map { $0 == "Ingress" ? Direction.ingress : .egress })
        let policy = try Policy(object: object)
        #expect(policy.directions == directions)
        #expect(policy.selector == .all && policy.namespaceSelector == nil && policy.tier == "default" && policy.order == nil)
        #expect(policy.reference == PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "x"))
        Defaulting.apply(to: &object, kind: Kinds.globalNetworkPolicy)
        #expect(object["spec"]?["types"] == .array(types.map { .string($0) }))
        #expect(object["spec"]?["tier"] == "default")
        #expect(try Policy(object: object) == policy)
        let once = object
        Defaulting.apply(to: &object, kind: Kinds.globalNetworkPolicy)
        #expect(object == once)
    }

    @Test func invalidObjectsAreRefusedWhole() throws {
        var object = ValidatorTests.object(Kinds.networkPolicy, spec: ["ingress": [["action": "Allow", "http": [:]]]])
        let error = #expect(throws: ValidationError.self) { try Policy(object: object) }
        #expect(error?.errors.map(\.message) == ["not enforced yet: spec.ingress[0].http"])
        object["kind"] = "Tier"
        let other = #expect(throws: ValidationError.self) { try Policy(object: object) }
        #expect(
            other?.errors == [
                FieldError(
                    path: "kind",
                    message: #"must be "projectcalico.org/v3 NetworkPolicy", "projectcalico.org/v3 GlobalNetworkPolicy", "networking.k8s.io/v1 NetworkPolicy", "policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy" or "policy.networking.k8s.io/v1alpha1 BaselineAdminNetworkPolicy""#,
                    reason: .notSupported)
            ])
    }

    @Test func tiers() throws {
        var object = ValidatorTests.object(Kinds.tier)
        #expect(try Tier(object: object) == Tier(name: "x", order: nil, defaultAction: .deny))
        Defaulting.apply(to: &object, kind: Kinds.tier)
        #expect(object["spec"] == ["defaultAction": "Deny"])
        #expect(
            try Tier(object: ValidatorTests.object(Kinds.tier, spec: ["order": 5, "defaultAction": "Pass"]))
                == Tier(name: "x", order: 5, defaultAction: .pass))
        var standard = ValidatorTests.object(Kinds.tier, metadata: ["name": "default"])
        #expect(try Tier(object: standard) == Tier(name: "default", order: 1_000_000, defaultAction: .deny))
        Defaulting.apply(to: &standard, kind: Kinds.tier)
        #expect(standard["spec"] == ["order": 1_000_000, "defaultAction": "Deny"])
    }

    @Test func namespaces() throws {
        var object = ValidatorTests.object(Kinds.namespace, metadata: ["labels": ["team": "a", "kubernetes.io/metadata.name": "lie"]])
        let labels = ["team": "a", "kubernetes.io/metadata.name": "x"]
        #expect(try Namespace(object: object) == Namespace(name: "x", labels: labels))
        Defaulting.apply(to: &object, kind: Kinds.namespace)
        #expect(object["metadata"]?["labels"] == ["team": "a", "kubernetes.io/metadata.name": "x"])
        #expect(object["status"]?["phase"] == "Active")
    }

    @Test func workloadEndpoints() throws {
        let object = ValidatorTests.object(
            Kinds.workloadEndpoint,
            spec: [
                "node": "n", "orchestrator": "podman", "interfaceName": "veth1", "ipNetworks": ["10.0.0.1", "2001:DB8::1/128"],
                "ports": [["name": "pg", "protocol": "TCP", "port": 5432]],
            ], metadata: ["labels": ["app": "db"]])
        #expect(
            try WorkloadEndpoint(object: object)
                == WorkloadEndpoint(
                    key: EndpointKey(namespace: "default", name: "x"), labels: ["app": "db"], node: "n", orchestrator: "podman",
                    interfaceName: "veth1", addresses: [try #require(IPAddress("10.0.0.1")), try #require(IPAddress("2001:db8::1"))],
                    ports: [NamedPort(name: "pg", transport: .tcp, port: 5432)]))
        #expect(
            try WorkloadEndpoint(object: ValidatorTests.object(Kinds.workloadEndpoint))
                == WorkloadEndpoint(key: EndpointKey(namespace: "default", name: "x")))
    }

    @Test func worlds() throws {
        var world = PolicyWorld()
        for object in PolicyWorld.builtInObjects {
            let kind = try #require(Kinds.find(object))
            #expect(Validator.validate(object, kind: kind) == [])
            var defaulted = object
            Defaulting.apply(to: &defaulted, kind: kind)
            #expect(defaulted == object)
            try world.set(object)
        }
        #expect(world == PolicyWorld.builtIn)
        try world.set(ValidatorTests.object(Kinds.networkPolicy))
        try world.set(ValidatorTests.object(Kinds.workloadEndpoint))
        #expect(world.policies.count == 1 && world.endpoints.count == 1)
        let full = world
        #expect(throws: ValidationError.self) { try world.set(ValidatorTests.object(Kinds.tier, spec: ["order": "x"])) }
        #expect(throws: ValidationError.self) { try world.set(["apiVersion": "v1", "kind": "Pod"]) }
        let isChanged = try world.set(ValidatorTests.object(Kinds.configMap))
        #expect(!isChanged)
        #expect(throws: ValidationError.self) { try world.set(ValidatorTests.object(Kinds.hostEndpoint)) }
        let isChangedAgain = try world.set(ValidatorTests.object(Kinds.networkPolicy))
        #expect(!isChangedAgain)
        #expect(world == full)
        world.remove(resource: "networkpolicies.projectcalico.org", namespace: "default", name: "x")
        world.remove(resource: "workloadendpoints.projectcalico.org", namespace: "default", name: "x")
        world.remove(resource: "pods", namespace: "default", name: "x")
        #expect(world == PolicyWorld.builtIn)
    }
}
