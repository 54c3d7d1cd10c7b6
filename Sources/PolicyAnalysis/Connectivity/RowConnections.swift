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

    /// - Parameter rows: of `Stack.rows(_:)`: where one inherits the next decides.
    func connections(_ rows: [RowID]) -> ConnectionSet {
        var parts: [ConnectionSet.Part] = []
        forEachRange(rows[...], from: 0, to: ConnectionSet.keyEnd) { parts.append(part($0, $1)) }
        return ConnectionSet(parts)
    }

    /// Why anything is allowed, each reason once.
    func reasonsToAllow(_ rows: [RowID]) -> Set<Reason> {
        var reasons: Set<Reason> = []
        func add(_ outcome: RowOutcome) {
            switch outcome {
            case .decide(let decision):
                if allowing.contains(decision), let reason = tables.decisions[decision]?.reason { reasons.insert(reason) }
            case .sourcePorts(let inner): tables.rows[inner]?.ranges.forEach { add($0.outcome) }
            case .inherit: break
            }
        }
        forEachRange(rows[...], from: 0, to: ConnectionSet.keyEnd) { add($1) }
        return reasons
    }

    /// The ranges of rows that stand upon each other, between two keys.
    private func forEachRange(
        _ rows: ArraySlice<RowID>, from start: UInt32, to end: UInt32, _ body: (UInt32, RowOutcome) -> Void
    ) {
        guard let row = rows.first, let ranges = tables.rows[row]?.ranges else { return }
        var index = ranges.count - 1
        // The row's range that holds `start`.
        var low = 0
        while low < index {
            let middle = (low + index + 1) / 2
            if ranges[middle].start <= start { low = middle } else { index = middle - 1 }
        }
        while index < ranges.count, ranges[index].start < end {
            let first = max(ranges[index].start, start)
            let next = min(index + 1 < ranges.count ? ranges[index + 1].start : end, end)
            if ranges[index].outcome == .inherit, rows.count > 1 {
                forEachRange(rows.dropFirst(), from: first, to: next, body)
            } else {
                body(first, ranges[index].outcome)
            }
            index += 1
        }
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
