import Dataplane
import PolicyModel

/// Turns what the kernel tells of connections into records, one window after the other.
///
/// A value without clock or I/O. Counters of snapshots are cumulative and count the packets that passed; those of denials
/// count the denied packets since the event before. Out of both the records count every packet once: the sums over all records equal the last
/// counters and the denials, however the history is cut into windows. Where a live connection is decided anew, packets
/// since the snapshot before go to the decision that lets packets pass, the new one if both do.
///
/// Events are to be added in the order in which they were drained, and drained before a window is finished; snapshots may
/// be older or newer than the events around them.
///
/// A connection that a process before us recorded counts from what its account says. One without an account that is older
/// than accounts are counts from its first snapshot on.
public struct FlowAggregator: Sendable {
    /// What did not find room since the start.
    public struct Overflow: Sendable, Hashable {
        /// Snapshots and events of connections beyond `FlowLimits.trackedConnections`.
        public var untrackedReports: UInt64 = 0
        /// Packets denied beyond `FlowLimits.denialsPerWindow`; they are in no record.
        public var unrecordedDenials: UInt64 = 0

        public init() {}
    }

    public private(set) var overflow = Overflow()
    /// The entries of connections that are followed now.
    public private(set) var trackedConnections = 0

    /// Some connections could not be followed, or have an account that was not met yet: a sweep should tell of all that live.
    public var missesQuietFlows: Bool { trackedConnections >= trackedLimit || !inherited.isEmpty }

    /// A connection without an account that began later is in no record.
    private var accountedSince: UInt64
    /// Of a process before us, until its connection is met.
    private var inherited: [FlowIdentity: [FlowAccount]] = [:]
    private var numbers = AccountNumbers()
    private let trackedLimit: Int
    private let denialLimit: Int
    /// Counts windows.
    private var window: UInt64 = 0
    /// Nanoseconds of CLOCK_BOOTTIME.
    private var windowStart: UInt64
    /// The entries of each tuple, oldest first; nearly always one.
    private var flows: [FlowIdentity: [TrackedFlow]] = [:]
    private var denials: [DenialKey: FlowSegment] = [:]
    /// Pieces of connections that were never tracked and have ended.
    private var strays: [(flow: FlowIdentity, segment: FlowSegment)] = []

    /// - Parameter boottime: nanoseconds of CLOCK_BOOTTIME.
    public init(
        startingAt boottime: UInt64, trackedLimit: Int = FlowLimits.trackedConnections,
        denialLimit: Int = FlowLimits.denialsPerWindow
    ) {
        accountedSince = boottime
        windowStart = boottime
        self.trackedLimit = trackedLimit
        self.denialLimit = denialLimit
    }

    /// Goes on where a process before us ended. For once, before anything is added.
    public mutating func inherit(_ inheritance: FlowInheritance) {
        accountedSince = min(accountedSince, inheritance.since)
        inherited = inheritance.accounts
        numbers.adopt(inherited.values.joined().map(\.number))
    }

    /// - Parameter resolve: the endpoint that has an address at this time.
    public mutating func add(_ event: ConnectionEvent, resolve: (IPAddress) -> EndpointKey?) {
        switch event.kind {
        case .denied:
            deny(event, counters: event.counters, resolve: resolve)
        case .redecided where event.decision.verdict == .deny:
            // The packets that are denied from now on come as events; the change itself is worth a record.
            deny(event, counters: FlowCounters(), resolve: resolve)
        case .opened, .adopted:
            open(event, resolve: resolve)
        case .redecided:
            redecide(event, resolve: resolve)
        case .closed:
            close(event, resolve: resolve)
        }
    }

    public mutating func add(_ snapshot: FlowSnapshot, resolve: (IPAddress) -> EndpointKey?) {
        if let place = find(snapshot.flow, where: { $0.isCreated(at: snapshot.created) }) {
            if flows.values[place.tuple][place.entry].created == nil,
                let account = takeInherited(snapshot.flow, created: snapshot.created)
            {
                flows.values[place.tuple][place.entry].inherit(account)
            }
            flows.values[place.tuple][place.entry].follow(
                snapshot, windowStart: windowStart, window: window, peer: resolve, begins: false)
            return
        }
        var entry = TrackedFlow(lastSeen: snapshot.lastSeen)
        if snapshot.created < accountedSince { entry.counted = snapshot.counters }
        let account = takeInherited(snapshot.flow, created: snapshot.created)
        if let account { entry.inherit(account) }
        entry.follow(
            snapshot, windowStart: windowStart, window: window, peer: resolve,
            begins: account == nil && snapshot.created >= accountedSince)
        guard !insert(entry, into: snapshot.flow) else { return }
        if snapshot.removed {
            for segment in entry.segments { addStray(snapshot.flow, segment) }
            if let account { numbers.give(account.number) }
        } else if let account {
            inherited[snapshot.flow, default: []].append(account)
        }
    }

    /// Ends the window and gives its records, oldest first; no record where nothing happened.
    ///
    /// - Parameters:
    ///   - boottime: nanoseconds of CLOCK_BOOTTIME.
    ///   - wallClockOffset: what has to be added to CLOCK_BOOTTIME for nanoseconds since 1970.
    public mutating func finishWindow(at boottime: UInt64, wallClockOffset: Int64) -> [FlowRecord] {
        var records: [FlowRecord] = []
        func wallClock(_ time: UInt64) -> Int64 { Int64(clamping: time) &+ wallClockOffset }
        func record(_ identity: FlowIdentity, _ segment: FlowSegment, _ verdict: Verdict) {
            records.append(
                FlowRecord(
                    identity, verdict: verdict, decision: segment.decision, peer: segment.peer,
                    startTime: wallClock(segment.start), endTime: wallClock(max(segment.end ?? boottime, segment.start)),
                    counters: segment.counters, observed: segment.observed, begins: segment.begins || verdict == .deny))
        }

        var changed: [(FlowIdentity, [TrackedFlow])] = []
        for (identity, entries) in flows
        where entries.contains(where: { !$0.segments.isEmpty || $0.isForgotten(at: boottime, window: window) }) {
            var kept: [TrackedFlow] = []
            for var entry in entries {
                for segment in entry.segments { record(identity, segment, .allow) }
                if !entry.segments.isEmpty {
                    entry.segments = []
                    if entry.finished == nil, let created = entry.created {
                        entry.account = entry.account ?? numbers.take()
                        records[records.count - 1].account = entry.account.map {
                            FlowAccount(number: $0, created: created, counted: entry.counted)
                        }
                    }
                }
                if !entry.isForgotten(at: boottime, window: window) {
                    kept.append(entry)
                } else if let account = entry.account {
                    numbers.give(account)
                }
            }
            changed.append((identity, kept))
        }
        for (identity, kept) in changed {
            trackedConnections -= (flows[identity]?.count ?? 0) - kept.count
            flows[identity] = kept.isEmpty ? nil : kept
        }
        for stray in strays { record(stray.flow, stray.segment, .allow) }
        for (key, segment) in denials { record(key.flow, segment, .deny) }
        strays = []
        denials = [:]
        window += 1
        windowStart = boottime
        if window >= FlowLimits.inheritingWindows, !inherited.isEmpty, trackedConnections < trackedLimit {
            for account in inherited.values.joined() { numbers.give(account.number) }
            inherited = [:]
        }
        return records.sorted { ($0.startTime, $0.endTime, $0.sourcePort) < ($1.startTime, $1.endTime, $1.sourcePort) }
    }

    // MARK: Parts

    private mutating func open(_ event: ConnectionEvent, resolve: (IPAddress) -> EndpointKey?) {
        if let place = find(event.flow, where: { $0.isOpened(at: event.timestamp) }) {
            // A sweep was faster than the event: what there is to record is in the snapshot.
            flows.values[place.tuple][place.entry].opened = event.timestamp
            flows.values[place.tuple][place.entry].learnPassing(event.decision)
            return
        }
        var entry = TrackedFlow(lastSeen: event.timestamp)
        entry.opened = event.timestamp
        entry.begin(event, peer: resolve(event.flow.peer))
        _ = insert(entry, into: event.flow)
    }

    private mutating func redecide(_ event: ConnectionEvent, resolve: (IPAddress) -> EndpointKey?) {
        guard let place = find(event.flow, newestWhere: { $0.start <= event.timestamp }) else { return }
        let entry = flows.values[place.tuple][place.entry]
        // Otherwise a sweep was faster than the event, or the flow is back to its decision after a cut.
        guard entry.passing != event.decision, entry.created == nil || event.timestamp > entry.lastSeen else { return }
        flows.values[place.tuple][place.entry].begin(event, peer: resolve(event.flow.peer))
    }

    private mutating func close(_ event: ConnectionEvent, resolve: (IPAddress) -> EndpointKey?) {
        // An entry that takes a tuple has the time at which the one before was closed.
        if let place = find(event.flow, newestWhere: { $0.start < event.timestamp }),
            flows.values[place.tuple][place.entry].finished.map({ event.timestamp <= $0.time }) ?? true
        {
            if flows.values[place.tuple][place.entry].created == nil,
                let account = takeInherited(event.flow, created: event.created)
            {
                flows.values[place.tuple][place.entry].inherit(account)
            }
            flows.values[place.tuple][place.entry].close(event, windowStart: windowStart, window: window, peer: resolve)
        } else {
            // Never seen alive by us: its counters are all there is.
            let account = takeInherited(event.flow, created: event.created)
            if let account { numbers.give(account.number) }
            let counters = event.counters.since(account?.counted ?? FlowCounters())
            guard counters != FlowCounters() else { return }
            let decision = event.decision.verdict == .allow ? event.decision : .unknown(0)
            addStray(
                event.flow,
                FlowSegment(
                    decision: decision, peer: resolve(event.flow.peer), start: min(windowStart, event.timestamp),
                    end: event.timestamp, counters: counters, observed: event.observed, begins: true))
        }
    }

    private mutating func takeInherited(_ flow: FlowIdentity, created: UInt64?) -> FlowAccount? {
        guard let created, !inherited.isEmpty, let index = inherited[flow]?.firstIndex(where: { $0.created == created }) else { return nil }
        return inherited[flow]?.remove(at: index)
    }

    /// False when there is no room.
    private mutating func insert(_ entry: TrackedFlow, into identity: FlowIdentity) -> Bool {
        guard trackedConnections < trackedLimit else {
            overflow.untrackedReports += 1
            return false
        }
        trackedConnections += 1
        Self.insert(entry, into: &flows[identity, default: []], window: window)
        return true
    }

    private static func insert(_ entry: TrackedFlow, into entries: inout [TrackedFlow], window: UInt64) {
        let index = entries.lastIndex { $0.start < entry.start }.map { $0 + 1 } ?? 0
        entries.insert(entry, at: index)
        for older in entries.indices.dropLast() where entries[older].supersededInWindow == nil {
            entries[older].supersededInWindow = window
        }
    }

    private typealias Place = (tuple: [FlowIdentity: [TrackedFlow]].Index, entry: Int)

    /// Good until something is inserted or removed.
    private func find(_ flow: FlowIdentity, where condition: (TrackedFlow) -> Bool) -> Place? {
        guard let tuple = flows.index(forKey: flow), let entry = flows.values[tuple].firstIndex(where: condition) else { return nil }
        return (tuple, entry)
    }

    private func find(_ flow: FlowIdentity, newestWhere condition: (TrackedFlow) -> Bool) -> Place? {
        guard let tuple = flows.index(forKey: flow), let entry = flows.values[tuple].lastIndex(where: condition) else { return nil }
        return (tuple, entry)
    }

    private mutating func addStray(_ flow: FlowIdentity, _ segment: FlowSegment) {
        guard strays.count < trackedLimit else {
            overflow.untrackedReports += 1
            return
        }
        strays.append((flow, segment))
    }

    private mutating func deny(
        _ event: ConnectionEvent, counters: FlowCounters, resolve: (IPAddress) -> EndpointKey?
    ) {
        let key = DenialKey(flow: event.flow, decision: event.decision, observed: event.observed)
        if let place = denials.index(forKey: key) {
            denials.values[place].extend(by: counters, from: event.timestamp, until: event.until)
        } else if denials.count < denialLimit {
            denials[key] = FlowSegment(
                decision: event.decision, peer: resolve(event.flow.peer), start: event.timestamp,
                end: event.until, counters: counters, observed: event.observed)
        } else {
            overflow.unrecordedDenials += counters.packetsOut + counters.packetsIn
        }
    }
}

private struct DenialKey: Hashable {
    var flow: FlowIdentity
    var decision: DecisionSource
    var observed: Bool

    /// One flow is seldom denied for two reasons: texts of reasons would add to the cost of a hash, and to nothing else.
    func hash(into hasher: inout Hasher) { hasher.combine(flow) }
}
