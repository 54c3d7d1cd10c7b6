import Dataplane
import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

@testable import BPFDataplane

extension KernelTests {
    /// Generated worlds and packets: the oracle, the compiled tables, and the kernel's program over what the real dataplane
    /// wrote into the maps give the same verdict for the same reason.
    @Suite struct AgainstOracle {
        /// Endpoints of a generated world at most.
        static let interfaces = WorldGenerator.Options().endpoints.upperBound

        struct Findings: Sendable {
            var coverage = Coverage(shapes: ProbePacket.Shape.allCases.map(\.rawValue))
            var disagreements: [String] = []
            var warnings: [String] = []
            var eventsLost: UInt64 = 0
            var worlds = 0
        }

        /// A cell that holds 500 where oracle and tables are compared holds about 50 of these; chance may take half.
        @Test func kernelTablesAndOracleDecideAlike() throws {
            let findings = try LiveNode.run(taps: Self.interfaces) { node in
                var findings = Findings()
                var compiler = VerdictCompiler()
                var random = SplitMix(state: 1)
                for example in CaseGenerator(seed: 1_000, packetsPerWorld: 1_000).cases(130) {
                    let tables = compiler.compile(example.world, node: WorldGenerator.node)
                    try node.enforce(tables, of: example.world)
                    try Self.compare(example, tables, node, &random, &findings)
                    findings.worlds += 1
                    if findings.disagreements.count > 10 { break }
                }
                let status = try node.dataplane.status()
                findings.warnings = status.warnings
                findings.eventsLost = status.eventsLost
                return findings
            }
            print("\(findings.worlds) worlds one after the other on one dataplane")
            print(findings.coverage.table)
            #expect(findings.disagreements.prefix(3) == [])
            #expect(findings.coverage.verdicts >= 100_000)
            #expect(findings.coverage.check(floor: 25) == [])
            #expect(findings.warnings == [])
            #expect(findings.eventsLost == 0)
        }

        private static func compare(
            _ example: GeneratedCase, _ tables: VerdictTables, _ node: LiveNode, _ random: inout SplitMix,
            _ findings: inout Findings
        ) throws {
            let oracle = PolicyOracle(world: example.world)
            let evaluator = TableEvaluator(tables: tables)
            for probe in example.probes where isPolicys(probe, in: example.world) {
                let packet = ProbePacket(probe, using: &random)
                let trace = oracle.trace(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                let byTables = evaluator.decide(
                    endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                let answer = try node.ask(packet)
                if answer.decision == trace.decision, byTables == trace.decision {
                    findings.coverage.record(trace, by: oracle, shape: packet.shape.rawValue)
                } else {
                    findings.disagreements.append(
                        "seed \(example.seed), \(probe), \(packet.shape.rawValue): oracle \(trace.decision), tables "
                            + "\(String(describing: byTables)), kernel \(answer)")
                }
            }
        }

        private static func isPolicys(_ probe: PolicyTesting.Probe, in world: PolicyWorld) -> Bool {
            ProbePacket.isPolicys(probe, ownAddresses: world.endpoints[probe.endpoint]?.addresses ?? [])
        }

        /// The comparison notices a compiler with any of these faults, by what the kernel does to a packet and not only by
        /// its reason. Nothing but the compiler's input is faulty, and the kernel follows its tables even then.
        @Test func aFaultyCompilerIsNoticed() throws {
            // A third of those that the comparison with the tables notices.
            let faults = PlantedFault.ofVerdicts.enumerated().filter { $0.offset % 3 == 0 }.map(\.element)
            let (noticed, disobedient) = try LiveNode.run(taps: Self.interfaces) { node in
                var noticed: Set<PlantedFault> = []
                var disobedient: [String] = []
                var random = SplitMix(state: 2)
                for example in CaseGenerator(seed: 1_000, packetsPerWorld: 500).cases(100) {
                    let oracle = PolicyOracle(world: example.world)
                    let wanted = example.probes.map { probe in
                        oracle.decide(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                    }
                    for fault in faults where !noticed.contains(fault) {
                        var compiler = VerdictCompiler()
                        let tables = compiler.compile(fault.apply(to: example.world), node: WorldGenerator.node)
                        let evaluator = TableEvaluator(tables: tables)
                        // The kernel is asked only where its tables are known to be wrong.
                        let telling = Array(zip(example.probes, wanted).lazy.compactMap { probe, wanted in
                            let given = evaluator.decide(
                                endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                            let isTelling = given?.verdict != wanted.verdict && Self.isPolicys(probe, in: example.world)
                            return isTelling ? (probe, wanted, given) : nil
                        }.prefix(20))
                        if telling.isEmpty { continue }
                        try node.enforce(tables, of: example.world)
                        for (probe, wanted, given) in telling {
                            let answer = try node.ask(ProbePacket(probe, using: &random))
                            if answer.decision != given { disobedient.append("\(fault.rawValue), \(probe): \(answer)") }
                            if let verdict = answer.decision?.verdict, verdict != wanted.verdict { noticed.insert(fault) }
                        }
                    }
                    if noticed.count == faults.count { break }
                }
                return (noticed, disobedient)
            }
            print("\(noticed.count) planted faults noticed by the kernel's verdicts")
            #expect(faults.count >= 20)
            #expect(faults.filter { !noticed.contains($0) }.map(\.rawValue) == [])
            #expect(disobedient.prefix(3) == [])
        }
    }
}
