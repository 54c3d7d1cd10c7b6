import PolicyModel

/// The connections that may be begun from one end to another: protocol, destination port (for ICMP type and code) and source
/// port.
///
/// Equal sets are equal values. Destination and source port 0 are not told apart from port 1: no socket has port 0.
public struct ConnectionSet: Sendable, Hashable {
    /// From `start` on until the next segment: the source ports from which it is allowed; `all` or `none` for protocols
    /// without ports.
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

    /// What a row says from `start` on, a `VerdictTables.rangeKey`, until the next part.
    struct Part {
        var start: UInt32
        var sources: SourcePorts
        /// For packets without ports, whose ports rules take for 0.
        var isAllowedWithoutPorts: Bool

        init(start: UInt32, sources: SourcePorts, isAllowedWithoutPorts: Bool) {
            self.start = start
            self.sources = sources
            self.isAllowedWithoutPorts = isAllowedWithoutPorts
        }

        /// Whatever the source port is.
        init(start: UInt32, isAllowed: Bool) {
            self.init(start: start, sources: isAllowed ? .all : .none, isAllowedWithoutPorts: isAllowed)
        }

        func sources(of transport: TransportProtocol) -> SourcePorts {
            transport.hasPorts ? sources : isAllowedWithoutPorts ? .all : .none
        }

        /// It says the same of every protocol.
        var isUniform: Bool { isAllowedWithoutPorts ? sources == .all : sources.isEmpty }
    }

    /// - Parameter parts: the first begins at 0, each ends where the next begins.
    init(_ parts: [Part]) {
        segments = []
        let parts = Self.cut(parts)
        var index = 0
        while index < parts.count {
            let number = parts[index].start >> 16
            let transport = TransportProtocol(number: UInt8(number))
            let start = number << 16
            let end = start + (1 << 16)
            var last = index
            while last + 1 < parts.count, parts[last + 1].start < end { last += 1 }
            append(parts[index...last], of: transport, at: start, before: parts[parts[index].start == start ? index : index - 1])
            let next = last + 1 < parts.count ? parts[last + 1].start : Self.keyEnd
            if next > end, end < Self.keyEnd { append(end, parts[last].sources) }
            index = last + 1
        }
    }

    /// Cuts parts that say something else of other protocols where these begin.
    private static func cut(_ parts: [Part]) -> [Part] {
        guard parts.contains(where: { !$0.isUniform }) else { return parts }
        var result: [Part] = []
        for (index, part) in parts.enumerated() {
            result.append(part)
            guard !part.isUniform else { continue }
            let end = index + 1 < parts.count ? parts[index + 1].start : keyEnd
            var next = part
            next.start = (part.start >> 16 + 1) << 16
            while next.start < end {
                result.append(next)
                next.start += 1 << 16
            }
        }
        return result
    }

    private init(segments: [Segment]) { self.segments = segments }

    /// Appends what parts say that begin within one protocol.
    private mutating func append(
        _ inside: ArraySlice<Part>, of transport: TransportProtocol, at start: UInt32, before: Part
    ) {
        if transport.hasPorts {
            append(start, (inside.last { $0.start <= start + 1 } ?? before).sources)
            for part in inside where part.start > start + 1 { append(part.start, part.sources) }
        } else {
            append(start, before.sources(of: transport))
            // Of a protocol without messages only the first key is a packet's.
            guard transport.hasTypeAndCode else { return }
            for part in inside where part.start > start { append(part.start, part.sources(of: transport)) }
        }
    }

    private mutating func append(_ start: UInt32, _ sources: SourcePorts) {
        guard segments.last?.sources != sources else { return }
        segments.append(Segment(start: start, sources: sources))
    }

    public var isEmpty: Bool { segments.count == 1 && segments[0].sources.isEmpty }

    public func intersection(_ other: ConnectionSet) -> ConnectionSet {
        var result = ConnectionSet(segments: [])
        var (left, right) = (0, 0)
        var start: UInt32 = 0
        while start < Self.keyEnd {
            result.append(start, segments[left].sources.intersection(other.segments[right].sources))
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
}
