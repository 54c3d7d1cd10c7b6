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

    @Test func worldsAreAsLargeAsAsked() {
        for example in CaseGenerator(seed: 3, packetsPerWorld: 1).cases(20) {
            let world = example.world
            #expect((3...6).contains(world.tiers.count))
            // Policies may be given the same name.
            #expect((15...60).contains(world.policies.count))
            #expect((30...200).contains(world.endpoints.count))
        }
    }

    @Test func faultsHaveNames() {
        #expect(Set(PlantedFault.allCases.map(\.rawValue)).count == PlantedFault.allCases.count)
        #expect(PlantedFault.allCases.count >= 60)
        #expect(PlantedFault.ofVerdicts.count >= 50)
    }

    @Test func anEmptyCoverageFailsItsCheck() {
        #expect(Coverage().check(floor: 1).isEmpty == false)
    }
}
