import BPFDataplane
import Dataplane
import Foundation
import PolicyEngine
import PolicyModel

/// How long very many rules for one endpoint take from objects in memory to the kernel.
enum InForceBenchmark {
    private static let rounds = 6
    private static let ruleCount = 12_500

    static func run(_ laboratory: Laboratory) throws {
        Benchmarks.say(
            """
            in force: \(ruleCount / DistinctRules.rulesPerPolicy) policies of \(DistinctRules.rulesPerPolicy) rules on one endpoint, no two with \
            the same peer or port range, every tenth with source ports or a negated block;
              from objects in memory to the last map write, with names that no earlier round had; their reasons are on disk by then
            """)
        let rules = try DistinctRules(count: ruleCount, isMixed: true)
        try Laboratory.enterNewNamespace()
        guard let index = try laboratory.makeInterfaces(["uforce"])["uforce"] else { throw BenchmarkError.wrong("no interface") }
        let dataplane = try laboratory.dataplane("uforce")
        let attachments = [DistinctRules.endpoint: NodeProgram.Attachment(interfaceName: "uforce", interfaceIndex: index)]
        var compiler = VerdictCompiler()
        var revision: Int64 = 0
        var compiling = Measurement("of which the compiler", unit: "ms")
        func apply(_ changes: [WorldChange], isMeasured: Bool) throws -> Double {
            revision += 1
            let start = ContinuousClock.now
            compiler.apply(changes)
            if isMeasured { compiling.add(milliseconds(since: start)) }
            let report = try dataplane.apply(
                NodeProgram(
                    revision: revision, tables: compiler.tables, attachments: attachments,
                    changes: revision == 1 ? nil : compiler.lastChanges))
            let duration = milliseconds(since: start)
            guard report.failures.isEmpty else { throw BenchmarkError.wrong("\(report.failures)") }
            return duration
        }
        var bare = rules.world
        bare.policies = [:]
        _ = compiler.compile(bare, node: DistinctRules.node)
        _ = try apply([], isMeasured: false)
        var all = Measurement("all at once", unit: "ms")
        var one = Measurement("one of them changed", unit: "ms")
        var away = Measurement("all taken away", unit: "ms")
        for round in 0..<rounds {
            let policies = rules.world.policies.values.map { policy in
                var renamed = policy
                renamed.reference.name += "-round-\(round)"
                return renamed
            }
            all.add(try apply(policies.map { .policy($0.reference, $0) }, isMeasured: true))
            for number in 0..<3 {
                var policy = policies[number * 80]
                policy.egress.swapAt(0, 1)
                one.add(try apply([.policy(policy.reference, policy)], isMeasured: false))
            }
            away.add(try apply(policies.map { .policy($0.reference, nil) }, isMeasured: false))
        }
        Benchmarks.say(all.line(target: "< 50"))
        Benchmarks.say(compiling.line())
        Benchmarks.say(one.line())
        Benchmarks.say(away.line())
    }

    private static func milliseconds(since start: ContinuousClock.Instant) -> Double {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
    }
}
