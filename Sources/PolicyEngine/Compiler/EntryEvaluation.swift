import PolicyModel

/// Evaluates a list of stack entries over all keys at once, by sweeping over the ends of their intervals.
struct EntryEvaluation {
    let entries: [StackEntry]
    let hasPending: Bool
    /// Of the last entry of all.
    let final: EndingID

    /// Calls `body` with each maximal run of keys on which the same of `chosen` match: its start, the outcome, the
    /// first entry that matches and the last that can be asked.
    ///
    /// O(n log n) for n intervals between `start` and `end`, plus what source ports need.
    func sweep(
        _ chosen: [StackEntry.Chosen], from start: UInt32, to end: UInt32, rows: inout RowStore,
        _ body: (_ start: UInt32, _ outcome: RowOutcome, _ first: Int, _ last: Int) -> Void
    ) {
        var active = ActiveSet(capacity: entries.count)
        var events: [Event] = []
        var sourcePorts: [Int: KeySet] = [:]
        var conditional = 0
        for entry in chosen {
            let position = entry.position
            if let ports = entry.ports.sourcePorts { sourcePorts[position] = ports }
            for interval in entry.ports.keys.intervals where interval.start < end && interval.end > start {
                if interval.start <= start {
                    active.insert(position)
                    if entry.ports.sourcePorts != nil { conditional += 1 }
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
            let result =
                conditional == 0
                ? evaluate(active, rows: &rows) : evaluate(active, sourcePorts: sourcePorts, rows: &rows)
            body(key, result.outcome, result.first, result.last)
            guard index < events.count else { return }
            key = events[index].key
            while index < events.count, events[index].key == key {
                let event = events[index]
                if !sourcePorts.isEmpty, sourcePorts[event.position] != nil { conditional += event.begins ? 1 : -1 }
                if event.begins { active.insert(event.position) } else { active.remove(event.position) }
                index += 1
            }
        }
    }

    /// What one entry that ends evaluation leads to where it is the first that matches; nil where more must be known.
    func outcome(of position: Int, rows: inout RowStore) -> RowOutcome? {
        guard entries[position].worlds == .both, case .end(let ending, let rejects) = entries[position].step else {
            return nil
        }
        return .decide(rows.intern(DecisionContent(ending: ending, rejects: rejects, pending: nil, logged: [])))
    }

    private typealias Result = (outcome: RowOutcome, first: Int, last: Int)

    private struct Walk {
        var ending: EndingID
        var rejects: Bool
        var logged: [LogID]
        var last: Int
    }

    /// Where every active entry matches. The last entry of all is always active.
    private func evaluate(_ active: ActiveSet, rows: inout RowStore) -> Result {
        let first = active.next(from: 0) ?? entries.count - 1
        let enforced = walk(active, .enforced, from: first)
        var last = enforced.last
        var pending: EndingID?
        if hasPending {
            let other = walk(active, .pending, from: first)
            last = max(last, other.last)
            if other.ending != enforced.ending { pending = other.ending }
        }
        let content = DecisionContent(
            ending: enforced.ending, rejects: enforced.rejects, pending: pending, logged: enforced.logged)
        return (.decide(rows.intern(content)), first, last)
    }

    private func walk(_ active: ActiveSet, _ world: Worlds, from first: Int) -> Walk {
        var logged: [LogID] = []
        var lastLogged: Int32 = -1
        var search: Int? = first
        while let position = search {
            let entry = entries[position]
            guard entry.worlds.contains(world) else {
                search = active.next(from: position + 1)
                continue
            }
            switch entry.step {
            case .end(let ending, let rejects):
                return Walk(ending: ending, rejects: rejects, logged: logged, last: position)
            case .leave:
                search = active.next(from: Int(entry.next))
            case .log(let log):
                if world == .enforced, entry.rule != lastLogged { logged.append(log) }
                lastLogged = entry.rule
                search = active.next(from: position + 1)
            }
        }
        return Walk(ending: final, rejects: false, logged: logged, last: entries.count - 1)
    }

    /// Where the active entries in `sourcePorts` match for those only.
    private func evaluate(_ active: ActiveSet, sourcePorts: [Int: KeySet], rows: inout RowStore) -> Result {
        let first = active.next(from: 0) ?? entries.count - 1
        var matching = active
        var events: [Event] = []
        var search = active.next(from: 0)
        while let position = search {
            if let ports = sourcePorts[position] {
                matching.remove(position)
                for interval in ports.intervals {
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
                if event.begins { matching.insert(event.position) } else { matching.remove(event.position) }
                index += 1
            }
            let result = evaluate(matching, rows: &rows)
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
