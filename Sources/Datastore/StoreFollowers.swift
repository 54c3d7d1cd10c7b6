import Synchronization

/// Those who are told of writes as soon as their order is settled.
final class StoreFollowers: Sendable {
    private struct Follower {
        var body: @Sendable ([StoreEvent]) -> Void
        var end: AsyncStream<Void>.Continuation
    }

    private struct State {
        var followers: [UInt64: Follower] = [:]
        var next: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    /// - Parameter end: finished when the store is closed.
    func add(_ body: @escaping @Sendable ([StoreEvent]) -> Void, end: AsyncStream<Void>.Continuation) -> UInt64 {
        state.withLock { state in
            if state.isClosed { end.finish() }
            state.next += 1
            state.followers[state.next] = Follower(body: body, end: end)
            return state.next
        }
    }

    func remove(_ identifier: UInt64) { state.withLock { $0.followers[identifier] = nil } }

    func tell(_ events: [StoreEvent]) {
        for follower in state.withLock({ Array($0.followers.values) }) { follower.body(events) }
    }

    func close() {
        let followers = state.withLock { state in
            state.isClosed = true
            return Array(state.followers.values)
        }
        for follower in followers { follower.end.finish() }
    }
}
