import Foundation

/// Values of one quantity, and how people read them.
struct Measurement {
    /// What was measured, without the unit.
    var name: String
    var unit: String
    private(set) var values: [Double] = []
    /// The median of each round, where there were several: what differs between them is noise.
    private(set) var roundMedians: [Double] = []

    init(_ name: String, unit: String) {
        self.name = name
        self.unit = unit
    }

    mutating func add(_ value: Double) { values.append(value) }

    mutating func add(round: [Double]) {
        values += round
        roundMedians.append(Self.percentile(round, 0.5))
    }

    var median: Double { Self.percentile(values, 0.5) }

    /// - Parameter target: for people; empty for what is printed for comparison only.
    func line(target: String = "") -> String {
        var parts = [
            "median " + text(median), "p99 " + text(Self.percentile(values, 0.99)),
            "min " + text(values.min() ?? .nan), "max " + text(values.max() ?? .nan), "n \(values.count)",
        ]
        if let low = roundMedians.min(), let high = roundMedians.max() {
            parts.append("medians of \(roundMedians.count) rounds \(text(low))-\(text(high))")
        }
        let label = "  \(name), \(unit)".padding(toLength: 44, withPad: " ", startingAt: 0)
        return label + target.padding(toLength: 18, withPad: " ", startingAt: 0) + parts.joined(separator: "  ")
    }

    private func text(_ value: Double) -> String { String(format: value < 10 ? "%.3f" : "%.0f", value) }

    /// NaN of nothing.
    private static func percentile(_ values: [Double], _ share: Double) -> Double {
        guard !values.isEmpty else { return .nan }
        return values.sorted()[min(values.count - 1, Int(Double(values.count) * share))]
    }
}
