import Dataplane
import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

/// Compiled tables give the decision of the oracle, reasons included.
@Suite struct OracleAgainstTables {
    /// A verdict on which oracle and tables differ.
    struct Disagreement: CustomStringConvertible {
        var seed: UInt64
        var probe: Probe
        var oracle: Decision
        var tables: Decision?

        var description: String {
            "seed \(seed), \(probe.direction) of \(probe.endpoint), \(probe.packet.source):\(probe.packet.sourcePort) to "
                + "\(probe.packet.destination):\(probe.packet.destinationPort) protocol \(probe.packet.transport.number): "
                + "oracle \(oracle), tables \(tables.map { "\($0)" } ?? "nothing")"
        }
    }

    @Test func tablesDecideAsTheOracle() {
        var coverage = Coverage()
        var disagreements: [Disagreement] = []
        var compiler = VerdictCompiler()
        for example in CaseGenerator(seed: 1_000, packetsPerWorld: 500).cases(420) {
            let oracle = PolicyOracle(world: example.world)
            // One compiler for all worlds: what it has interned for others must not leak into the next.
            let evaluator = TableEvaluator(tables: compiler.compile(example.world, node: WorldGenerator.node))
            for probe in example.probes {
                let wanted = coverage.decide(probe, by: oracle)
                let given = evaluator.decide(
                    endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                if given != wanted {
                    disagreements.append(
                        Disagreement(seed: example.seed, probe: probe, oracle: wanted, tables: given))
                }
            }
        }
        print(coverage.table)
        #expect(coverage.verdicts >= 200_000)
        #expect(coverage.check(floor: 500) == [])
        #expect(disagreements.isEmpty, "\(disagreements.count) disagreements, the first: \(disagreements[0])")
    }

    /// The comparison above notices a compiler with any of these faults, by a verdict and not only by a reason.
    @Test(arguments: PlantedFault.allCases) func aFaultyCompilerIsNoticed(_ fault: PlantedFault) {
        var wrongVerdicts = 0
        for example in CaseGenerator(seed: 1_000, packetsPerWorld: 500).cases(40) where wrongVerdicts == 0 {
            let oracle = PolicyOracle(world: example.world)
            var compiler = VerdictCompiler()
            let evaluator = TableEvaluator(
                tables: compiler.compile(fault.apply(to: example.world), node: WorldGenerator.node))
            for probe in example.probes {
                let wanted = oracle.decide(
                    endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                let given = evaluator.decide(
                    endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                if given?.verdict != wanted.verdict { wrongVerdicts += 1 }
            }
        }
        #expect(wrongVerdicts > 0, "\(fault.rawValue) was not noticed")
    }
}
