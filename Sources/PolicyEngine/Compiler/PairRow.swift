import PolicyModel

extension CompiledStack {
    /// What the sets of a peer change in the base: entries that match too, and entries of the base that match less.
    private struct Difference {
        /// Not in the base; sorted by position.
        var added: [StackEntry.Chosen] = []
        /// In the base; sorted. Their ports there, and what is left of them.
        var changed: [(position: Int, left: PortCondition?)] = []
    }

    /// The row for a peer that is in the sets of `held` (sorted indexes), as a difference from the base row; nil when there is
    /// none.
    ///
    /// Base segments are only looked at inside the intervals of the entries in question, and by blocks where all of a
    /// block end alike.
    func pairRow(_ held: [Int32], rows: inout RowStore) -> RowID? {
        let difference = difference(held)
        guard !difference.added.isEmpty || !difference.changed.isEmpty else { return nil }
        var mixed = MixedEvaluation(stack: self, difference: difference)
        var ranges = RowRanges()
        for run in runs(of: difference) {
            guard run.added != nil || run.changed != nil else {
                ranges.append(run.start, .inherit)
                continue
            }
            append(run, &mixed, &ranges, &rows)
        }
        if ranges.ranges.count == 1, ranges.ranges[0].outcome == .inherit { return nil }
        return rows.intern(Row(ranges: ranges.ranges))
    }

    private func difference(_ held: [Int32]) -> Difference {
        var positions: [Int32] = []
        for set in held { positions.append(contentsOf: entriesOfSet[Int(set)]) }
        positions.sort()
        var result = Difference()
        var previous: Int32 = -1
        for position in positions where position != previous {
            previous = position
            let entry = entries[Int(position)]
            let left = entry.ports(held)
            if entry.peers.isEmpty {
                if left != entry.ports { result.changed.append((Int(position), left)) }
            } else if let left {
                result.added.append(StackEntry.Chosen(position: Int(position), ports: left))
            }
        }
        return result
    }

    /// Appends what a run of keys leads to.
    private func append(_ run: Run, _ mixed: inout MixedEvaluation, _ ranges: inout RowRanges, _ rows: inout RowStore) {
        var index = segmentIndex(at: run.start)
        /// Where the segments begin that neither the base nor the first added entry decides alone.
        var mixedStart: UInt32?
        var key = run.start
        while key < run.end {
            var nextIndex = index + 1
            var found: RowOutcome?
            if index % Self.blockLength == 0 {
                let block = baseBlocks[index / Self.blockLength]
                found = outcome(of: run, first: block.first, last: block.last, &rows)
                if found != nil { nextIndex = index + Self.blockLength }
            }
            let outcome = found ?? outcome(of: run, first: base[index].first, last: base[index].last, &rows)
            let nextKey = nextIndex < base.count ? base[nextIndex].start : KeySet.keyEnd
            if let outcome {
                if let from = mixedStart { mixed.append(from: from, to: key, &ranges, &rows) }
                mixedStart = nil
                // A block may begin inside a longer segment of equal outcome.
                ranges.append(key, Self.difference(outcome, base[index].outcome, wholeBlock: found != nil))
            } else if mixedStart == nil {
                mixedStart = key
            }
            key = nextKey
            index = nextIndex
        }
        if let from = mixedStart { mixed.append(from: from, to: run.end, &ranges, &rows) }
    }

    /// Where one segment has the outcome that the entry gives too, it inherits.
    private static func difference(_ outcome: RowOutcome, _ base: RowOutcome, wholeBlock: Bool) -> RowOutcome {
        !wholeBlock && outcome == base ? .inherit : outcome
    }

    /// What a run leads to where base entries from `first` on match and none after `last` is asked; nil where they decide
    /// together.
    private func outcome(of run: Run, first: Int32, last: Int32, _ rows: inout RowStore) -> RowOutcome? {
        if Int(last) < min(run.added ?? .max, run.changed ?? .max) { return .inherit }
        guard let added = run.added, Int(first) > added, !run.addedAsksSourcePort else { return nil }
        return evaluation.outcome(of: added, rows: &rows)
    }

    /// Evaluates base entries and a difference together.
    private struct MixedEvaluation {
        let stack: CompiledStack
        let difference: Difference
        private var chosen: [StackEntry.Chosen]?

        init(stack: CompiledStack, difference: Difference) {
            self.stack = stack
            self.difference = difference
        }

        mutating func append(from start: UInt32, to end: UInt32, _ ranges: inout RowRanges, _ rows: inout RowStore) {
            let chosen = chosen ?? together()
            self.chosen = chosen
            var found: [Row.Range] = []
            stack.evaluation
                .sweep(chosen, from: start, to: end, rows: &rows) { key, outcome, _, _ in
                    found.append(Row.Range(start: key, outcome: outcome))
                }
            for (place, range) in found.enumerated() {
                let rangeEnd = place + 1 < found.count ? found[place + 1].start : end
                // What an entry lost may hide the start of a segment, so there may be several in one range.
                var segment = stack.segmentIndex(at: range.start)
                var key = range.start
                while key < rangeEnd {
                    ranges.append(key, range.outcome == stack.base[segment].outcome ? .inherit : range.outcome)
                    segment += 1
                    key = segment < stack.base.count ? stack.base[segment].start : KeySet.keyEnd
                }
            }
        }

        private func together() -> [StackEntry.Chosen] {
            var changes = difference.changed[...]
            var result = difference.added
            for position in stack.unconditional {
                if let change = changes.first, change.position == position {
                    changes.removeFirst()
                    if let left = change.left { result.append(StackEntry.Chosen(position: position, ports: left)) }
                } else {
                    result.append(StackEntry.Chosen(position: position, ports: stack.entries[position].ports))
                }
            }
            return result
        }
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
        /// The first added entry that matches; nil: none does.
        var added: Int?
        var addedAsksSourcePort: Bool
        /// The first entry that matches in the base and is changed; nil: none does.
        var changed: Int?
    }

    /// Cuts all keys where an interval of an entry in question begins or ends.
    private func runs(of difference: Difference) -> [Run] {
        var edges: [(key: UInt32, place: Int, begins: Bool)] = []
        func addEdges(_ keys: KeySet, _ place: Int) {
            for interval in keys.intervals {
                edges.append((interval.start, place, true))
                edges.append((interval.end, place, false))
            }
        }
        let addedCount = difference.added.count
        for (place, entry) in difference.added.enumerated() { addEdges(entry.ports.keys, place) }
        for (place, change) in difference.changed.enumerated() {
            addEdges(entries[change.position].ports.keys, addedCount + place)
        }
        edges.sort { ($0.key, $0.begins ? 1 : 0) < ($1.key, $1.begins ? 1 : 0) }
        var active = ActiveSet(capacity: addedCount + difference.changed.count)
        var result: [Run] = []
        var key: UInt32 = 0
        var index = 0
        while key < KeySet.keyEnd {
            while index < edges.count, edges[index].key == key {
                let edge = edges[index]
                if edge.begins { active.insert(edge.place) } else { active.remove(edge.place) }
                index += 1
            }
            let end = index < edges.count ? edges[index].key : KeySet.keyEnd
            let first = active.next(from: 0).flatMap { $0 < addedCount ? $0 : nil }
            let changed = active.next(from: addedCount).map { difference.changed[$0 - addedCount].position }
            result.append(
                Run(
                    start: key, end: end, added: first.map { difference.added[$0].position },
                    addedAsksSourcePort: first.map { difference.added[$0].ports.sourcePorts != nil } ?? false,
                    changed: changed))
            key = end
        }
        return result
    }
}
