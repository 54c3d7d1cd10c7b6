import PolicyModel

/// A set of source ports: sorted ranges that do not touch. Port 0 is in none: no socket has it (RFC 6335 section 6).
public struct SourcePorts: Sendable, Hashable {
    public private(set) var ranges: [PortRange]

    public static let none = SourcePorts(ranges: [])
    public static let all = SourcePorts(ranges: [PortRange(first: 1, last: .max) ?? PortRange(.max)])

    /// Sorted, apart from each other.
    private init(ranges: [PortRange]) { self.ranges = ranges }

    /// Of the starts of ranges that follow each other and whether they are in the set; the last goes up to 65535.
    init(starts: [(start: UInt32, isIn: Bool)]) {
        ranges = []
        for (index, part) in starts.enumerated() where part.isIn {
            let end = index + 1 < starts.count ? starts[index + 1].start : 1 << 16
            let first = max(part.start, 1)
            guard first < end else { continue }
            append(UInt16(first), UInt16(end - 1))
        }
    }

    private mutating func append(_ first: UInt16, _ last: UInt16) {
        if let before = ranges.last, Int(before.last) + 1 >= Int(first) {
            ranges[ranges.count - 1] = PortRange(first: before.first, last: max(before.last, last)) ?? before
        } else if let range = PortRange(first: first, last: last) {
            ranges.append(range)
        }
    }

    public var isEmpty: Bool { ranges.isEmpty }

    func intersection(_ other: SourcePorts) -> SourcePorts {
        if self == other || other == .all { return self }
        if self == .all { return other }
        var result = SourcePorts.none
        for mine in ranges {
            for theirs in other.ranges where mine.first <= theirs.last && theirs.first <= mine.last {
                result.append(max(mine.first, theirs.first), min(mine.last, theirs.last))
            }
        }
        return result
    }

    func subtracting(_ other: SourcePorts) -> SourcePorts {
        if isEmpty || other.isEmpty { return self }
        var result = SourcePorts.none
        for mine in ranges {
            var first = Int(mine.first)
            for theirs in other.ranges where theirs.last >= mine.first && theirs.first <= mine.last {
                if Int(theirs.first) > first { result.append(UInt16(first), theirs.first - 1) }
                first = Int(theirs.last) + 1
            }
            if first <= Int(mine.last) { result.append(UInt16(first), mine.last) }
        }
        return result
    }
}
