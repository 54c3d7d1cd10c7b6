import PolicyModel
import PolicyTesting
import Testing

@testable import PolicyAnalysis

@Suite struct ReachTests {
    /// front => middle => back, and a stranger in a namespace that nobody protects.
    private func chain() throws -> AnalysisWorld {
        var world = PolicyWorld.builtIn
        for name in ["shop", "lab"] { world.namespaces[name] = Namespace(name: name, labels: [Namespace.nameLabel: name]) }
        for (namespace, name, address) in [
            ("shop", "front", "10.0.0.1"), ("shop", "middle", "10.0.0.2"), ("shop", "back", "10.0.0.3"), ("lab", "stranger", "10.0.0.4"),
        ] {
            let key = EndpointKey(namespace: namespace, name: name)
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: ["app": name], addresses: [IPAddress(address)].compactMap { $0 })
        }
        for (to, from, port) in [("middle", "front", UInt16(80)), ("back", "middle", 5432), ("front", "nobody", 1)] {
            let reference = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: to)
            world.policies[reference] = Policy(
                reference: reference, selector: try Selector("app == '\(to)'"), directions: [.ingress, .egress],
                ingress: [
                    PolicyRule(
                        action: .allow, transport: .tcp, source: EntityRule(selector: try Selector("app == '\(from)'")),
                        destination: EntityRule(ports: [PortRange(port)]))
                ],
                egress: [PolicyRule(action: .allow, destination: EntityRule(selector: try Selector("has(app)")))])
        }
        return AnalysisWorld(world: world)
    }

    @Test func goesHopByHop() throws {
        let world = try chain()
        let reach = try #require(Reach(world, from: "shop/front", hops: 2))
        #expect(
            reach.workloads.map { "\($0.hops) \($0.path.joined(separator: " => ")) : \($0.connections)" } == [
                "1 shop/front[WorkloadEndpoint] => lab/stranger[WorkloadEndpoint] : All Connections",
                "1 shop/front[WorkloadEndpoint] => shop/middle[WorkloadEndpoint] : TCP 80",
                "2 shop/front[WorkloadEndpoint] => shop/middle[WorkloadEndpoint] => shop/back[WorkloadEndpoint] : TCP 5432",
            ])
        #expect(Reach(world, from: "shop/front", hops: 1)?.workloads.count == 2)
        #expect(Reach(world, from: "shop/nobody", hops: 1) == nil)
        let only = PortSpecification(transport: .tcp, destinationPort: 80)
        #expect(Reach(world, from: "shop/front", hops: 4, port: only)?.workloads.map(\.title) == [
            "lab/stranger[WorkloadEndpoint]", "shop/middle[WorkloadEndpoint]",
        ])
    }

    @Test func saysWhatWouldStopMost() throws {
        let reach = try #require(Reach(try chain(), from: "shop/front", hops: 4))
        #expect(
            reach.cuts.map { "\($0.change): \($0.remaining)" } == [
                "without egress rule 0 of NetworkPolicy shop/front: 0",
                "without ingress rule 0 of NetworkPolicy shop/middle: 1",
                "with ingress denied by default in namespace lab: 2",
                "without egress rule 0 of NetworkPolicy shop/middle: 2",
                "without ingress rule 0 of NetworkPolicy shop/back: 2",
            ])
    }

    @Test func tellsHowOpenNamespacesAre() throws {
        let postures = Posture.all(of: try chain())
        #expect(postures.map(\.namespace) == ["lab", "shop"])
        #expect(postures[0].exposedToOutside == 1)
        #expect(postures[0].reachableFromOthers == 1)
        #expect(postures[0].reachesOthers == 0)
        #expect(postures[1].exposedToOutside == 0)
        #expect(postures[1].reachesOutside == 0)
    }

    /// Walking one connection at a time over the lines of a listing finds the same.
    @Test func reachesWhatTheListingLeadsTo() {
        var (targets, farthest) = (0, 0)
        let options = WorldGenerator.Options(policies: 8...30, endpoints: 4...14, namespaces: 2...4)
        for example in CaseGenerator(seed: 95_000, packetsPerWorld: 0, options: options).cases(40) {
            let world = AnalysisWorld(world: example.world)
            var connectivity = Connectivity(world)
            let peers = connectivity.peers
            var next: [String: Set<String>] = [:]
            connectivity.forEach { line, _ in next[peers[line.source].title, default: []].insert(peers[line.destination].title) }
            for start in peers where !start.isExternal {
                var hops = [start.title: 0]
                var frontier: Set<String> = [start.title]
                for hop in 1...3 {
                    frontier = Set(frontier.filter { !$0.hasSuffix("[External]") }.flatMap { next[$0] ?? [] }).filter { hops[$0] == nil }
                    for title in frontier { hops[title] = hop }
                }
                hops[start.title] = nil
                guard let reach = Reach(world, from: start.title, hops: 3, cutCount: 0) else {
                    Issue.record("\(start.title) is not found")
                    continue
                }
                let given = Dictionary((reach.workloads + reach.external).map { ($0.title, $0.hops) }) { first, _ in first }
                #expect(given == hops, "seed \(example.seed), \(start.title)")
                targets += given.count
                farthest = max(farthest, given.values.max() ?? 0)
            }
        }
        print("reach against the listing: \(targets) targets, up to \(farthest) hops")
        #expect(targets >= 5_000 && farthest == 3)
    }
}
