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
            return ConnectionSet(baseRanges.map { part($0.start, $0.outcome) })
        }
        var parts: [ConnectionSet.Part] = []
        var position = 0
        for (index, range) in ranges.enumerated() {
            guard range.outcome == .inherit else {
                parts.append(part(range.start, range.outcome))
                continue
            }
            let end = index + 1 < ranges.count ? ranges[index + 1].start : ConnectionSet.keyEnd
            while position + 1 < baseRanges.count, baseRanges[position + 1].start <= range.start { position += 1 }
            while position < baseRanges.count, baseRanges[position].start < end {
                parts.append(part(max(baseRanges[position].start, range.start), baseRanges[position].outcome))
                guard position + 1 < baseRanges.count, baseRanges[position + 1].start < end else { break }
                position += 1
            }
        }
        return ConnectionSet(parts)
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

    private func part(_ start: UInt32, _ outcome: RowOutcome) -> ConnectionSet.Part {
        switch outcome {
        case .decide(let decision): return ConnectionSet.Part(start: start, isAllowed: allowing.contains(decision))
        case .inherit: return ConnectionSet.Part(start: start, isAllowed: false)
        case .sourcePorts(let row):
            let ports = (tables.rows[row]?.ranges ?? []).map { range -> (start: UInt32, isIn: Bool) in
                guard case .decide(let decision) = range.outcome else { return (range.start, false) }
                return (range.start, allowing.contains(decision))
            }
            return ConnectionSet.Part(
                start: start, sources: SourcePorts(starts: ports), isAllowedWithoutPorts: ports.first?.isIn ?? false)
        }
    }
}
