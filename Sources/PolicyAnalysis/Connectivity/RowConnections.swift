import PolicyEngine
import PolicyModel

/// Reads what compiled rows allow.
struct RowConnections {
    let tables: VerdictTables
    private let allowing: Set<DecisionID>

    init(tables: VerdictTables) {
        self.tables = tables
        allowing = Set(tables.decisions.lazy.filter { $0.value.verdict == .allow }.map(\.key))
    }

    /// - Parameter pair: the row of an identity beside the base; nil: the base decides alone.
    func connections(base: RowID, pair: RowID?) -> ConnectionSet {
        let baseRanges = tables.rows[base]?.ranges ?? []
        guard let pair, let ranges = tables.rows[pair]?.ranges else {
            return ConnectionSet(baseRanges.map { ConnectionSet.Segment(start: $0.start, sources: sources($0.outcome)) })
        }
        var segments: [ConnectionSet.Segment] = []
        var position = 0
        for (index, range) in ranges.enumerated() {
            guard range.outcome == .inherit else {
                segments.append(ConnectionSet.Segment(start: range.start, sources: sources(range.outcome)))
                continue
            }
            let end = index + 1 < ranges.count ? ranges[index + 1].start : ConnectionSet.keyEnd
            while position + 1 < baseRanges.count, baseRanges[position + 1].start <= range.start { position += 1 }
            while position < baseRanges.count, baseRanges[position].start < end {
                segments.append(
                    ConnectionSet.Segment(
                        start: max(baseRanges[position].start, range.start), sources: sources(baseRanges[position].outcome)))
                guard position + 1 < baseRanges.count, baseRanges[position + 1].start < end else { break }
                position += 1
            }
        }
        return ConnectionSet(segments)
    }

    /// Why anything is allowed, each reason once.
    func reasonsToAllow(base: RowID, pair: RowID?) -> Set<Reason> {
        var reasons: Set<Reason> = []
        func add(_ row: RowID) {
            for range in tables.rows[row]?.ranges ?? [] {
                switch range.outcome {
                case .decide(let decision):
                    if allowing.contains(decision), let reason = tables.decisions[decision]?.reason { reasons.insert(reason) }
                case .sourcePorts(let inner): add(inner)
                case .inherit: add(base)
                }
            }
        }
        add(pair ?? base)
        return reasons
    }

    private func sources(_ outcome: RowOutcome) -> SourcePorts {
        switch outcome {
        case .decide(let decision): allowing.contains(decision) ? .all : .none
        case .inherit: .none
        case .sourcePorts(let row):
            SourcePorts(
                starts: (tables.rows[row]?.ranges ?? []).map { range in
                    guard case .decide(let decision) = range.outcome else { return (range.start, false) }
                    return (range.start, allowing.contains(decision))
                })
        }
    }
}
