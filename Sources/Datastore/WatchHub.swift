import Synchronization

/// What a watch is to see.
struct WatchFilter: Sendable {
    var resource: String?
    var namespace: String?

    func admits(_ key: StoreKey) -> Bool {
        (resource == nil || resource == key.resource) && (namespace == nil || namespace == key.namespace)
    }
}

/// Passes committed events on to watches.
///
/// The latest events are kept once for all readers and each reader brings its own place, so that a slow reader costs
/// no memory and holds nobody up: it falls back to the log and, in the end, out of it.
final class WatchHub: Sendable {
    enum Step {
        /// What was found in memory (perhaps nothing) and how far the search got.
        case found([StoreEvent], upTo: Int64)
        /// The wanted events are older than those in memory.
        case readLog
        case upToDate
    }

    private struct Waiter {
        var filter: WatchFilter
        /// Where it has read up to; ahead of all events for a watch of the future.
        var position: Int64
        var continuation: CheckedContinuation<Int64, any Error>
    }

    private struct State {
        var last: Int64
        /// A ring: revisions are contiguous, so the event of revision R stands at R modulo the capacity.
        var ring: [StoreEvent?]
        /// The size of each event in the ring, at the same place, and their sum over the filled places.
        var sizes: [Int]
        var bytes = 0
        /// How many of the ring's places are filled.
        var count: Int64 = 0
        /// By the resource that they wait for, so that a write does not cost a look at those who wait for others; nil: for all.
        var waiters: [String?: [UInt64: Waiter]] = [:]
        var nextWaiter: UInt64 = 0
        var closed = false

        mutating func add(_ event: StoreEvent) {
            let size = event.json?.count ?? 0
            let capacity = Int64(StoreLimits.recentEvents)
            last = event.object.revision
            while count == capacity || (count > 0 && bytes + size > StoreLimits.recentBytes) {
                let oldest = Int((last - count) % capacity)
                bytes -= sizes[oldest]
                ring[oldest] = nil
                count -= 1
            }
            let place = Int(last % capacity)
            ring[place] = event
            sizes[place] = size
            bytes += size
            count += 1
        }
    }

    private let state: Mutex<State>

    /// `last` is the revision of the newest event that was committed before.
    init(last: Int64) {
        state = Mutex(State(
                last: last,
                ring: Array(repeating: nil, count: StoreLimits.recentEvents),
                sizes: Array(repeating: 0, count: StoreLimits.recentEvents)))
    }

    /// The revision of the newest event.
    var last: Int64 { state.withLock { $0.last } }

    /// To be called once for every revision, in order, after its commit. The events carry their texts.
    func publish(_ events: [StoreEvent]) {
        let ready = state.withLock { state in
            var ready: [(continuation: CheckedContinuation<Int64, any Error>, position: Int64)] = []
            for event in events {
                state.add(event)
                for resource in [nil, event.object.key.resource] {
                    guard let waiters = state.waiters[resource] else { continue }
                    let admitting = waiters.filter { _, waiter in
                        waiter.position < event.object.revision && waiter.filter.admits(event.object.key)
                    }
                    // Nothing before this event concerned them, or they would have been woken by that.
                    for waiter in admitting.values { ready.append((waiter.continuation, event.object.revision - 1)) }
                    if admitting.count == waiters.count {
                        state.waiters[resource] = nil
                    } else {
                        for identifier in admitting.keys { state.waiters[resource]?[identifier] = nil }
                    }
                }
            }
            return ready
        }
        for waiter in ready { waiter.continuation.resume(returning: waiter.position) }
    }

    func next(after position: Int64, filter: WatchFilter) -> Step {
        state.withLock { state in
            guard position < state.last else { return .upToDate }
            guard position >= state.last - state.count else { return .readLog }
            var events: [StoreEvent] = []
            var reached = position
            while reached < state.last, events.count < StoreLimits.eventsPerBatch {
                reached += 1
                if let event = state.ring[Int(reached % Int64(StoreLimits.recentEvents))], filter.admits(event.object.key) {
                    events.append(event)
                }
            }
            return .found(events, upTo: reached)
        }
    }

    /// Returns when there may be an event after `position` that the filter admits, with the place to go on from;
    /// throws when the task is cancelled or the hub is closed.
    func wait(after position: Int64, filter: WatchFilter) async throws -> Int64 {
        let identifier = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<Int64, any Error>? = state.withLock { state in
                    // A cancellation that came before this lock found nobody to wake; one that comes later will.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.closed { return .failure(StoreError.failed("The store was closed.")) }
                    if position < state.last { return .success(position) }
                    state.waiters[filter.resource, default: [:]][identifier] = Waiter(
                        filter: filter, position: position, continuation: continuation)
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters[filter.resource]?.removeValue(forKey: identifier) }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Ends every watch.
    func close() {
        let waiters = state.withLock { state in
            state.closed = true
            defer { state.waiters = [:] }
            return state.waiters.values.flatMap(\.values)
        }
        for waiter in waiters { waiter.continuation.resume(throwing: StoreError.failed("The store was closed.")) }
    }
}
