import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

@testable import PolicyAnalysis

@Suite struct DifferenceTests {
    private static let options = WorldGenerator.Options(policies: 6...20, endpoints: 4...9, namespaces: 2...3)

    /// Pairs of generated worlds: policies removed, added, or of another world; labels and sets changed in some.
    private static func pairs(_ count: Int) -> [(seed: UInt64, old: PolicyWorld, new: PolicyWorld)] {
        var random = SplitMix64(seed: 91)
        return CaseGenerator(seed: 90_000, packetsPerWorld: 0, options: options).cases(count).map { example in
            var new = example.world
            new.staged = [:]
            var old = new
            for reference in new.policies.keys.sorted(by: { $0.name < $1.name }) {
                switch UInt8.random(in: 0..<8, using: &random) {
                case 0: old.policies[reference] = nil
                case 1: new.policies[reference] = nil
                case 2:
                    if !(new.policies[reference]?.ingress.isEmpty ?? true) { new.policies[reference]?.ingress.removeFirst() }
                case 3: new.policies[reference]?.order = 5
                default: break
                }
            }
            if example.seed % 3 == 0, let key = new.endpoints.keys.min() { new.endpoints[key]?.labels = ["app": "web"] }
            return (example.seed, old, new)
        }
    }

    @Test func equalsTheDifferenceOfTwoListings() throws {
        var (lines, pairs, causes) = (0, 0, (each: 0, together: 0, other: 0))
        for (seed, old, new) in Self.pairs(24) {
            let (oldWorld, newWorld) = (AnalysisWorld(world: old), AnalysisWorld(world: new))
            let cuts = WorldBlocks.ofRulesAndSets(of: old).union(WorldBlocks.ofRulesAndSets(of: new))
            // What one side tells address by address, the other must too.
            let apart = Self.apart(oldWorld, cuts).union(Self.apart(newWorld, cuts))
            let before = Self.listing(oldWorld, cuts, apart)
            let after = Self.listing(newWorld, cuts, apart)
            var wanted: Set<String> = []
            for ends in Set(before.keys).union(after.keys) where before[ends] != after[ends] {
                wanted.insert("\(ends): \(before[ends] ?? "No Connections") -> \(after[ends] ?? "No Connections")")
            }
            let difference = try ConnectivityDifference(old: oldWorld, new: newWorld)
            let given = difference.lines.filter { !$0.isOfNewPods }.map { "\($0.source) => \($0.destination): \($0.old) -> \($0.new)" }
            #expect(Set(given) == wanted && given.count == wanted.count, "seed \(seed)")
            lines += given.count
            pairs += 1
            for line in difference.lines {
                switch line.cause {
                case .each: causes.each += 1
                case .together: causes.together += 1
                case .otherObjects: causes.other += 1
                }
            }
        }
        print("diff against two listings: \(pairs) pairs of worlds, \(lines) lines, causes \(causes)")
        #expect(lines >= 1_000)
        #expect(causes.each >= 300 && causes.together >= 30 && causes.other >= 20)
    }

    @Test func takingBackTheCauseTakesTheLineAway() throws {
        var tried = (each: 0, together: 0)
        for (seed, old, new) in Self.pairs(40) {
            let difference = try ConnectivityDifference(old: AnalysisWorld(world: old), new: AnalysisWorld(world: new))
            var lines: [Set<PolicyReference>: [ConnectivityDifference.Line]] = [:]
            for line in difference.lines where !line.isOfNewPods {
                switch line.cause {
                case .each(let policies): for policy in policies { lines[[policy], default: []].append(line) }
                case .together(let policies): lines[Set(policies), default: []].append(line)
                case .otherObjects: break
                }
            }
            for (policies, lines) in lines {
                var restored = new
                for policy in policies { restored.policies[policy] = old.policies[policy] }
                let left = try ConnectivityDifference(old: AnalysisWorld(world: old), new: AnalysisWorld(world: restored))
                let ends = Set(left.lines.map { [$0.source, $0.destination] })
                // Restoring a policy can bring blocks back that cut ranges outside more finely.
                for line in lines where !line.source.hasSuffix("[External]") && !line.destination.hasSuffix("[External]") {
                    #expect(!ends.contains([line.source, line.destination]), "seed \(seed): \(line)")
                    if policies.count == 1 { tried.each += 1 } else { tried.together += 1 }
                }
            }
        }
        print("causes taken back: \(tried)")
        #expect(tried.each >= 50 && tried.together >= 3)
    }

    private static func apart(_ world: AnalysisWorld, _ cuts: Set<AddressBlock>) -> Set<String> {
        Set(Connectivity(world, cuts: cuts).peers.compactMap { peer in
            peer.workload.flatMap { $0.title == peer.title ? nil : $0.title }
        })
    }

    private static func listing(
        _ world: AnalysisWorld, _ cuts: Set<AddressBlock>, _ apart: Set<String>
    ) -> [String: String] {
        var connectivity = Connectivity(world, cuts: cuts, apart: apart)
        let peers = connectivity.peers
        var lines: [String: String] = [:]
        connectivity.forEach { line, text in lines["\(peers[line.source].title) => \(peers[line.destination].title)"] = text }
        return lines
    }

    // MARK: By hand

    private func world(_ policies: [Policy], labels: [String: String] = ["app": "web"]) -> AnalysisWorld {
        var world = PolicyWorld.builtIn
        world.namespaces["shop"] = Namespace(name: "shop", labels: [Namespace.nameLabel: "shop"])
        for (name, labels, address) in [("web", labels, "10.0.0.1"), ("database", ["app": "database"], "10.0.0.2")] {
            let key = EndpointKey(namespace: "shop", name: name)
            world.endpoints[key] = WorkloadEndpoint(key: key, labels: labels, addresses: [IPAddress(address)].compactMap { $0 })
        }
        for policy in policies { world.policies[policy.reference] = policy }
        return AnalysisWorld(world: world)
    }

    private func policy(_ name: String, from selector: String, port: UInt16 = 5432) throws -> Policy {
        Policy(
            reference: PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: name),
            selector: try Selector("app == 'database'"), directions: [.ingress],
            ingress: [
                PolicyRule(
                    action: .allow, transport: .tcp, source: EntityRule(selector: try Selector(selector)),
                    destination: EntityRule(ports: [PortRange(port)]))
            ])
    }

    @Test func tellsOfPodsThatAreNotThereYet() throws {
        let difference = try ConnectivityDifference(
            old: world([try policy("database", from: "app == 'web'")]),
            new: world([try policy("database", from: "app in {'web', 'batch'}")]))
        #expect(
            difference.lines.map(\.description) == [
                "diff-type: added, source: shop/{app=batch}[New], destination: shop/database[WorkloadEndpoint], "
                    + "dir1: No Connections, dir2: TCP 5432, because of: NetworkPolicy shop/database"
            ])
        #expect(difference.isComplete)
    }

    @Test func tellsNothingOfWhatMeansTheSame() throws {
        let difference = try ConnectivityDifference(
            old: world([try policy("database", from: "app == 'web'")]),
            new: world([try policy("renamed", from: "app in {'web'}"), try policy("again", from: "app == \"web\"")]))
        #expect(difference.lines.isEmpty)
    }

    @Test func namesOtherObjectsThanPolicies() throws {
        let policies = [try policy("database", from: "app == 'web'")]
        let difference = try ConnectivityDifference(old: world(policies), new: world(policies, labels: ["app": "shell"]))
        #expect(
            difference.lines.map(\.description) == [
                "diff-type: removed, source: shop/web[WorkloadEndpoint], destination: shop/database[WorkloadEndpoint], "
                    + "dir1: TCP 5432, dir2: No Connections, because of: other objects than policies"
            ])
    }
}
