import PolicyAnalysis
import PolicyModel

/// What `lint` and `verify` cost once their objects are in memory. Needs no kernel and no root.
enum CheckBenchmark {
    static func run() {
        Benchmarks.say("checks: lint and verify, objects in memory")
        lint("10,000 policies of 2 rules in 100 namespaces, 10,000 endpoints", EngineWorlds.apps(endpoints: 10_000, policies: 10_000, localEvery: 1))
        lint("10,000 policies of 4 rules, 1,000 of them global, 2,000 endpoints", mixed(policies: 10_000, endpoints: 2_000))
        verify()
    }

    private static func lint(_ shape: String, _ world: PolicyWorld) {
        Benchmarks.say(" " + shape)
        var measured = Measurement("lint", unit: "ms")
        var found = 0
        for _ in 0..<5 { measured.time(in: 1e-3) { found = Lint(world: world).findings().count } }
        Benchmarks.say(measured.line(target: "< 3 s") + "  \(found) findings")
    }

    private static func verify() {
        let world = labelled(workloads: 1_000, policies: 500)
        let cases: [JSONValue] = (0..<1_000).map { number in
            [
                "name": .string("case \(number)"), "from": ["workload": .string("shop/w\(number)")],
                "to": ["selector": .string("l\(number % 20) == 'v\(number % 3)' && l\((number + 7) % 20) == 'v\(number % 5)'")],
                "ports": [.string("tcp/\(8_000 + number % 50)")], "expect": "Denied",
            ]
        }
        let object: JSONValue = [
            "apiVersion": .string(Kinds.policyTest.apiVersion), "kind": "PolicyTest", "metadata": ["name": "t"], "spec": ["cases": .array(cases)],
        ]
        guard let test = try? PolicyTest(object: object) else { return Benchmarks.say("  verify: the test cannot be read") }
        Benchmarks.say(" 1,000 assertions, each a workload against all of two labels; 1,000 workloads of 20 labels, 500 policies")
        var measured = Measurement("verify", unit: "ms")
        var failed = 0
        for _ in 0..<5 {
            measured.time(in: 1e-3) {
                failed = Verification(AnalysisWorld(world: world), tests: [test]).results().filter { $0.failure != nil }.count
            }
        }
        Benchmarks.say(measured.line(target: "< 2 s") + "  \(failed) do not hold")
    }

    // MARK: Worlds

    /// Policies of namespaces, and one in ten global and before them, that partly overlap.
    private static func mixed(policies: Int, endpoints: Int) -> PolicyWorld {
        var world = EngineWorlds.apps(endpoints: endpoints, policies: 0, localEvery: 1)
        for number in 0..<policies {
            let isGlobal = number % 10 == 0
            let reference = PolicyReference(
                kind: isGlobal ? "GlobalNetworkPolicy" : "NetworkPolicy", namespace: isGlobal ? "" : "tenant-\(number % (endpoints / 100))",
                name: "policy-\(number)")
            let app = EngineWorlds.label("app", "app-\(number / 10 % 10)")
            world.policies[reference] = Policy(
                reference: reference, order: Double(isGlobal ? number / 10 : number),
                selector: isGlobal ? .and([app, EngineWorlds.label("role", number % 20 == 0 ? "front" : "back")]) : app, directions: [.ingress],
                ingress: (0..<4).map { step in
                    let port = UInt16(8_000 + (number + step) % 200)
                    return PolicyRule(
                        action: (number + step) % 5 == 0 ? .deny : .allow, transport: step == 3 ? .udp : .tcp,
                        source: EntityRule(selector: EngineWorlds.label("app", "app-\((number + step) % 10)")),
                        destination: EntityRule(ports: [PortRange(first: port, last: port + UInt16(step)) ?? PortRange(port)]))
                })
        }
        return world
    }

    /// Workloads with 20 labels each, and policies that select by two of them.
    private static func labelled(workloads: Int, policies: Int) -> PolicyWorld {
        var world = PolicyWorld.builtIn
        world.namespaces["shop"] = Namespace(name: "shop")
        func value(_ number: Int, _ label: Int) -> String { "v\((number * (label + 3) + number / (label + 1)) % 6)" }
        for number in 0..<workloads {
            let labels = Dictionary(uniqueKeysWithValues: (0..<20).map { ("l\($0)", value(number, $0)) })
            let key = EndpointKey(namespace: "shop", name: "w\(number)")
            world.endpoints[key] = WorkloadEndpoint(key: key, labels: labels, addresses: [EngineWorlds.address(number)])
        }
        for number in 0..<policies {
            let reference = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "p\(number)")
            func pair(_ shift: Int) -> Selector {
                .and([
                    EngineWorlds.label("l\((number + shift) % 20)", "v\(number % 6)"),
                    EngineWorlds.label("l\((number + shift + 5) % 20)", "v\((number + shift) % 6)"),
                ])
            }
            world.policies[reference] = Policy(
                reference: reference, order: Double(number), selector: pair(0), directions: [.ingress],
                ingress: [
                    PolicyRule(
                        action: .allow, transport: .tcp, source: EntityRule(selector: pair(3)),
                        destination: EntityRule(ports: [PortRange(UInt16(8_000 + number % 50))]))
                ])
        }
        return world
    }
}

extension Measurement {
    /// Adds how long `body` takes, in units of so many seconds.
    fileprivate mutating func time(in unit: Double, _ body: () -> Void) {
        let start = ContinuousClock.now
        body()
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        add((Double(seconds) + Double(attoseconds) * 1e-18) / unit)
    }
}
