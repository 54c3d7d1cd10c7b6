import PolicyModel

/// The connections that may be begun from one end to another: protocol, destination port (for ICMP type and code) and source
/// port.
///
/// Equal sets are equal values. Destination and source port 0 are not told apart from port 1: no socket has port 0.
public struct ConnectionSet: Sendable, Hashable {
    /// From `start` on, a `VerdictTables.rangeKey`, until the next segment: the source ports from which it is allowed; `all`
    /// or `none` for protocols without ports.
    struct Segment: Sendable, Hashable {
        var start: UInt32
        var sources: SourcePorts
    }

    /// The first begins at 0; neighbours differ.
    private(set) var segments: [Segment]

    public static let none = ConnectionSet(segments: [Segment(start: 0, sources: .none)])
    public static let all = ConnectionSet(segments: [Segment(start: 0, sources: .all)])

    /// The first key that no packet has.
    static let keyEnd: UInt32 = 1 << 24

    /// Of segments that need not be as equal sets have them; the first begins at 0.
    init(_ raw: [Segment]) {
        segments = []
        var index = 0
        while index < raw.count {
            let number = raw[index].start >> 16
            let start = number << 16
            let end = start + (1 << 16)
            var last = index
            while last + 1 < raw.count, raw[last + 1].start < end { last += 1 }
            let inside = raw[index...last]
            let before = raw[index].start == start ? raw[index].sources : raw[index - 1].sources
            let next = last + 1 < raw.count ? raw[last + 1].start : Self.keyEnd
            append(inside, of: TransportProtocol(number: UInt8(number)), at: start, before: before)
            if next > end, end < Self.keyEnd { append(end, raw[last].sources) }
            index = last + 1
        }
    }

    private init(segments: [Segment]) { self.segments = segments }

    /// Appends what segments say that begin within one protocol.
    private mutating func append(
        _ inside: ArraySlice<Segment>, of transport: TransportProtocol, at start: UInt32, before: SourcePorts
    ) {
        if transport.hasPorts {
            let atPortOne = inside.last { $0.start <= start + 1 }?.sources ?? before
            append(start, atPortOne)
            for segment in inside where segment.start > start + 1 { append(segment.start, segment.sources) }
        } else if transport.hasTypeAndCode {
            append(start, Self.whole(before))
            for segment in inside where segment.start > start { append(segment.start, Self.whole(segment.sources)) }
        } else {
            // Only the first key is a packet's.
            append(start, Self.whole(before))
        }
    }

    /// Packets without ports are compared as if their ports were 0, so no condition on source ports holds.
    private static func whole(_ sources: SourcePorts) -> SourcePorts { sources == .all ? .all : .none }

    private mutating func append(_ start: UInt32, _ sources: SourcePorts) {
        guard segments.last?.sources != sources else { return }
        segments.append(Segment(start: start, sources: sources))
    }

    public var isEmpty: Bool { segments.count == 1 && segments[0].sources.isEmpty }

    // MARK: Sets

    public func intersection(_ other: ConnectionSet) -> ConnectionSet { merged(other) { $0.intersection($1) } }

    public func subtracting(_ other: ConnectionSet) -> ConnectionSet { merged(other) { $0.subtracting($1) } }

    private func merged(_ other: ConnectionSet, _ combine: (SourcePorts, SourcePorts) -> SourcePorts) -> ConnectionSet {
        var result = ConnectionSet(segments: [])
        var (left, right) = (0, 0)
        var start: UInt32 = 0
        while start < Self.keyEnd {
            result.append(start, combine(segments[left].sources, other.segments[right].sources))
            let nextLeft = left + 1 < segments.count ? segments[left + 1].start : Self.keyEnd
            let nextRight = right + 1 < other.segments.count ? other.segments[right + 1].start : Self.keyEnd
            start = min(nextLeft, nextRight)
            if nextLeft == start { left += 1 }
            if nextRight == start { right += 1 }
        }
        return result
    }

    /// The source ports from which a destination port (`type << 8 | code`) is allowed. O(log segments).
    public func sources(transport: TransportProtocol, destinationPort: UInt16) -> SourcePorts {
        let key = UInt32(transport.number) << 16 | UInt32(destinationPort)
        var low = 0
        var high = segments.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if segments[middle].start <= key { low = middle } else { high = middle }
        }
        return segments[low].sources
    }

    /// One packet of each part: its key, and a source port.
    var representatives: [(key: UInt32, sourcePort: UInt16)] {
        segments.compactMap { segment in
            guard let first = segment.sources.ranges.first else { return nil }
            let hasPorts = TransportProtocol(number: UInt8(segment.start >> 16)).hasPorts
            return (hasPorts ? max(segment.start, segment.start & ~0xffff | 1) : segment.start, first.first)
        }
    }
}
