import BPFDataplane
import Foundation
import PolicyEngine
import PolicyModel

/// What a change costs from the typed world to the planned map writes, carried through by what it touches. Needs no kernel.
enum ChangeBenchmark {
    /// A node's compiler and planner.
    private struct Node {
        var compiler = VerdictCompiler()
        var rehearsal = TransitionRehearsal()

        init(_ world: PolicyWorld) throws {
            _ = compiler.compile(world, node: EngineWorlds.node)
            _ = try rehearsal.apply(compiler.tables, changes: nil)
        }

        /// Milliseconds and steps.
        mutating func change(_ change: WorldChange) throws -> (milliseconds: Double, steps: Int) {
            let start = ContinuousClock.now
            compiler.apply([change])
            let steps = try rehearsal.apply(compiler.tables, changes: compiler.lastChanges)
            let (seconds, attoseconds) = (ContinuousClock.now - start).components
            return (Double(seconds) * 1e3 + Double(attoseconds) * 1e-15, steps)
        }
    }

    static func run() throws {
        Benchmarks.say("change: from an object to the planned map writes, 200 endpoints here, 100,000 remote addresses in 5,000")
        Benchmarks.say(" identities, 1,000 policies of 10 rules")
        let world = EngineWorlds.identities(5_000, addresses: 100_000, policies: 1_000, rules: 10, local: 200)
        var node = try Node(world)
        func key(_ number: Int) -> EndpointKey { EngineWorlds.remoteKey(number) }
        try measure("a remote endpoint's labels, known ones", "< 3, p99 < 10", 500) { step in
            guard var endpoint = world.endpoints[key(step * 7)] else { return nil }
            endpoint.labels = EngineWorlds.kindLabels((step * 13) % 5_000)
            return try node.change(.endpoint(endpoint.key, endpoint))
        }
        try measure("a new remote endpoint with known labels", "p99 < 1", 500) { step in
            let endpoint = WorkloadEndpoint(
                key: key(1_000_000 + step), labels: EngineWorlds.kindLabels(step % 5_000), node: "another",
                addresses: [EngineWorlds.address(200_000 + step)])
            return try node.change(.endpoint(endpoint.key, endpoint))
        }
        try measure("a new remote endpoint of a new kind", "< 3, p99 < 10", 200) { step in
            let labels = EngineWorlds.kindLabels(step % 5_000).merging(EngineWorlds.kindLabels((step * 3 + 1) % 5_000)) { $1 }
            let endpoint = WorkloadEndpoint(
                key: key(2_000_000 + step), labels: labels.merging(["extra": "\(step)"]) { $1 }, node: "another",
                addresses: [EngineWorlds.address(300_000 + step)])
            return try node.change(.endpoint(endpoint.key, endpoint))
        }
        try measure("a local endpoint's labels", "< 3, p99 < 10", 400) { step in
            guard var endpoint = world.endpoints[EngineWorlds.localKey(step % 200)] else { return nil }
            endpoint.labels["app"] = "app-\((step * 7) % 100)"
            return try node.change(.endpoint(endpoint.key, endpoint))
        }
        let policies = world.policies.values.sorted { $0.reference.name < $1.reference.name }
        try measure("one policy of 1,000", "< 3, p99 < 10", 200) { step in
            var policy = policies[step % policies.count]
            policy.ingress[0].destination = EntityRule(ports: [PortRange(UInt16(9_000 + step))])
            return try node.change(.policy(policy.reference, policy))
        }
        guard let block = AddressBlock(address: EngineWorlds.address(0), prefixLength: 8) else { return }
        try measure("a rule more in one policy, for 10.0.0.0/8, there and back", "< 3, p99 < 10", 40) { step in
            var policy = policies[3]
            if step % 2 == 0 {
                policy.ingress.append(PolicyRule(action: .allow, transport: .udp, source: EntityRule(nets: [block])))
            }
            return try node.change(.policy(policy.reference, policy))
        }
        let covering = PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "covering")
        for (name, selector) in [("10.0.0.0/8 for one app, there and back", EngineWorlds.label("app", "app-3")), ("10.0.0.0/8 for all, there and back", Selector.all)] {
            let policy = Policy(
                reference: covering, order: -1, selector: selector, directions: [.ingress],
                ingress: [PolicyRule(action: .allow, transport: .udp, source: EntityRule(nets: [block]))])
            try measure(name, "< 3, p99 < 10", 40) { step in
                try node.change(.policy(covering, step % 2 == 0 ? policy : nil))
            }
        }
    }

    private static func measure(
        _ name: String, _ target: String, _ count: Int, _ body: (Int) throws -> (milliseconds: Double, steps: Int)?
    ) throws {
        var measured = Measurement(name, unit: "ms")
        var steps = 0
        for step in 0..<count {
            guard let found = try body(step) else { continue }
            measured.add(found.milliseconds)
            steps += found.steps
        }
        Benchmarks.say(measured.line(target: target) + "  \(steps / max(1, count)) steps each")
    }
}
