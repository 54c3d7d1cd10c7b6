/// `start..<end`.
struct KeyInterval: Hashable, Sendable {
    var start: UInt32
    var end: UInt32
}

/// A set of `VerdictTables.rangeKey` values, or of source ports: sorted, disjoint intervals that do not touch.
struct KeySet: Hashable, Sendable {
    private(set) var intervals: [KeyInterval]

    /// The first key that no packet has.
    static let keyEnd: UInt32 = 1 << 24
    private static let portEnd: UInt32 = 1 << 16
    static let allKeys = KeySet(KeyInterval(start: 0, end: keyEnd))
    static let allPorts = KeySet(KeyInterval(start: 0, end: portEnd))
    static let none = KeySet([])

    init(_ interval: KeyInterval) { intervals = [interval] }

    /// In any order, overlapping or not.
    init(_ parts: [KeyInterval]) {
        intervals = []
        for part in parts.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) where part.start < part.end {
            if let last = intervals.last, part.start <= last.end {
                intervals[intervals.count - 1].end = max(last.end, part.end)
            } else {
                intervals.append(part)
            }
        }
    }

    var isEmpty: Bool { intervals.isEmpty }

    func intersection(_ other: KeySet) -> KeySet {
        var result: [KeyInterval] = []
        var (left, right) = (0, 0)
        while left < intervals.count, right < other.intervals.count {
            let (mine, theirs) = (intervals[left], other.intervals[right])
            let start = max(mine.start, theirs.start)
            let end = min(mine.end, theirs.end)
            if start < end { result.append(KeyInterval(start: start, end: end)) }
            if mine.end < theirs.end { left += 1 } else { right += 1 }
        }
        return KeySet(sorted: result)
    }

    func overlaps(_ other: KeySet) -> Bool {
        var (left, right) = (0, 0)
        while left < intervals.count, right < other.intervals.count {
            let (mine, theirs) = (intervals[left], other.intervals[right])
            if max(mine.start, theirs.start) < min(mine.end, theirs.end) { return true }
            if mine.end < theirs.end { left += 1 } else { right += 1 }
        }
        return false
    }

    func subtracting(_ other: KeySet) -> KeySet { intersection(other.complement) }

    func union(_ other: KeySet) -> KeySet { KeySet(intervals + other.intervals) }

    private var complement: KeySet {
        var result: [KeyInterval] = []
        var start: UInt32 = 0
        for interval in intervals {
            if start < interval.start { result.append(KeyInterval(start: start, end: interval.start)) }
            start = interval.end
        }
        if start < .max { result.append(KeyInterval(start: start, end: .max)) }
        return KeySet(sorted: result)
    }

    private init(sorted: [KeyInterval]) { intervals = sorted }
}
