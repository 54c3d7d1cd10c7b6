import PolicyAnalysis
import PolicyModel
import Testing

@Suite struct ExplainAnnotationsTests {
    @Test func remarksOfRulesAreShownWhereTheyMatch() throws {
        var world = PolicyWorld.builtIn
        for object: JSONValue in [
            [
                "apiVersion": "projectcalico.org/v3", "kind": "WorkloadEndpoint", "metadata": ["name": "db", "namespace": "default"],
                "spec": ["ipNetworks": ["10.0.0.1"]],
            ],
            [
                "apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy", "metadata": ["name": "p"],
                "spec": [
                    "types": ["Ingress"],
                    "ingress": [
                        ["action": "Allow", "protocol": "UDP", "metadata": ["annotations": ["other": "no"]]],
                        ["action": "Deny", "protocol": "TCP", "metadata": ["annotations": ["example.org/ticket": "NET-12", "by": "ops"]]],
                    ],
                ],
            ],
        ] { try world.set(object) }
        let explanation = try Explain.explain(
            world: world, source: .address(try #require(IPAddress("192.0.2.1"))),
            destination: .endpoint(EndpointKey(namespace: "default", name: "db")), transport: .tcp, destinationPort: 22)
        let lines = explanation.text.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }
        let rule = try #require(lines.firstIndex { $0.hasPrefix("rule 1 Deny: matches") })
        #expect(lines[rule + 1...rule + 2] == ["by: ops", "example.org/ticket: NET-12"])
        #expect(!explanation.text.contains("other: no"))
        #expect(explanation.json["ends"]?.arrayValue?.first?["annotations"] == ["example.org/ticket": "NET-12", "by": "ops"])
    }
}
