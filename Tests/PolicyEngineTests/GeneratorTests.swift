import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

/// The generator is worth what it reaches.
@Suite struct GeneratorTests {
    @Test func equalSeedsGiveEqualCases() {
        let first = CaseGenerator(seed: 7, packetsPerWorld: 50).case
        let second = CaseGenerator(seed: 7, packetsPerWorld: 50).case
        #expect(first.world == second.world)
        #expect(first.probes == second.probes)
        #expect(CaseGenerator(seed: 8, packetsPerWorld: 50).case.world != first.world)
    }

    @Test func coversTheLanguage() {
        var coverage = Coverage()
        for example in CaseGenerator(seed: 1, packetsPerWorld: 500).cases(100) {
            let oracle = PolicyOracle(world: example.world)
            for probe in example.probes { _ = coverage.decide(probe, by: oracle) }
        }
        print(coverage.table)
        #expect(coverage.check(floor: 100) == [])
    }

    /// Each planted fault changes verdicts, not only reasons, for at least one generated packet.
    @Test(arguments: PlantedFault.allCases) func faultsChangeVerdicts(_ fault: PlantedFault) {
        var changed = 0
        for example in CaseGenerator(seed: 1, packetsPerWorld: 300).cases(100) where changed == 0 {
            let right = PolicyOracle(world: example.world)
            let wrong = PolicyOracle(world: fault.apply(to: example.world))
            for probe in example.probes {
                let wanted = right.decide(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                let given = wrong.decide(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                if wanted.verdict != given.verdict { changed += 1 }
            }
        }
        #expect(changed > 0, "\(fault.rawValue) was not noticed")
    }

    @Test func anEmptyCoverageFailsItsCheck() {
        #expect(Coverage().check(floor: 1).isEmpty == false)
    }
}
