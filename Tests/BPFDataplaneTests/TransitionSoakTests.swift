import Foundation
import Testing

@testable import BPFDataplane

/// `make soak`: BULKHEAD_TRANSITION_SEEDS, such as `1000..<1400`, says which histories.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["BULKHEAD_TRANSITION_SEEDS"] != nil)) struct TransitionSoakTests {
    private static func seeds() throws -> Range<UInt64> {
        let text = ProcessInfo.processInfo.environment["BULKHEAD_TRANSITION_SEEDS"] ?? ""
        let ends = text.components(separatedBy: "..<").compactMap { UInt64($0) }
        try #require(ends.count == 2 && ends[0] < ends[1], "BULKHEAD_TRANSITION_SEEDS must be as 0..<40, not \(text)")
        return ends[0]..<ends[1]
    }

    /// Grace periods end mostly, never, and always.
    @Test(arguments: [2, 0, 3]) func everyStepGivesTheOldOrTheNewVerdict(settles: Int) throws {
        var histories = 0
        for seed in try Self.seeds() {
            if let violation = try TransitionTests.history(seed: seed, settles: settles, carries: true) {
                Issue.record("seed \(seed), settles \(settles): \(violation)")
            }
            histories += 1
        }
        print("transitions by changes: \(histories) histories, settles \(settles)")
    }
}
