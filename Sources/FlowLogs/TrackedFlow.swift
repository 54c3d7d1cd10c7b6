import Dataplane
import PolicyModel

/// What one connection did under one decision in the window that is open.
struct FlowSegment: Sendable {
    var decision: DecisionSource
    var peer: EndpointKey?
    /// Nanoseconds of CLOCK_BOOTTIME.
    var start: UInt64
    /// nil: it goes on.
    var end: UInt64?
    var counters: FlowCounters
    var observed: Bool
    /// Its decision began with it, and not in a window before.
    var begins = false

    mutating func extend(by more: FlowCounters, from first: UInt64, until last: UInt64) {
        counters += more
        start = min(start, first)
        end = max(end ?? last, last)
    }
}

/// One entry of the kernel's flow table. A tuple that is used again has another one.
struct TrackedFlow: Sendable {
    struct Finish: Sendable {
        /// The number of the window in which it was told.
        var window: UInt64
        /// Nanoseconds of CLOCK_BOOTTIME.
        var time: UInt64
    }

    /// When the entry was made, as snapshots say; nil before the first.
    var created: UInt64?
    /// The time of the event that told of it; nil while only snapshots did.
    var opened: UInt64?
    /// The part of the entry's counters that is in records or segments.
    var counted = FlowCounters()
    /// The number of its account; nil while it needs none.
    var account: Int32?
    /// The last decision that let packets pass.
    var passing: DecisionSource?
    var observed = false
    /// In the window that is open.
    var segments: [FlowSegment] = []
    /// The entry left the table. Kept for one more window, since reports of it may be on their way.
    var finished: Finish?
    /// The window in which another entry took the tuple.
    var supersededInWindow: UInt64?
    /// The time of the newest packet of which the kernel told.
    var lastSeen: UInt64

    init(lastSeen: UInt64) { self.lastSeen = lastSeen }

    var start: UInt64 { created ?? opened ?? lastSeen }

    /// Whether a snapshot speaks of this entry.
    func isCreated(at time: UInt64) -> Bool {
        if let created { return created == time }
        // The event's clock was read after the entry's.
        return opened.map { Self.isShortlyAfter($0, time) } ?? false
    }

    /// Whether an `opened` event speaks of this entry.
    func isOpened(at time: UInt64) -> Bool {
        if let opened { return opened == time }
        return created.map { Self.isShortlyAfter(time, $0) } ?? false
    }

    private static func isShortlyAfter(_ late: UInt64, _ early: UInt64) -> Bool {
        late >= early && late - early <= FlowLimits.sameEntryNanoseconds
    }

    /// It was opened, adopted or allowed by another decision.
    mutating func begin(_ event: ConnectionEvent, peer: EndpointKey?) {
        passing = event.decision
        observed = event.observed
        lastSeen = max(lastSeen, event.timestamp)
        endSegment(at: event.timestamp)
        segments.append(
            FlowSegment(
                decision: event.decision, peer: peer, start: event.timestamp, end: nil, counters: FlowCounters(),
                observed: event.observed, begins: true))
    }

    /// What is new in its counters. Reports may come in another order than they were made.
    mutating func advance(to counters: FlowCounters) -> FlowCounters {
        let delta = counters.since(counted)
        counted += delta
        return delta
    }

    /// What a sweep saw of it.
    mutating func follow(
        _ snapshot: FlowSnapshot, windowStart: UInt64, window: UInt64, peer: (IPAddress) -> EndpointKey?, begins: Bool
    ) {
        created = snapshot.created
        let delta = advance(to: snapshot.counters)
        if snapshot.decision.verdict == .allow { passing = snapshot.decision }
        lastSeen = max(lastSeen, snapshot.lastSeen)
        add(
            delta, from: max(windowStart, snapshot.created), until: snapshot.removed ? snapshot.lastSeen : nil,
            peer: peer(snapshot.flow.peer), begins: begins)
        if snapshot.removed { finished = Finish(window: window, time: snapshot.lastSeen) }
    }

    /// What the kernel said of it last.
    mutating func close(_ event: ConnectionEvent, windowStart: UInt64, window: UInt64, peer: (IPAddress) -> EndpointKey?) {
        let delta = advance(to: event.counters)
        if passing == nil, event.decision.verdict == .allow { passing = event.decision }
        add(delta, from: max(windowStart, start), until: event.timestamp, peer: peer(event.flow.peer))
        finished = Finish(window: window, time: event.timestamp)
    }

    /// A process before us has recorded a part of it.
    mutating func inherit(_ account: FlowAccount) {
        counted = account.counted
        self.account = account.number
    }

    /// Adds packets that passed to the segment of the decision that let them.
    mutating func add(
        _ delta: FlowCounters, from start: UInt64, until end: UInt64?, peer: @autoclosure () -> EndpointKey?,
        begins: Bool = false
    ) {
        let decision = passing ?? .unknown(0)
        if let last = segments.indices.last, segments[last].decision == decision {
            segments[last].counters += delta
            segments[last].end = end ?? segments[last].end
        } else if delta != FlowCounters() {
            endSegment(at: start)
            segments.append(
                FlowSegment(
                    decision: decision, peer: peer(), start: start, end: end, counters: delta, observed: observed,
                    begins: begins))
        }
    }

    /// An entry whose first snapshot shows it cut already did not say what had let its packets pass.
    mutating func learnPassing(_ decision: DecisionSource) {
        guard passing == nil else { return }
        passing = decision
        for index in segments.indices where segments[index].decision == .unknown(0) {
            segments[index].decision = decision
        }
    }

    private mutating func endSegment(at time: UInt64) {
        guard let last = segments.indices.last, segments[last].end == nil else { return }
        segments[last].end = time
    }

    func isForgotten(at boottime: UInt64, window: UInt64) -> Bool {
        if let finished, finished.window < window { return true }
        if let supersededInWindow, supersededInWindow < window { return true }
        let patience = created == nil ? FlowLimits.forgetUnseenAfterNanoseconds : FlowLimits.forgetAfterNanoseconds
        return boottime > lastSeen && boottime - lastSeen > patience
    }
}

extension FlowCounters {
    /// 0 for counts that went back: those of an older report.
    func since(_ other: FlowCounters) -> FlowCounters {
        FlowCounters(
            packetsOut: packetsOut - min(packetsOut, other.packetsOut), bytesOut: bytesOut - min(bytesOut, other.bytesOut),
            packetsIn: packetsIn - min(packetsIn, other.packetsIn), bytesIn: bytesIn - min(bytesIn, other.bytesIn))
    }

    static func += (left: inout FlowCounters, right: FlowCounters) {
        left.packetsOut &+= right.packetsOut
        left.bytesOut &+= right.bytesOut
        left.packetsIn &+= right.packetsIn
        left.bytesIn &+= right.bytesIn
    }
}

extension FlowIdentity {
    /// The address of the other end.
    public var peer: IPAddress { direction == .egress ? tuple.destination : tuple.source }
}

extension FlowRecord {
    init(
        _ flow: FlowIdentity, verdict: Verdict, decision: DecisionSource, peer: EndpointKey?, startTime: Int64,
        endTime: Int64, counters: FlowCounters, observed: Bool, begins: Bool
    ) {
        var reason: Reason?
        var systemReason: SystemReason?
        var pending: Decision.Pending?
        switch decision {
        case .policy(let decision):
            reason = decision.reason
            pending = decision.pending
        case .system(_, let decided): systemReason = decided
        case .unknown: break
        }
        let outward = flow.direction == .egress
        self.init(
            startTime: startTime, endTime: endTime, verdict: verdict, direction: flow.direction,
            source: outward ? flow.endpoint : peer, destination: outward ? peer : flow.endpoint,
            sourceAddress: flow.tuple.source.description, destinationAddress: flow.tuple.destination.description,
            transport: flow.tuple.transport.number, sourcePort: flow.tuple.sourcePort,
            destinationPort: flow.tuple.destinationPort, packetsOut: counters.packetsOut,
            bytesOut: counters.bytesOut, packetsIn: counters.packetsIn, bytesIn: counters.bytesIn, reason: reason,
            systemReason: systemReason, observed: observed, pending: pending, begins: begins)
    }
}
