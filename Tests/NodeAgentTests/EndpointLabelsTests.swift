import PolicyEngine
import PolicyModel
import Testing

@testable import NodeAgent

@Suite struct EndpointLabelsTests {
    private static func key(_ name: String) -> EndpointKey { EndpointKey(namespace: "shop", name: name) }

    private static let world: PolicyWorld = {
        let account = NamespacedName(namespace: "shop", name: "a.b")
        let foreign = NamespacedName(namespace: "bank", name: "clerk")
        var world = PolicyWorld(
            namespaces: [
                "shop": Namespace(name: "shop", labels: ["team": "sales"]), "bank": Namespace(name: "bank", labels: ["team": "money"]),
            ],
            profiles: ["own": Profile(name: "own", labels: ["colour": "red"])],
            serviceAccounts: [
                account: ServiceAccount(namespace: "shop", name: "a.b", labels: ["rank": "1"]),
                foreign: ServiceAccount(namespace: "bank", name: "clerk", labels: ["rank": "2"]),
            ])
        for endpoint in [
            WorkloadEndpoint(key: key("plain"), labels: ["app": "web", "pcns.team": "forged"]),
            WorkloadEndpoint(key: key("account"), serviceAccount: "a.b"),
            WorkloadEndpoint(key: key("profiles"), profiles: ["kns.bank", "ksa.bank.clerk", "own", "missing"]),
            WorkloadEndpoint(key: key("none"), profiles: []),
        ] { world.endpoints[endpoint.key] = endpoint }
        return world
    }()

    /// Of the whole world the oracle says the same as of the part that is looked at.
    @Test func theyAreThoseThatSelectorsSee() throws {
        let oracle = PolicyOracle(world: Self.world)
        var labels = EndpointLabels()
        for key in Self.world.endpoints.keys {
            let expected = try #require(oracle.effectiveLabels(of: key))
            #expect(labels.labels(of: key, in: Self.world, departed: [:]) == expected, "\(key)")
        }
        #expect(labels.known[Self.key("plain")]?["pcns.team"] == "sales")
        #expect(labels.known[Self.key("account")]?["pcsa.rank"] == "1")
        #expect(labels.known[Self.key("profiles")]?["pcsa.rank"] == "2")
        #expect(labels.known[Self.key("profiles")]?["colour"] == "red")
        #expect(labels.labels(of: Self.key("nobody"), in: Self.world, departed: [:]) == nil)
    }

    @Test func theyFollowTheWorld() {
        var world = Self.world
        var labels = EndpointLabels()
        func plain(_ label: String) -> String? { labels.labels(of: Self.key("plain"), in: world, departed: [:])?[label] }
        #expect(plain("pcns.team") == "sales")
        world.namespaces["shop"]?.labels = ["team": "help"]
        labels.follow([.namespace("shop", world.namespaces["shop"])])
        #expect(plain("pcns.team") == "help")
        world.endpoints[Self.key("plain")]?.labels = ["app": "other"]
        labels.follow([.endpoint(Self.key("plain"), world.endpoints[Self.key("plain")])])
        #expect(plain("app") == "other")
    }

    /// Workloads that come and go must not pile up.
    @Test func whoDepartedHasLabelsAndIsNotRemembered() throws {
        var world = Self.world
        var labels = EndpointLabels()
        let before = labels.labels(of: Self.key("plain"), in: world, departed: [:])
        let endpoint = try #require(world.endpoints[Self.key("plain")])
        world.endpoints[endpoint.key] = nil
        labels.follow([.endpoint(endpoint.key, nil)])
        #expect(labels.labels(of: endpoint.key, in: world, departed: [endpoint.key: endpoint]) == before && before != nil)
        #expect(labels.known[endpoint.key] == nil)
        #expect(labels.labels(of: endpoint.key, in: world, departed: [:]) == nil)
    }
}
