/// A set of numbers (ports, protocols, addresses) as sorted ranges that neither overlap nor touch.
struct NumberSet: Sendable, Hashable {
    struct Range: Sendable, Hashable {
        var first: UInt128
        var last: UInt128
    }

    private(set) var ranges: [Range]

    static let empty = NumberSet(ranges: [])

    private init(ranges: [Range]) { self.ranges = ranges }

    /// The numbers of one range; nothing when it is reversed.
    init(_ first: some BinaryInteger, _ last: some BinaryInteger) {
        let range = Range(first: UInt128(first), last: UInt128(last))
        ranges = range.first <= range.last ? [range] : []
    }

    /// The union of ranges in any order.
    init(union parts: [Range]) {
        var joined: [Range] = []
        for part in parts.sorted(by: { $0.first < $1.first }) {
            if let last = joined.indices.last, part.first <= joined[last].last || part.first - 1 == joined[last].last {
                joined[last].last = max(joined[last].last, part.last)
            } else {
                joined.append(part)
            }
        }
        ranges = joined
    }

    var isEmpty: Bool { ranges.isEmpty }

    /// The least; nil of an empty set.
    var least: UInt128? { ranges.first?.first }

    /// O(ranges).
    func contains(_ number: UInt128) -> Bool {
        for range in ranges where number <= range.last { return number >= range.first }
        return false
    }

    /// O(ranges of both).
    func intersection(_ other: NumberSet) -> NumberSet {
        var result: [Range] = []
        var (left, right) = (0, 0)
        while left < ranges.count, right < other.ranges.count {
            let (first, second) = (ranges[left], other.ranges[right])
            let common = Range(first: max(first.first, second.first), last: min(first.last, second.last))
            if common.first <= common.last { result.append(common) }
            if first.last < second.last { left += 1 } else { right += 1 }
        }
        return NumberSet(ranges: result)
    }

    /// O(ranges of both).
    func subtracting(_ other: NumberSet) -> NumberSet {
        var result: [Range] = []
        var right = 0
        for range in ranges {
            var first = range.first
            var isLeft = true
            while right < other.ranges.count, other.ranges[right].last < first { right += 1 }
            var position = right
            while position < other.ranges.count, other.ranges[position].first <= range.last {
                let taken = other.ranges[position]
                if taken.first > first { result.append(Range(first: first, last: taken.first - 1)) }
                if taken.last >= range.last {
                    isLeft = false
                    break
                }
                first = max(first, taken.last + 1)
                position += 1
            }
            if isLeft { result.append(Range(first: first, last: range.last)) }
        }
        return NumberSet(ranges: result)
    }
}
