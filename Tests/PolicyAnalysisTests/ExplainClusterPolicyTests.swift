import PolicyAnalysis
import PolicyModel
import Testing

/// What is said of the policies of administrators, and of selectors that compare both ends, to the letter.
@Suite struct ExplainClusterPolicyTests {
    private static func world(_ objects: JSONValue...) throws -> PolicyWorld {
        var world = PolicyWorld.builtIn
        try world.set(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "shop"]])
        for (name, address, env) in [("web", "10.0.0.1", "prod"), ("db", "10.0.0.2", "test")] {
            let key = EndpointKey(namespace: "shop", name: name)
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: ["app": name, "env": env], addresses: [try #require(IPAddress(address))])
        }
        for object in objects { try world.set(object) }
        return world
    }

    private static func ingress(_ world: PolicyWorld) throws -> String {
        let text = try Explain.explain(
            world: world, source: #require(ExplainEnd("shop/web")), destination: #require(ExplainEnd("shop/db")), transport: .tcp,
            destinationPort: 80, sourcePort: 40000
        ).text
        guard let start = text.firstRange(of: "ingress of") else { return text }
        return String(text[start.lowerBound...])
    }

    @Test func anAdministratorsPolicy() throws {
        let world = try Self.world([
            "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy", "metadata": ["name": "wall"],
            "spec": [
                "tier": "Admin", "priority": 3, "subject": ["pods": ["podSelector": ["matchLabels": ["app": "db"]]]],
                "ingress": [
                    ["action": "Accept", "from": [["namespaces": ["matchLabels": ["zone": "blue"]]]]],
                    ["action": "Deny", "from": [["namespaces": [:]]]],
                ],
            ],
        ])
        let text = try Self.ingress(world)
        #expect(
            text == """
                ingress of shop/db: Deny, rule 1 of ClusterNetworkPolicy wall in tier kube-admin
                  tier kube-admin (order 1000, default action Pass)
                    ClusterNetworkPolicy wall (order 3)
                      rule 0 Allow: source.namespaceSelector zone == "blue" does not match the namespace of shop/web
                          (10.0.0.1)
                      rule 1 Deny: matches source.namespaceSelector all(), source.selector
                          projectcalico.org/orchestrator == "k8s"
                """, "what was said:\n\(text)")
    }

    @Test func aComparison() throws {
        let world = try Self.world([
            "apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy", "metadata": ["name": "same"],
            "spec": [
                "selector": "app == 'db'", "types": ["Ingress"],
                "ingress": [
                    ["action": "Allow", "source": ["selector": "sameLabel(env)"]],
                    ["action": "Allow", "source": ["selector": "sameNamespace()"]],
                ],
            ],
        ])
        let text = try Self.ingress(world)
        #expect(
            text == """
                ingress of shop/db: Allow, rule 1 of GlobalNetworkPolicy same in tier default
                  tier default (order 1000000, default action Deny)
                    GlobalNetworkPolicy same (no order)
                      rule 0 Allow: source.selector sameLabel(env) does not match shop/web (10.0.0.1), compared with
                          shop/db
                      rule 1 Allow: matches source.selector sameNamespace()
                """, "what was said:\n\(text)")
    }
}
