import Dataplane
import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

/// One compiler that lives through many worlds, against the oracle.
@Suite("Compiler: against the oracle, remembering")
struct CompilerAgainstOracleTests {
    @Test(arguments: [1, 10_000, 20_000, 30_000] as [UInt64])
    func oneCompilerOverManyWorlds(seed: UInt64) {
        var compiler = VerdictCompiler()
        var verdicts = 0
        var wrong: [String] = []
        for example in CaseGenerator(seed: seed, packetsPerWorld: 300).cases(200) where wrong.isEmpty {
            let oracle = PolicyOracle(world: example.world)
            let tables = compiler.compile(example.world, node: WorldGenerator.node)
            wrong += compiler.checkInvariants().map { "seed \(example.seed): \($0)" }
            let evaluator = TableEvaluator(tables: tables)
            for probe in example.probes {
                verdicts += 1
                let wanted = oracle.decide(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                let given = evaluator.decide(
                    endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                if wanted != given {
                    wrong.append("seed \(example.seed), \(probe): oracle \(wanted), tables \(String(describing: given))")
                }
            }
        }
        print("\(verdicts) verdicts of one compiler compared with the oracle")
        #expect(wrong.prefix(3) == [])
        #expect(verdicts > 50_000)
    }
}
