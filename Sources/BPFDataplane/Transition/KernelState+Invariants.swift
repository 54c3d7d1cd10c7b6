import PolicyEngine
import PolicyModel

extension KernelState {
    /// Descriptions of what is wrong; empty when nothing is. For tests: O(addresses x stacks).
    ///
    /// What plans by changes lean on: a stack that tables name decides every combination some address has as `tables` do,
    /// whichever legs are on it; and `tables` are those of `target`, whichever changes led there.
    func checkInvariants(_ target: VerdictTables? = nil) -> [String] {
        checkCounts() + checkRows() + (target.map(checkTables) ?? [])
    }

    private func checkRows() -> [String] {
        var wrong: [String] = []
        let occupied = KernelPoints(of: self, moved: []).occupied
        for combination in occupied where reach?.contains(combination) == false {
            wrong.append("reach: an address has \(combination), which is not in it")
        }
        for (stack, id) in stackMeanings.sorted(by: { $0.key < $1.key }) {
            guard let rows = pairs[stack], let wanted = tables.stacks[id] else {
                wrong.append("stack \(stack): it has no rows, or no table names \(id.rawValue)")
                continue
            }
            if rows.combinedCount != rows.rows.count(where: { $0.key.isCombined }) {
                wrong.append("stack \(stack): its rows of two numbers are counted wrongly")
            }
            for combination in occupied {
                let identity = identity(of: combination)
                let expected = wanted.rows(identity).map { row in tables.rows[row].flatMap { arena.index(of: row, $0) } }
                let own = combination.isCombined ? rows[combination] : nil
                let found = own.map { [$0, rows[.base]] }
                    ?? [
                        combination.exact == 0 ? nil : rows[combination.exactAlone],
                        combination.prefix == 0 ? nil : rows[combination.prefixAlone], rows[.base],
                    ].filter { $0 != nil }
                if expected.contains(nil) || expected != found {
                    wrong.append("stack \(stack) (\(id.rawValue)): \(combination), which means \(identity), has other rows")
                }
            }
        }
        for leg in legs.values {
            for direction in Direction.allCases where leg[direction] != 0 && pairs[leg[direction]] == nil {
                wrong.append("leg \(leg.number): its stack \(leg[direction]) has no rows")
            }
        }
        return wrong
    }

    private func checkCounts() -> [String] {
        var wrong = exact.checkInvariants("exact") + prefixes.checkInvariants("prefixes")
        if pairs.values.reduce(0, { $0 + $1.count }) != pairCount { wrong.append("pairs: they are counted wrongly") }
        if prefixLengths != PrefixLengths(of: prefixes.words.lazy.map(\.key)) { wrong.append("prefixes: lengths of the kernel's") }
        if tableLengths != PrefixLengths(of: tables.prefixes.keys) { wrong.append("prefixes: lengths of the tables'") }
        return wrong
    }

    private func checkTables(_ target: VerdictTables) -> [String] {
        var wrong: [String] = []
        if tables.exact != target.exact { wrong.append("tables: exact addresses differ from the target's") }
        if tables.prefixes != target.prefixes { wrong.append("tables: prefixes differ from the target's") }
        if tables.stacks != target.stacks { wrong.append("tables: stacks differ from the target's") }
        if tables.rows != target.rows { wrong.append("tables: rows differ from the target's") }
        if tables.decisions != target.decisions { wrong.append("tables: decisions differ from the target's") }
        for (address, identity) in target.exact where exact.meaning(of: exact.words[address] ?? 0) != identity {
            wrong.append("exact: \(address) means something else than in the target")
        }
        for (block, identity) in target.prefixes where prefixes.meaning(of: prefixes.words[block] ?? 0) != identity {
            wrong.append("prefixes: \(block) means something else than in the target")
        }
        return wrong
    }
}

extension IdentitySpace {
    /// Descriptions of what is wrong; empty when nothing is.
    func checkInvariants(_ name: String) -> [String] {
        var wrong: [String] = []
        var expected: [KernelNumber: Int] = [:]
        for (_, number) in words { expected[number, default: 0] += 1 }
        if expected != holders { wrong.append("\(name): holders are counted wrongly") }
        for (number, identity) in meanings where holders[number] != nil {
            if !numbers(meaning: identity).contains(number) { wrong.append("\(name): \(number) is not found by what it means") }
        }
        for number in expected.keys where number != 0 && meanings[number] == nil {
            wrong.append("\(name): \(number) means nothing")
        }
        return wrong
    }
}
