import PolicyEngine
import PolicyModel
import Testing

/// The oracle against tables written by hand from the specifications.
@Suite struct OracleTests {
    @Test(arguments: OrderTables.cases) func ordersAndTiers(_ example: OracleCase) { check(example) }

    @Test(arguments: SelectionTables.cases) func selection(_ example: OracleCase) { check(example) }

    @Test(arguments: MatchTables.cases) func matching(_ example: OracleCase) { check(example) }

    @Test func theTablesAreLarge() {
        #expect((OrderTables.cases + SelectionTables.cases + MatchTables.cases).count >= 180)
    }

    private func check(_ example: OracleCase) {
        let oracle = PolicyOracle(world: example.world)
        let decision = oracle.decide(
            endpoint: example.endpoint, direction: example.direction, packet: example.packet)
        #expect(decision == example.expected, "\(example.sentence)")
        let trace = oracle.trace(endpoint: example.endpoint, direction: example.direction, packet: example.packet)
        #expect(trace.decision == example.expected, "\(example.sentence): the trace differs")
    }
}
