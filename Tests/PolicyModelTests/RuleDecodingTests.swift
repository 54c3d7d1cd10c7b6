import PolicyModel
import Testing

/// What is written in an object is what the engine gets.
@Suite struct RuleDecodingTests {
    @Test func everyFieldOfARule() throws {
        let object = try JSONValue(
            parsing: """
                {"apiVersion":"projectcalico.org/v3","kind":"GlobalNetworkPolicy",
                 "metadata":{"name":"all","annotations":{"bulkhead.io/deny-action":"Reject"}},
                 "spec":{"namespaceSelector":"team == 'x'","serviceAccountSelector":"role == 'web'","performanceHints":["AssumeNeededOnEveryNode"],
                  "ingress":[{"action":"Log","ipVersion":4,"protocol":"ICMP","icmp":{"type":3,"code":1},"notICMP":{"type":8}},
                   {"action":"Allow","notProtocol":6,"source":{"notNets":["10.0.0.0/8"],"notSelector":"a == 'b'",
                     "serviceAccounts":{"names":["s","s"],"selector":"has(t)"}}},
                   {"action":"Deny","protocol":"TCP","source":{"services":{"name":"web","namespace":"shop"},"ports":["client"]},
                    "destination":{"ports":[80,"http","90:91"],"notPorts":["admin",22,"admin"]}},
                   {"action":"Pass","icmp":null,"notICMP":{},"protocol":"ICMPv6","source":{"serviceAccounts":{}},"destination":null,
                    "metadata":{"annotations":{"a":"b"}}}]}}
                """)
        let policy = try Policy(object: object)
        #expect(policy.denyAction == .reject)
        #expect(policy.namespaceSelector == .matching(.equals(key: "team", value: "x")))
        #expect(policy.serviceAccountSelector == .equals(key: "role", value: "web"))
        #expect(policy.directions == [.ingress])
        let ten = try #require(AddressBlock("10.0.0.0/8"))
        #expect(
            policy.ingress == [
                PolicyRule(
                    action: .log, version: .v4, transport: .icmp, icmp: ICMPMatch(type: 3, code: 1), notICMP: ICMPMatch(type: 8)),
                PolicyRule(
                    action: .allow, notTransport: .tcp,
                    source: EntityRule(
                        notNets: [ten], notSelector: .equals(key: "a", value: "b"),
                        serviceAccounts: ServiceAccountMatch(names: ["s"], selector: .has(key: "t")))),
                PolicyRule(
                    action: .deny, transport: .tcp,
                    source: EntityRule(services: ServiceReference(namespace: "shop", name: "web"), namedPorts: ["client"]),
                    destination: EntityRule(
                        ports: [PortRange(80), try #require(PortRange(first: 90, last: 91))], namedPorts: ["http"],
                        notPorts: [PortRange(22)], notNamedPorts: ["admin", "admin"])),
                PolicyRule(action: .pass, transport: .icmpV6, annotations: ["a": "b"]),
            ])
    }

    @Test func denyActions() throws {
        let annotated = { (kind: ResourceKind, text: JSONValue) in
            ValidatorTests.object(kind, metadata: ["annotations": ["bulkhead.io/deny-action": text]])
        }
        #expect(try Tier(object: annotated(Kinds.tier, "Reject")).denyAction == .reject)
        #expect(try Tier(object: ValidatorTests.object(Kinds.tier)).denyAction == .drop)
        #expect(try Policy(object: annotated(Kinds.networkPolicy, "Drop")).denyAction == .drop)
        #expect(try Policy(object: ValidatorTests.object(Kinds.networkPolicy)).denyAction == nil)
        #expect(try Policy(object: annotated(Kinds.kubernetesNetworkPolicy, "Reject")).denyAction == .reject)
        #expect(try StagedPolicy(object: annotated(Kinds.stagedGlobalNetworkPolicy, "Reject")).policy.denyAction == .reject)
        let error = #expect(throws: ValidationError.self) { try Tier(object: annotated(Kinds.tier, "")) }
        #expect(error?.errors.map(\.path) == ["metadata.annotations[bulkhead.io/deny-action]"])
        #expect(throws: Never.self) { try Namespace(object: annotated(Kinds.namespace, "x")) }
    }

    @Test(arguments: ["1e20", "100000000000000000000", "1.0e+20"])
    func ordersOfAnySize(text: String) throws {
        var object = ValidatorTests.object(Kinds.networkPolicy, spec: try JSONValue(parsing: "{\"order\":\(text)}"))
        #expect(try Policy(object: object).order == 1e20)
        Defaulting.apply(to: &object, kind: Kinds.networkPolicy)
        #expect(try Policy(object: JSONValue(parsing: object.serialized())).order == 1e20)
    }
}
