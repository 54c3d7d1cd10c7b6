import Foundation
import PolicyEngine
import PolicyModel

/// What the engine costs: from a world to its tables, and from a change to theirs. Needs no kernel and no root.
enum EngineBenchmark {
    static func run() {
        Benchmarks.say("engine: from objects in memory to verdict tables")
        coldStart("100,000 endpoints x 10,000 policies of 2 rules, 200 endpoints here", target: "< 3 s, < 600 MB") {
            EngineWorlds.apps(endpoints: 100_000, policies: 10_000, localEvery: 500)
        }
        coldStart("the same, every endpoint here", target: "") {
            EngineWorlds.apps(endpoints: 100_000, policies: 10_000, localEvery: 1)
        }
        coldStart("25,000 namespaces, 75,000 policies, 100,000 pods, 200 here", target: "< 3 s, < 600 MB") {
            EngineWorlds.smallNamespaces(25_000, localEvery: 500)
        }
        coldStart("the same, every pod here", target: "< 3 s, < 600 MB") {
            EngineWorlds.smallNamespaces(25_000, localEvery: 1)
        }
        oneEndpoint()
        manyAddresses()
    }

    private static func coldStart(_ shape: String, target: String, _ make: () -> PolicyWorld) {
        Benchmarks.say(" cold start: " + shape)
        var measured = Measurement("cold start", unit: "ms")
        var memory = 0.0
        var sizes = ""
        for _ in 0..<3 {
            let before = residentMegabytes()
            let world = make()
            var compiler = VerdictCompiler()
            let tables = time(&measured, in: 1e-3) { compiler.compile(world, node: EngineWorlds.node) }
            memory = max(memory, residentMegabytes() - before)
            sizes =
                "  \(tables.legs.count) legs, \(tables.exact.count) addresses, \(tables.stacks.count) stacks, "
                + "\(tables.rows.count) rows, \(tables.stacks.values.reduce(0) { $0 + $1.pairCount }) pairs, "
                + "\(compiler.lastWork.selectorEvaluations) selectors evaluated"
        }
        Benchmarks.say(measured.line(target: target))
        Benchmarks.say("  \(Int(memory)) MB more resident at most, the world's objects included;" + sizes)
    }

    private static func oneEndpoint() {
        let world = EngineWorlds.apps(endpoints: 100_000, policies: 10_000, localEvery: 500)
        var compiler = VerdictCompiler()
        _ = compiler.compile(world, node: EngineWorlds.node)
        Benchmarks.say(" one endpoint of 100,000 beside 10,000 policies")
        for (name, isLocal) in [("remote, other labels", false), ("local, other labels", true)] {
            var measured = Measurement(name, unit: "us")
            for round in 0..<5 {
                var values: [Double] = []
                for step in 0..<400 {
                    let number = (step * 500 + (isLocal ? 0 : 7)) % 100_000
                    let key = EndpointKey(namespace: "tenant-\(number / 100)", name: "pod-\(number)")
                    guard var endpoint = world.endpoints[key] else { continue }
                    endpoint.labels["app"] = "app-\((number + round + step) % 10)"
                    values.append(elapsed(in: 1e-6) { compiler.apply([.endpoint(key, endpoint)]) })
                }
                measured.add(round: values)
            }
            Benchmarks.say(measured.line(target: isLocal ? "" : "< 50 us"))
        }
        var added = Measurement("a new one with known labels", unit: "us")
        for number in 0..<2_000 {
            let key = EndpointKey(namespace: "tenant-\(number % 1_000)", name: "new-\(number)")
            let endpoint = WorkloadEndpoint(
                key: key, labels: ["app": "app-3", "role": "back"], node: "another",
                addresses: [EngineWorlds.address(200_000 + number)])
            added.add(elapsed(in: 1e-6) { compiler.apply([.endpoint(key, endpoint)]) })
        }
        Benchmarks.say(added.line(target: "< 50 us"))
    }

    private static func manyAddresses() {
        Benchmarks.say(" 1,000,000 addresses in 100 network sets of 10,000, denied by 10 policies to 100 workloads")
        let world = EngineWorlds.feeds(sets: 100, local: 100)
        var compiler = VerdictCompiler()
        var all = Measurement("all of them", unit: "ms")
        _ = time(&all, in: 1e-3) { compiler.compile(world, node: EngineWorlds.node).exact.count }
        Benchmarks.say(all.line())
        var one = Measurement("one more address of a set", unit: "ms")
        for step in 0..<200 {
            let set = EngineWorlds.feed(step % 100, size: 10_001 + step / 100)
            one.add(elapsed(in: 1e-3) { compiler.apply([.networkSet(EngineWorlds.feedName(step % 100), set)]) })
        }
        Benchmarks.say(one.line(target: "< 10 ms"))
        var covering = Measurement("a covering /8, taken away again", unit: "ms")
        let reference = PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "covering")
        guard let block = AddressBlock(address: IPAddress(v4: 0x1400_0000), prefixLength: 8) else { return }
        let policy = Policy(
            reference: reference, order: -1, directions: [.egress],
            egress: [PolicyRule(action: .allow, transport: .udp, destination: EntityRule(nets: [block]))])
        for _ in 0..<50 {
            covering.add(elapsed(in: 1e-3) { compiler.apply([.policy(reference, policy)]) })
            covering.add(elapsed(in: 1e-3) { compiler.apply([.policy(reference, nil)]) })
        }
        Benchmarks.say(covering.line(target: "< 10 ms"))
    }

    // MARK: Tools

    private static func time<Result>(_ measurement: inout Measurement, in unit: Double, _ body: () -> Result) -> Result {
        let start = ContinuousClock.now
        let result = body()
        measurement.add(seconds(since: start) / unit)
        return result
    }

    private static func elapsed(in unit: Double, _ body: () -> Void) -> Double {
        let start = ContinuousClock.now
        body()
        return seconds(since: start) / unit
    }

    private static func seconds(since start: ContinuousClock.Instant) -> Double {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }

    /// Memory of this process in RAM (proc_pid_statm(5), second field).
    private static func residentMegabytes() -> Double {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Double(fields[1]) else { return .nan }
        return pages * 4096 / 1_048_576
    }
}
