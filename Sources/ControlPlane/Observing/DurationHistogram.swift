/// Durations counted by size, as Prometheus has them.
public struct DurationHistogram: Sendable, Hashable {
    /// Upper bounds of the buckets, in seconds; what is longer than the last is in none.
    public static let bounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// Of each bucket alone, in the order of `bounds`, and of those that are longer.
    public private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    public private(set) var sumSeconds = 0.0

    public init() {}

    public var count: UInt64 { counts.reduce(0, +) }

    public mutating func add(seconds: Double) {
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sumSeconds += seconds
    }
}
