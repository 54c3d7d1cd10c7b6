import Foundation

/// What the first packet of a flow costs, with few rules and with many.
enum FirstPacketBenchmark {
    private static let fewRules = 10
    private static let manyRules = 5000
    /// Below the room for half-open flows: none is evicted.
    private static let flowsPerRound = 5000
    private static let rounds = 5
    /// Several flows a round would not be new again.
    private static let establishedRound = 11
    private static let targetPercent = 25.0

    static func run(_ laboratory: Laboratory) throws {
        Benchmarks.say(
            """
            first packet of a flow: one workload, egress, \(fewRules) or \(manyRules) distinct Allow rules in policies of \
            \(DistinctRules.rulesPerPolicy);
              peers in turn one label, one address, a /24, a /20; TCP and UDP; ports and ranges; IPv4, 64 bytes or less;
              every packet a new flow that meets the next of all rules, or of the first \(fewRules); BPF_PROG_TEST_RUN, one packet a call, the harness included;
              all three in turn, \(rounds) rounds of \(flowsPerRound) flows each, none evicted
            """)
        let few = try PacketWorld(rules: DistinctRules(count: fewRules), interface: "few", laboratory: laboratory)
        let many = try PacketWorld(rules: DistinctRules(count: manyRules), interface: "many", laboratory: laboratory)
        var measurements = (
            few: Measurement("\(fewRules) rules, all of them met", unit: "ns"),
            hot: Measurement("\(manyRules) rules, \(fewRules) of them met", unit: "ns"),
            many: Measurement("\(manyRules) rules, all of them met", unit: "ns"),
            fewEstablished: Measurement("\(fewRules) rules, established", unit: "ns"),
            manyEstablished: Measurement("\(manyRules) rules, established", unit: "ns"),
            empty: Measurement("harness alone (an empty program)", unit: "ns")
        )
        for round in 0..<rounds {
            measurements.few.add(round: try few.firstPackets(flowsPerRound, round: round))
            measurements.hot.add(round: try many.firstPackets(flowsPerRound, round: round, meeting: fewRules))
            measurements.many.add(round: try many.firstPackets(flowsPerRound, round: round))
            measurements.empty.add(round: try few.emptyRuns(flowsPerRound))
        }
        measurements.fewEstablished.add(round: try few.establishedPackets(flowsPerRound, round: establishedRound))
        measurements.manyEstablished.add(round: try many.establishedPackets(flowsPerRound, round: establishedRound))

        Benchmarks.say(measurements.few.line())
        Benchmarks.say(measurements.hot.line())
        Benchmarks.say(measurements.many.line())
        Benchmarks.say(measurements.fewEstablished.line())
        Benchmarks.say(measurements.manyEstablished.line())
        Benchmarks.say(measurements.empty.line())
        Benchmarks.say("  medians less the harness, against \(fewRules) rules (target: within \(Int(targetPercent)) %):")
        let empty = measurements.empty.median
        for (name, measurement) in [
            ("\(manyRules) rules, the same packets", measurements.hot), ("\(manyRules) rules, every packet another rule", measurements.many),
        ] {
            let percent = ((measurement.median - empty) / (measurements.few.median - empty) - 1) * 100
            let judgement = percent <= targetPercent ? "met" : "MISSED"
            Benchmarks.say("    \(name): \(String(format: "%+.0f", percent)) %, \(judgement)")
        }
    }
}
