import Dataplane
import PolicyEngine
import PolicyModel
import Testing

/// The oracle against tables written by hand from the specifications.
@Suite struct OracleTests {
    @Test(arguments: OrderTables.cases) func ordersAndTiers(_ example: OracleCase) { check(example) }

    @Test(arguments: SelectionTables.cases) func selection(_ example: OracleCase) { check(example) }

    @Test(arguments: MatchTables.cases) func matching(_ example: OracleCase) { check(example) }

    @Test(arguments: FieldTables.cases) func fields(_ example: OracleCase) { check(example) }

    @Test(arguments: PeerTables.cases) func peers(_ example: OracleCase) { check(example) }

    @Test(arguments: ProfileTables.cases) func profilesLogsAndRejections(_ example: OracleCase) { check(example) }

    @Test(arguments: StagedTables.cases) func staged(_ example: OracleCase) { check(example) }

    @Test(arguments: KubernetesTables.cases) func kubernetes(_ example: OracleCase) { check(example) }

    @Test(arguments: ClusterPolicyTables.cases) func clusterPolicies(_ example: OracleCase) {
        check(example)
        checkTables(example)
    }

    @Test(arguments: ComparisonTables.cases) func comparisons(_ example: OracleCase) {
        check(example)
        checkTables(example)
    }

    /// The same sentence of the compiled tables.
    private func checkTables(_ example: OracleCase) {
        var compiler = VerdictCompiler()
        let tables = compiler.compile(example.world, node: "here")
        let decision = TableEvaluator(tables: tables).decide(
            endpoint: example.endpoint, direction: example.direction, packet: example.packet)
        #expect(decision == example.expected, "\(example.sentence): the tables differ")
    }

    @Test func theTablesAreLarge() {
        let first = OrderTables.cases + SelectionTables.cases + MatchTables.cases
        let second = FieldTables.cases + PeerTables.cases + ProfileTables.cases + StagedTables.cases + KubernetesTables.cases
        let third = ClusterPolicyTables.cases + ComparisonTables.cases
        print("\(first.count + second.count + third.count) cases written by hand")
        #expect(first.count + second.count >= 500)
        #expect(third.count >= 120)
    }

    private func check(_ example: OracleCase) {
        let oracle = PolicyOracle(world: example.world)
        let decision = oracle.decide(
            endpoint: example.endpoint, direction: example.direction, packet: example.packet)
        #expect(decision == example.expected, "\(example.sentence)")
        let trace = oracle.trace(endpoint: example.endpoint, direction: example.direction, packet: example.packet)
        #expect(trace.decision == example.expected, "\(example.sentence): the trace differs")
        let pending = oracle.pendingTrace(
            endpoint: example.endpoint, direction: example.direction, packet: example.packet)?.decision
        #expect(
            pending.map { Decision.Pending($0.verdict, $0.reason) } ?? .init(decision.verdict, decision.reason)
                == example.expected.pending ?? .init(example.expected.verdict, example.expected.reason),
            "\(example.sentence): the pending trace differs")
    }
}
