import PolicyModel

extension ConnectionSet: CustomStringConvertible {
    /// `All Connections`, `No Connections`, or protocols by name, each with its ports:
    /// `ICMP 8/0,SCTP 1,TCP 80,8000-8100,UDP 53`, then all others by number: `protocol 47,50-51`.
    ///
    /// ICMP types stand alone where every code is meant, the protocol where every type is. Where only some source ports are
    /// allowed they follow: `TCP 22 from 1000-2000`.
    public var description: String {
        if self == .all { return "All Connections" }
        if isEmpty { return "No Connections" }
        let named = TransportProtocol.named.sorted { $0.name < $1.name }
        var parts: [String] = []
        for (name, transport) in named {
            for (sources, ranges) in rangesBySources(of: transport) {
                let items = transport.hasPorts ? ranges.map { Self.ports($0) } : ranges.flatMap { Self.messages($0) }
                let text = items.isEmpty ? name : "\(name) \(items.joined(separator: ","))"
                let from = sources == .all ? "" : " from " + sources.ranges.map { Self.range($0.first, $0.last) }.joined(separator: ",")
                parts.append(text + from)
            }
        }
        let others = otherProtocols
        if !others.isEmpty { parts.append("protocol " + others.joined(separator: ",")) }
        return parts.joined(separator: ",")
    }

    /// `first...last` of the low 16 bits of keys of one protocol.
    private typealias KeyRange = (first: UInt16, last: UInt16)

    /// What all source ports may reach first.
    private func rangesBySources(of transport: TransportProtocol) -> [(SourcePorts, [KeyRange])] {
        let start = UInt32(transport.number) << 16
        let end = start + (1 << 16)
        var ranges: [SourcePorts: [KeyRange]] = [:]
        var order: [SourcePorts] = []
        for (index, segment) in segments.enumerated() where !segment.sources.isEmpty {
            let next = index + 1 < segments.count ? segments[index + 1].start : Self.keyEnd
            guard segment.start < end, next > start else { continue }
            if ranges[segment.sources] == nil { order.append(segment.sources) }
            ranges[segment.sources, default: []].append(
                (UInt16(truncatingIfNeeded: max(segment.start, start)), UInt16(truncatingIfNeeded: min(next, end) - 1)))
        }
        return (order.filter { $0 == .all } + order.filter { $0 != .all }).map { ($0, ranges[$0] ?? []) }
    }

    private static func ports(_ ports: KeyRange) -> String { range(max(ports.first, 1), ports.last) }

    private static func range(_ first: some BinaryInteger, _ last: some BinaryInteger) -> String {
        first == last ? "\(first)" : "\(first)-\(last)"
    }

    /// Types whose every code is meant, else types with codes; empty for every type.
    private static func messages(_ keys: KeyRange) -> [String] {
        if keys.first == 0, keys.last == .max { return [] }
        var items: [String] = []
        var type = keys.first >> 8
        let lastType = keys.last >> 8
        while type <= lastType {
            let firstCode = type == keys.first >> 8 ? keys.first & 0xff : 0
            let lastCode = type == lastType ? keys.last & 0xff : 0xff
            if firstCode == 0, lastCode == 0xff {
                // As far as whole types follow.
                let until = keys.last & 0xff == 0xff ? lastType : lastType - 1
                items.append(range(type, until))
                type = until
            } else {
                items.append("\(type)/\(range(firstCode, lastCode))")
            }
            type += 1
        }
        return items
    }

    private var otherProtocols: [String] {
        let named = Set(TransportProtocol.named.map(\.value.number))
        var items: [String] = []
        var first: Int?
        for number in 0...256 {
            let isIn = number < 256 && !named.contains(UInt8(number))
                && !sources(transport: TransportProtocol(number: UInt8(number)), destinationPort: 0).isEmpty
            if isIn, first == nil { first = number }
            if !isIn, let begun = first {
                items.append(Self.range(begun, number - 1))
                first = nil
            }
        }
        return items
    }
}
