import Foundation

/// What the first packet of a flow costs, with few rules and with many.
enum FirstPacketBenchmark {
    private static let fewRules = 10
    private static let manyRules = 5000
    /// Below the room for half-open flows: none is evicted.
    private static let flowsPerRound = 5000
    private static let rounds = 10
    /// Several flows a round would not be new again.
    private static let establishedRound = 11
    private static let targetPercent = 25.0

    static func run(_ laboratory: Laboratory) throws {
        print(
            """
            first packet of a flow: one workload, egress, \(fewRules) or \(manyRules) distinct Allow rules in policies of \
            \(DistinctRules.rulesPerPolicy);
              peers in turn one label, one address, a /24, a /20; TCP and UDP; ports and ranges; IPv4, 64 bytes or less;
              every packet a new flow that meets the next rule; BPF_PROG_TEST_RUN, one packet a call, the harness included;
              both worlds in turn, \(rounds) rounds of \(flowsPerRound) flows each, none evicted
            """)
        let few = try PacketWorld(rules: DistinctRules(count: fewRules), interface: "few", laboratory: laboratory)
        let many = try PacketWorld(rules: DistinctRules(count: manyRules), interface: "many", laboratory: laboratory)
        var measurements = (
            few: Measurement("\(fewRules) rules, first packet", unit: "ns"),
            many: Measurement("\(manyRules) rules, first packet", unit: "ns"),
            fewEstablished: Measurement("\(fewRules) rules, established", unit: "ns"),
            manyEstablished: Measurement("\(manyRules) rules, established", unit: "ns"),
            empty: Measurement("harness alone (an empty program)", unit: "ns")
        )
        for round in 0..<rounds {
            measurements.few.add(round: try few.firstPackets(flowsPerRound, round: round))
            measurements.many.add(round: try many.firstPackets(flowsPerRound, round: round))
            measurements.empty.add(round: try few.emptyRuns(flowsPerRound))
        }
        measurements.fewEstablished.add(round: try few.establishedPackets(flowsPerRound, round: establishedRound))
        measurements.manyEstablished.add(round: try many.establishedPackets(flowsPerRound, round: establishedRound))

        print(measurements.few.line())
        print(measurements.many.line())
        print(measurements.fewEstablished.line())
        print(measurements.manyEstablished.line())
        print(measurements.empty.line())
        let empty = measurements.empty.median
        let with = (measurements.many.median / measurements.few.median - 1) * 100
        let without = ((measurements.many.median - empty) / (measurements.few.median - empty) - 1) * 100
        print(
            String(
                format: "  %d rules against %d, medians: %+.1f %%, less the harness %+.1f %% (target: within %.0f %%): %@",
                manyRules, fewRules, with, without, targetPercent, without <= targetPercent ? "met" : "MISSED"))
    }
}
