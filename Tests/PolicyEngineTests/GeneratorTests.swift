import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

/// The generator is worth what it reaches.
@Suite struct GeneratorTests {
    private static let whole = WorldGenerator.Options(features: .all)

    @Test(arguments: [LanguageFeatures.compiled, .all]) func equalSeedsGiveEqualCases(_ features: LanguageFeatures) {
        let options = WorldGenerator.Options(features: features)
        let first = CaseGenerator(seed: 7, packetsPerWorld: 50, options: options).case
        let second = CaseGenerator(seed: 7, packetsPerWorld: 50, options: options).case
        #expect(first.world == second.world)
        #expect(first.probes == second.probes)
        #expect(CaseGenerator(seed: 8, packetsPerWorld: 50, options: options).case.world != first.world)
    }

    @Test func worldsAreAsLargeAsAsked() {
        for example in CaseGenerator(seed: 3, packetsPerWorld: 1, options: Self.whole).cases(20) {
            let world = example.world
            #expect((3...6).contains(world.tiers.count))
            // Policies may be given the same name.
            #expect((15...60).contains(world.policies.count))
            #expect((30...200).contains(world.endpoints.count))
        }
    }

    @Test func coversTheLanguage() async {
        let clock = ContinuousClock()
        let start = clock.now
        let coverage = await Coverage.counted(by: 8, .all) { shard in
            var coverage = Coverage(features: .all)
            let seed = UInt64(1 + shard * 1_000)
            for example in CaseGenerator(seed: seed, packetsPerWorld: 500, options: Self.whole).cases(50) {
                let oracle = PolicyOracle(world: example.world)
                for probe in example.probes { _ = coverage.decide(probe, by: oracle) }
            }
            return coverage
        }
        print(coverage.table)
        let seconds = (clock.now - start) / .seconds(1)
        print("\(Int(Double(coverage.verdicts) / seconds)) verdicts of the oracle in a second, traced and counted")
        #expect(coverage.verdicts >= 190_000)
        #expect(coverage.check() == [])
    }

    /// Each planted fault changes what it is said to change, for at least one generated packet.
    @Test(arguments: PlantedFault.everyCase) func faultsChangeDecisions(_ fault: PlantedFault) {
        var changed = 0
        for example in CaseGenerator(seed: 1, packetsPerWorld: 300, options: Self.whole).cases(40) where changed == 0 {
            let right = PolicyOracle(world: example.world)
            let wrong = PolicyOracle(world: fault.apply(to: example.world))
            for probe in example.probes {
                let wanted = right.decide(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                let given = wrong.decide(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                if fault.shows(in: given, wanted: wanted) { changed += 1 }
            }
        }
        #expect(changed > 0, "\(fault.rawValue) was not noticed")
    }

    @Test func faultsHaveNames() {
        #expect(Set(PlantedFault.everyCase.map(\.rawValue)).count == PlantedFault.everyCase.count)
        #expect(PlantedFault.everyCase.count >= 60)
        #expect(PlantedFault.allCases.count >= 20)
    }

    @Test func anEmptyCoverageFailsItsCheck() {
        #expect(Coverage(features: .all).check(floor: 1).isEmpty == false)
        #expect(Coverage().check().isEmpty == false)
    }
}
