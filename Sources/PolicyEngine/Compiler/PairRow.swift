import PolicyModel

extension CompiledStack {
    /// The row for an identity that meets `rules` (positions, sorted), as a difference from the base row; nil when there is none.
    ///
    /// Base segments are only looked at inside the rules' intervals, and by blocks where all of a block end alike.
    func pairRow(_ rules: [Int], rows: inout RowStore) -> RowID? {
        guard !rules.isEmpty else { return nil }
        var ranges = RowRanges()
        for run in runs(of: rules) {
            guard let rule = run.firstRule else {
                ranges.append(run.start, .inherit)
                continue
            }
            append(rule, from: run.start, to: run.end, rules, &ranges, &rows)
        }
        if ranges.ranges.count == 1, ranges.ranges[0].outcome == .inherit { return nil }
        return rows.intern(Row(ranges: ranges.ranges))
    }

    /// Appends what `start..<end` leads to, where `rule` is the first of `rules` that matches.
    private func append(
        _ rule: Int, from start: UInt32, to end: UInt32, _ rules: [Int], _ ranges: inout RowRanges,
        _ rows: inout RowStore
    ) {
        var index = segmentIndex(at: start)
        /// Where the segments begin that neither the base nor the rule decides alone.
        var mixed: UInt32?
        var key = start
        while key < end {
            var nextIndex = index + 1
            var found: RowOutcome?
            if index % Self.blockLength == 0 {
                let block = baseBlocks[index / Self.blockLength]
                found = outcome(of: rule, first: block.first, last: block.last)
                if found != nil { nextIndex = index + Self.blockLength }
            }
            let outcome = found ?? outcome(of: rule, first: base[index].first, last: base[index].last)
            let nextKey = nextIndex < base.count ? base[nextIndex].start : PortCondition.keyEnd
            if let outcome {
                if let from = mixed { appendMixed(from: from, to: key, rules, &ranges, &rows) }
                mixed = nil
                ranges.append(key, outcome)
            } else if mixed == nil {
                mixed = key
            }
            key = nextKey
            index = nextIndex
        }
        if let from = mixed { appendMixed(from: from, to: end, rules, &ranges, &rows) }
    }

    /// What a rule leads to where base entries from `first` on match and none after `last` is asked; nil where the base and
    /// the rule decide together.
    private func outcome(of rule: Int, first: Int32, last: Int32) -> RowOutcome? {
        if Int(last) < rule { return .inherit }
        guard entries[rule].ports.sourcePorts == nil, Int(first) > rule else { return nil }
        return entries[rule].decision.map(RowOutcome.decide)
    }

    /// Evaluates base entries and `rules` together.
    private func appendMixed(
        from start: UInt32, to end: UInt32, _ rules: [Int], _ ranges: inout RowRanges, _ rows: inout RowStore
    ) {
        var index = segmentIndex(at: start)
        var found: [Row.Range] = []
        let chosen = rules + unconditional
        EntryEvaluation(entries: entries).sweep(chosen, from: start, to: end, rows: &rows) { key, outcome, _, _ in
            // Every base segment's start is an interval's end, so the sweep never runs over one.
            while index + 1 < base.count, base[index + 1].start <= key { index += 1 }
            found.append(Row.Range(start: key, outcome: outcome == base[index].outcome ? .inherit : outcome))
        }
        for range in found { ranges.append(range.start, range.outcome) }
    }

    private func segmentIndex(at key: UInt32) -> Int {
        var low = 0
        var high = base.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if base[middle].start <= key { low = middle } else { high = middle }
        }
        return low
    }

    private struct Run {
        var start: UInt32
        var end: UInt32
        /// nil: none matches.
        var firstRule: Int?
    }

    /// Cuts all keys where a rule's interval begins or ends.
    private func runs(of rules: [Int]) -> [Run] {
        var edges: [(key: UInt32, place: Int, begins: Bool)] = []
        for (place, rule) in rules.enumerated() {
            for interval in entries[rule].ports.keys {
                edges.append((interval.start, place, true))
                edges.append((interval.end, place, false))
            }
        }
        edges.sort { ($0.key, $0.begins ? 1 : 0) < ($1.key, $1.begins ? 1 : 0) }
        var active = ActiveSet(capacity: rules.count)
        var result: [Run] = []
        var key: UInt32 = 0
        var index = 0
        while key < PortCondition.keyEnd {
            while index < edges.count, edges[index].key == key {
                let edge = edges[index]
                if edge.begins { active.insert(edge.place) } else { active.remove(edge.place) }
                index += 1
            }
            let end = index < edges.count ? edges[index].key : PortCondition.keyEnd
            result.append(Run(start: key, end: end, firstRule: active.next(from: 0).map { rules[$0] }))
            key = end
        }
        return result
    }
}
