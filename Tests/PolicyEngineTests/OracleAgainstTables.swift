import Dataplane
import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

/// Compiled tables give the decision of the oracle, reasons included.
@Suite struct OracleAgainstTables {
    /// A verdict on which oracle and tables differ.
    struct Disagreement: CustomStringConvertible, Sendable {
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

    private static let shards = 8

    @Test func tablesDecideAsTheOracle() async {
        let found = await withTaskGroup(of: (Coverage, [Disagreement]).self) { group in
            for shard in 0..<Self.shards {
                group.addTask { Self.compare(seed: UInt64(1_000 + shard * 10_000), worlds: 126) }
            }
            var whole: (coverage: Coverage, disagreements: [Disagreement]) = (Coverage(), [])
            for await (coverage, disagreements) in group {
                whole.coverage.add(coverage)
                whole.disagreements += disagreements
            }
            return whole
        }
        print(found.coverage.table)
        #expect(found.coverage.verdicts >= 1_000_000)
        #expect(found.coverage.check() == [])
        let first = found.disagreements.first.map { "\($0)" } ?? ""
        #expect(found.disagreements.isEmpty, "\(found.disagreements.count) disagreements, the first: \(first)")
    }

    private static func compare(seed: UInt64, worlds: Int) -> (Coverage, [Disagreement]) {
        var coverage = Coverage()
        var disagreements: [Disagreement] = []
        var compiler = VerdictCompiler()
        for (number, example) in CaseGenerator(seed: seed, packetsPerWorld: 1_000).cases(worlds).enumerated() {
            let oracle = PolicyOracle(world: example.world)
            // One compiler for all worlds: what it has interned for others must not leak into the next.
            let evaluator = TableEvaluator(tables: compiler.compile(example.world, node: WorldGenerator.node))
            if number % 16 == 0 { #expect(compiler.checkInvariants() == [], "seed \(example.seed)") }
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
        return (coverage, disagreements)
    }

    /// The comparison above notices a compiler with any of these faults, by what the fault changes and not only by a
    /// reason.
    @Test func faultyCompilersAreNoticed() {
        var unnoticed = PlantedFault.allCases
        var worlds = 0
        for example in CaseGenerator(seed: 1_000, packetsPerWorld: 500).cases(250) where !unnoticed.isEmpty {
            worlds += 1
            let oracle = PolicyOracle(world: example.world)
            let wanted = example.probes.map { probe in
                oracle.decide(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
            }
            unnoticed.removeAll { fault in
                var compiler = VerdictCompiler()
                let evaluator = TableEvaluator(
                    tables: compiler.compile(fault.apply(to: example.world), node: WorldGenerator.node))
                return zip(example.probes, wanted).contains { probe, wanted in
                    let given = evaluator.decide(
                        endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                    return fault.shows(in: given, wanted: wanted)
                }
            }
        }
        print("\(PlantedFault.allCases.count) planted faults, noticed within \(worlds) worlds of 500 packets")
        #expect(unnoticed.map(\.rawValue) == [])
    }
}
