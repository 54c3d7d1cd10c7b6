import PolicyModel

/// Evaluates a list of stack entries over all keys at once, by sweeping over the ends of their intervals.
struct EntryEvaluation {
    let entries: [StackEntry]

    /// Calls `body` with each maximal run of keys on which the same of `chosen` (positions, sorted) match: its start, the outcome, the
    /// first entry that matches and the last that can be asked.
    ///
    /// O(n log n) for n intervals between `start` and `end`, plus what source ports need.
    func sweep(
        _ chosen: [Int], from start: UInt32, to end: UInt32, rows: inout RowStore,
        _ body: (_ start: UInt32, _ outcome: RowOutcome, _ first: Int, _ last: Int) -> Void
    ) {
        var active = ActiveSet(capacity: entries.count)
        var events: [Event] = []
        var conditional = 0
        for position in chosen {
            for interval in entries[position].ports.keys where interval.start < end && interval.end > start {
                if interval.start <= start {
                    active.insert(position)
                    if entries[position].ports.sourcePorts != nil { conditional += 1 }
                } else {
                    events.append(Event(key: interval.start, position: position, begins: true))
                }
                if interval.end < end { events.append(Event(key: interval.end, position: position, begins: false)) }
            }
        }
        events.sort { $0.order < $1.order }

        var index = 0
        var key = start
        while true {
            let result = conditional == 0 ? evaluate(active) : evaluateWithSourcePorts(active, rows: &rows)
            body(key, result.outcome, result.first, result.last)
            guard index < events.count else { return }
            key = events[index].key
            while index < events.count, events[index].key == key {
                let event = events[index]
                if entries[event.position].ports.sourcePorts != nil { conditional += event.begins ? 1 : -1 }
                if event.begins { active.insert(event.position) } else { active.remove(event.position) }
                index += 1
            }
        }
    }

    private typealias Result = (outcome: RowOutcome, first: Int, last: Int)

    /// Where every active entry matches. The last entry of all is always active.
    private func evaluate(_ active: ActiveSet) -> Result {
        let first = active.next(from: 0) ?? entries.count - 1
        var position = first
        while true {
            if let decision = entries[position].decision { return (.decide(decision), first, position) }
            guard let next = active.next(from: entries[position].next) else { return (.inherit, first, position) }
            position = next
        }
    }

    /// Where the active entries with source ports match for those only.
    private func evaluateWithSourcePorts(_ active: ActiveSet, rows: inout RowStore) -> Result {
        let first = active.next(from: 0) ?? entries.count - 1
        var unconditional = active
        var events: [Event] = []
        var search = active.next(from: 0)
        while let position = search {
            if let ports = entries[position].ports.sourcePorts {
                unconditional.remove(position)
                for interval in ports {
                    events.append(Event(key: interval.start, position: position, begins: true))
                    events.append(Event(key: interval.end, position: position, begins: false))
                }
            }
            search = active.next(from: position + 1)
        }
        events.sort { $0.order < $1.order }

        var ranges = RowRanges()
        var last = 0
        var index = 0
        var key: UInt32 = 0
        while key < 1 << 16 {
            while index < events.count, events[index].key == key {
                let event = events[index]
                if event.begins { unconditional.insert(event.position) } else { unconditional.remove(event.position) }
                index += 1
            }
            let result = evaluate(unconditional)
            ranges.append(key, result.outcome)
            last = max(last, result.last)
            guard index < events.count else { break }
            key = events[index].key
        }
        if ranges.ranges.count == 1 { return (ranges.ranges[0].outcome, first, last) }
        return (.sourcePorts(rows.intern(Row(ranges: ranges.ranges))), first, last)
    }

    private struct Event {
        var order: UInt64

        /// At one key, ends come before beginnings: an entry may have adjacent intervals.
        init(key: UInt32, position: Int, begins: Bool) {
            order = UInt64(key) << 32 | (begins ? 1 << 31 : 0) | UInt64(position)
        }

        var key: UInt32 { UInt32(truncatingIfNeeded: order >> 32) }
        var begins: Bool { order & 1 << 31 != 0 }
        var position: Int { Int(order & 0x7fff_ffff) }
    }
}
