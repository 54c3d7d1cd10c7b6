import PolicyModel

/// Interned rows and decisions, and which of them the result uses.
struct RowStore {
    private(set) var rows = InternTable<Row, RowID>()
    private(set) var decisions = InternTable<Decision, DecisionID>()
    private var rowUses = UseCounts<RowID>()
    private var decisionUses = UseCounts<DecisionID>()

    mutating func intern(_ row: Row) -> RowID { rows.intern(row).number }

    mutating func intern(_ decision: Decision) -> DecisionID { decisions.intern(decision).number }

    func isUsed(_ row: RowID) -> Bool { rowUses.isUsed(row) }

    var usedRowCount: Int { rowUses.counts.count }

    mutating func beginUse(_ row: RowID) {
        let first = !rowUses.isUsed(row)
        rowUses.begin(row)
        guard first, let content = rows.contents[row] else { return }
        for range in content.ranges {
            switch range.outcome {
            case .decide(let decision): decisionUses.begin(decision)
            case .sourcePorts(let inner): beginUse(inner)
            case .inherit: break
            }
        }
    }

    mutating func endUse(_ row: RowID) {
        rowUses.end(row)
        guard !rowUses.isUsed(row), let content = rows.contents[row] else { return }
        for range in content.ranges {
            switch range.outcome {
            case .decide(let decision): decisionUses.end(decision)
            case .sourcePorts(let inner): endUse(inner)
            case .inherit: break
            }
        }
    }

    /// Brings the rows and decisions of `tables` up to date with what is used.
    mutating func update(_ tables: inout VerdictTables) {
        let rowChanges = rowUses.takeChanges()
        for row in rowChanges.ended { tables.rows[row] = nil }
        for row in rowChanges.begun { tables.rows[row] = rows.contents[row] }
        let decisionChanges = decisionUses.takeChanges()
        for decision in decisionChanges.ended { tables.decisions[decision] = nil }
        for decision in decisionChanges.begun { tables.decisions[decision] = decisions.contents[decision] }
    }

    /// Drops unused rows, and the decisions that neither a row in use nor `keptDecisions` names.
    mutating func forget(keptDecisions: Set<DecisionID>) -> Int {
        let uses = rowUses
        let decided = decisionUses
        return rows.forget(except: { uses.isUsed($0) })
            + decisions.forget(except: { keptDecisions.contains($0) || decided.isUsed($0) })
    }
}
