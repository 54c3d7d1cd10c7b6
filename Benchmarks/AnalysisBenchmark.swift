import Foundation
import PolicyAnalysis
import PolicyModel

/// What the analyses cost that are made of files. Needs no kernel and no root.
enum AnalysisBenchmark {
    static func run() throws {
        Benchmarks.say("analysis: 1,000 workloads with 20 random labels each, 500 policies of 2 to 4 rules, 100 blocks")
        let old = AnalysisWorld(world: try world(policies: 500))
        let new = AnalysisWorld(world: try changed(old.world))

        var listing = Measurement("connectivity, every line as text", unit: "ms")
        var sizes = ""
        for _ in 0..<5 {
            var lines = 0
            var bytes = 0
            listing.add(milliseconds {
                var connectivity = Connectivity(old)
                ConnectivityReport.write(&connectivity, as: .text) { part in
                    bytes += part.count
                    lines += part.count { $0 == UInt8(ascii: "\n") }
                }
            })
            sizes = "\(lines) lines, \(bytes / 1_000_000) MB"
        }
        let classes = Reachability(old).classCount(.v4)
        Benchmarks.say(listing.line(target: "< 2 s") + "\n  \(classes) classes of ends (at least 400), \(sizes)")

        var difference = Measurement("diff, 5 policies differ", unit: "ms")
        var found = ""
        for _ in 0..<5 {
            difference.add(try milliseconds {
                let difference = try ConnectivityDifference(old: old, new: new)
                found = "\(difference.lines.count) lines, \(difference.lines.count { $0.isOfNewPods }) of pods that are not there yet"
            })
        }
        Benchmarks.say(difference.line(target: "< 3 s") + "\n  " + found)

        var reach = Measurement("reach over 4 hops, 5 cuts", unit: "ms")
        for workload in old.workloads.prefix(50).enumerated() where workload.offset % 10 == 0 {
            reach.add(milliseconds {
                let reach = Reach(old, from: workload.element.title, hops: 4)
                found = "\(reach?.workloads.count ?? 0) workloads reached, \(reach?.cuts.count ?? 0) cuts"
            })
        }
        Benchmarks.say(reach.line(target: "< 1 s") + "\n  " + found)
    }

    private static func milliseconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
    }

    // MARK: The world

    /// Every label key has a few values, so that selectors overlap in all ways.
    private static let keys = 40
    private static let values = 5

    private static func world(policies: Int) throws -> PolicyWorld {
        var random = SmallRandom(seed: 7)
        var world = PolicyWorld.builtIn
        for number in 0..<10 {
            let name = "team-\(number)"
            world.namespaces[name] = Namespace(name: name, labels: [Namespace.nameLabel: name])
        }
        for number in 0..<1_000 {
            var labels: [String: String] = [:]
            while labels.count < 20 { labels["key-\(random.next(keys))"] = "value-\(random.next(values))" }
            let key = EndpointKey(namespace: "team-\(number % 10)", name: "workload-\(number)")
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: labels, addresses: [IPAddress(v4: 0x0a00_0000 + UInt32(number) + 1)])
        }
        for number in 0..<policies {
            let policy = try policy(number, &random)
            world.policies[policy.reference] = policy
        }
        return world
    }

    private static func policy(_ number: Int, _ random: inout SmallRandom) throws -> Policy {
        let reference = PolicyReference(kind: "NetworkPolicy", namespace: "team-\(number % 10)", name: "policy-\(number)")
        var rules: [PolicyRule] = []
        for _ in 0..<(2 + random.next(3)) {
            var peer = EntityRule(selector: try Selector(selector(&random)))
            let network = IPAddress(v4: 0xc000_0000 + UInt32(random.next(100)) << 16)
            if number % 5 == 0, let block = AddressBlock(address: network, prefixLength: 16) { peer = EntityRule(nets: [block]) }
            let destination = EntityRule(ports: [PortRange(UInt16(80 + random.next(50)))])
            rules.append(PolicyRule(action: .allow, transport: .tcp, source: peer, destination: destination))
        }
        return Policy(
            reference: reference, order: Double(random.next(10)), selector: try Selector(selector(&random)), directions: [.ingress],
            ingress: rules)
    }

    private static func selector(_ random: inout SmallRandom) -> String {
        let label = { (random: inout SmallRandom) in "key-\(random.next(keys)) == 'value-\(random.next(values))'" }
        return random.next(2) == 0 ? label(&random) : "\(label(&random)) || \(label(&random))"
    }

    /// Five policies allow one port more.
    private static func changed(_ old: PolicyWorld) throws -> PolicyWorld {
        var new = old
        for number in 0..<5 {
            let reference = PolicyReference(kind: "NetworkPolicy", namespace: "team-\(number)", name: "policy-\(number)")
            new.policies[reference]?.ingress[0].destination.ports.append(PortRange(9999))
        }
        return new
    }
}

/// The same numbers on every machine (Knuth's MMIX generator).
private struct SmallRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}
