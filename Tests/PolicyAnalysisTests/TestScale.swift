import Foundation

/// How many times as much as a test run has a generated test of an analysis does: `make soak` asks for more.
enum TestScale {
    static let factor = max(1, ProcessInfo.processInfo.environment["BULKHEAD_ANALYSIS_SCALE"].flatMap(Int.init) ?? 1)
}
