import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

@testable import PolicyAnalysis

@Suite struct LabelClassesTests {
    private static func world(_ selectors: [String]) throws -> PolicyWorld {
        var world = PolicyWorld.builtIn
        for (number, text) in selectors.enumerated() {
            let reference = PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "policy-\(number)")
            world.policies[reference] = Policy(
                reference: reference, selector: try Selector(text), directions: [.ingress],
                ingress: [PolicyRule(action: .allow, source: EntityRule(selector: try Selector(text)))])
        }
        return world
    }

    /// Whatever labels a pod has, one of the classes answers every selector as it does.
    @Test func standForEveryPod() throws {
        let parts = [
            "app == 'web'", "app != 'web'", "has(app)", "app in {'web', 'api'}", "app not in {'api'}", "app contains 'e'",
            "app starts with 'w'", "app ends with 'i'", "tier == 'front'", "!has(tier)", "tier contains 'a'", "tier contains 'b'",
        ]
        var random = SplitMix64(seed: 5)
        var (pods, vectors) = (0, Set<[Bool]>())
        for _ in 0..<60 {
            let texts = (0..<4).map { _ in
                let first = parts[Int.random(in: 0..<parts.count, using: &random)]
                let second = parts[Int.random(in: 0..<parts.count, using: &random)]
                return "(\(first)) \(Bool.random(using: &random) ? "&&" : "||") (\(second))"
            }
            let selectors = try texts.map { try Selector($0) }
            let classes = LabelClasses([try Self.world(texts)])
            #expect(classes.isComplete)
            let answers = { (labels: [String: String]) in selectors.map { PolicyOracle.matches($0, labels: labels) } }
            let known = Set(classes.endpoints.map { answers($0.labels) })
            for _ in 0..<200 {
                var labels: [String: String] = ["other": "x"]
                let choices = [("app", ["web", "api", "we", "wei", "ei", "mail", "", "x"]), ("tier", ["front", "a", "b", "ab", "xbax", "x"])]
                for (key, values) in choices where Bool.random(using: &random) {
                    labels[key] = values[Int.random(in: 0..<values.count, using: &random)]
                }
                pods += 1
                vectors.insert(answers(labels))
                #expect(known.contains(answers(labels)), "\(labels) for \(texts)")
            }
        }
        print("classes of labels: \(pods) pods, \(vectors.count) combinations of answers")
        #expect(pods >= 10_000 && vectors.count >= 14)
    }

    @Test func saysWhenThereAreTooMany() throws {
        let selectors = (0..<12).map { "key-\($0) == 'a'" }
        let classes = LabelClasses([try Self.world(selectors)])
        #expect(!classes.isComplete)
        #expect(classes.endpoints.count <= AnalysisLimits.labelClasses)
        // Each label alone is there all the same.
        for number in 0..<12 { #expect(classes.endpoints.contains { $0.labels == ["key-\(number)": "a"] }) }
    }

    @Test func includesNamespacesThatAreMentioned() throws {
        var world = try Self.world([])
        let reference = PolicyReference(kind: "NetworkPolicy", namespace: "default", name: "x")
        let named = try Selector("kubernetes.io/metadata.name == 'monitoring'")
        let labelled = try Selector("team == 'a'")
        world.policies[reference] = Policy(
            reference: reference, directions: [.ingress],
            ingress: [
                PolicyRule(action: .allow, source: EntityRule(namespaceSelector: .matching(named))),
                PolicyRule(action: .allow, source: EntityRule(namespaceSelector: .matching(labelled))),
            ])
        let classes = LabelClasses([world])
        #expect(Set(classes.namespaces.map(\.name)) == ["monitoring", "{}", "{team=0-other-0}", "{team=a}"])
        #expect(Set(classes.endpoints.map(\.key.namespace)) == ["default", "monitoring", "{}", "{team=0-other-0}", "{team=a}"])
    }

    @Test func exposureTellsWhatNewPodsMayDo() throws {
        var world = try Self.world([])
        let key = EndpointKey(namespace: "default", name: "database")
        world.endpoints[key] = WorkloadEndpoint(key: key, labels: ["app": "database"], addresses: [IPAddress(v4: 0x0a00_0001)])
        let reference = PolicyReference(kind: "NetworkPolicy", namespace: "default", name: "database")
        world.policies[reference] = Policy(
            reference: reference, selector: try Selector("app == 'database'"), directions: [.ingress],
            ingress: [
                PolicyRule(
                    action: .allow, transport: .tcp, source: EntityRule(selector: try Selector("app == 'web'")),
                    destination: EntityRule(ports: [PortRange(5432)])),
                PolicyRule(
                    action: .allow, transport: .tcp, source: EntityRule(namespaceSelector: .matching(.all)),
                    destination: EntityRule(ports: [PortRange(80)])),
            ])
        let exposure = try Exposure(AnalysisWorld(world: world))
        #expect(exposure.isComplete)
        #expect(
            exposure.lines.filter { $0.direction == .ingress }.map { "\($0.workload) <= \($0.other) : \($0.connections)" } == [
                "default/database[WorkloadEndpoint] <= entire-cluster : TCP 80",
                "default/database[WorkloadEndpoint] <= default/{app=web}[New] : TCP 80,5432",
            ])
        let head = "Exposure Analysis Result:\nEgress Exposure:\ndefault/database[WorkloadEndpoint]\t=>\tentire-cluster : "
        #expect(exposure.description.hasPrefix(head))
    }
}
