import PolicyModel

/// A decision in interned parts.
struct DecisionContent: Hashable, Sendable {
    var ending: EndingID
    var rejects: Bool
    /// nil: the same.
    var pending: EndingID?
    var logged: [LogID]
}

/// Interned rows and decisions, and which of them the result uses.
struct RowStore: Sendable {
    private(set) var rows = InternTable<Row, RowID>()
    private(set) var decisions = InternTable<DecisionContent, DecisionID>()
    private(set) var endings = InternTable<Ending, EndingID>()
    private(set) var logs = InternTable<RuleReference, LogID>()
    private var rowUses = UseCounts<RowID>()
    private var decisionUses = UseCounts<DecisionID>()

    mutating func intern(_ row: Row) -> RowID { rows.intern(row).number }

    mutating func intern(_ decision: DecisionContent) -> DecisionID { decisions.intern(decision).number }

    mutating func intern(_ ending: Ending) -> EndingID { endings.intern(ending).number }

    mutating func intern(_ log: RuleReference) -> LogID { logs.intern(log).number }

    func isUsed(_ row: RowID) -> Bool { rowUses.isUsed(row) }

    var usedRowCount: Int { rowUses.counts.count }

    /// nil for a number that is not known.
    private func decision(_ number: DecisionID) -> Decision? {
        guard let content = decisions.contents[number], let ending = endings.contents[content.ending] else { return nil }
        let pending = content.pending.flatMap { endings.contents[$0] }
        return Decision(
            ending.verdict, ending.reason, pending: pending.map { Decision.Pending($0.verdict, $0.reason) },
            rejects: content.rejects, logged: content.logged.compactMap { logs.contents[$0] })
    }

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
    mutating func update(_ tables: inout VerdictTables, _ changes: inout TableChanges) {
        let rowChanges = rowUses.takeChanges()
        for row in rowChanges.ended { tables.rows[row] = nil }
        for row in rowChanges.begun { tables.rows[row] = rows.contents[row] }
        changes.rows = rowChanges.begun + rowChanges.ended
        let decisionChanges = decisionUses.takeChanges()
        for decision in decisionChanges.ended { tables.decisions[decision] = nil }
        for number in decisionChanges.begun { tables.decisions[number] = decision(number) }
        changes.decisions = decisionChanges.begun + decisionChanges.ended
    }

    /// Drops unused rows, and the decisions, endings and Log rules that neither a row in use nor a stack in `kept` names.
    mutating func forget(except kept: [CompiledStack]) -> Int {
        let uses = rowUses
        let decided = decisionUses
        var dropped = rows.forget(except: { uses.isUsed($0) })
        dropped += decisions.forget(except: { decided.isUsed($0) })
        var keptEndings: Set<EndingID> = []
        var keptLogs: Set<LogID> = []
        for stack in kept {
            let names = stack.names
            keptEndings.formUnion(names.endings)
            keptLogs.formUnion(names.logs)
        }
        for content in decisions.contents.values {
            keptEndings.insert(content.ending)
            if let pending = content.pending { keptEndings.insert(pending) }
            keptLogs.formUnion(content.logged)
        }
        dropped += endings.forget { keptEndings.contains($0) }
        dropped += logs.forget { keptLogs.contains($0) }
        return dropped
    }

    /// Descriptions of what is wrong; empty when nothing is.
    func checkInvariants() -> [String] {
        var wrong = rows.checkInvariants("rows") + decisions.checkInvariants("decisions")
        wrong += endings.checkInvariants("endings") + logs.checkInvariants("logs")
        var expected: [DecisionID: Int] = [:]
        for row in rowUses.counts.keys {
            guard let content = rows.contents[row] else {
                wrong.append("rows: \(row.rawValue) is used but not known")
                continue
            }
            for range in content.ranges {
                if case .decide(let decision) = range.outcome { expected[decision, default: 0] += 1 }
            }
        }
        if expected != decisionUses.counts { wrong.append("rows: decisions are counted wrongly") }
        return wrong
    }
}
