import Synchronization

/// Wakes those who wait for a number to grow.
final class CursorSignal: Sendable {
    private struct Waiter {
        var cursor: Int64
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var last: Int64
        var waiters: [UInt64: Waiter] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let state: Mutex<State>

    init(last: Int64) { state = Mutex(State(last: last)) }

    func advance(to last: Int64) {
        let ready = state.withLock { state in
            state.last = max(state.last, last)
            let ready = state.waiters.filter { $0.value.cursor < state.last }
            for identifier in ready.keys { state.waiters[identifier] = nil }
            return ready
        }
        for waiter in ready.values { waiter.continuation.resume() }
    }

    func wait(after cursor: Int64) async throws {
        let identifier = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    // A cancellation that came before this lock found nobody to wake; one that comes later will.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if cursor < state.last { return .success(()) }
                    state.waiters[identifier] = Waiter(cursor: cursor, continuation: continuation)
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: identifier) }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }
}
