import Foundation

/// What the first packet of a flow costs that no rule matches, with few rules and with very many.
enum UnmatchedBenchmark {
    private static let fewRules = 10
    private static let manyRules = 12_500
    private static let packetsPerRound = 2000
    private static let rounds = 15
    private static let targetNanoseconds = 60.0

    static func run(_ laboratory: Laboratory) throws {
        Benchmarks.say(
            """
            first packet that matches nothing: one workload, egress, \(fewRules) or \(manyRules) distinct Allow rules in policies of \
            \(DistinctRules.rulesPerPolicy), every tenth with source ports or a negated block;
              *far*: to an address that shares its first 16 bits with no block of a rule; *near*: with many; the packet is denied, with its event;
              all in turn, \(rounds) rounds of \(packetsPerRound) packets each; the target is about medians
            """)
        let few = try PacketWorld(
            rules: DistinctRules(count: fewRules, isMixed: true), interface: "ufew", laboratory: laboratory)
        let many = try PacketWorld(
            rules: DistinctRules(count: manyRules, isMixed: true), interface: "umany", laboratory: laboratory)
        for (name, addresses) in [("far", DistinctRules.farAddresses), ("near", DistinctRules.nearAddresses)] {
            var fewCosts = Measurement("\(fewRules) rules, \(name)", unit: "ns")
            var manyCosts = Measurement("\(manyRules) rules, \(name)", unit: "ns")
            for round in 0..<rounds {
                fewCosts.add(round: try few.deniedPackets(packetsPerRound, round: round, to: addresses))
                manyCosts.add(round: try many.deniedPackets(packetsPerRound, round: round, to: addresses))
            }
            Benchmarks.say(fewCosts.line())
            Benchmarks.say(manyCosts.line())
            let more = manyCosts.median - fewCosts.median
            let judgement = more <= targetNanoseconds ? "met" : "MISSED"
            Benchmarks.say("  \(name): \(String(format: "%+.0f", more)) ns (target: at most \(Int(targetNanoseconds)) more), \(judgement)")
        }
    }
}
