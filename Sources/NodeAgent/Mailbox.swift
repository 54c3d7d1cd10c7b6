import Datastore
import Dataplane
import Dispatch
import Netlink
import Synchronization

/// What the enforcement thread is told by others. Everything that waits is taken at once, so that a burst of changes
/// becomes one program.
final class Mailbox: Sendable {
    struct Content {
        enum StoreInput {
            case snapshot([StoredObject], revision: Int64)
            case events([StoreEvent])
        }

        /// In order, each with the time at which the store told of it.
        var store: [(input: StoreInput, received: ContinuousClock.Instant)] = []
        /// The newest state of the node's interfaces by name; nil when nothing changed.
        var links: [String: InterfaceIdentity]?
        var statusRequests: [CheckedContinuation<DataplaneStatus?, Never>] = []
        /// Problems of the tasks that feed the thread; nil takes one back.
        var problems: [String: String?] = [:]
        var stopping = false
    }

    private struct State {
        var content = Content()
        var signalled = false
        var closed = false
    }

    private let state = Mutex(State())
    private let arrival = DispatchSemaphore(value: 0)

    func post(_ change: (inout Content) -> Void) {
        let wakes = state.withLock { state in
            change(&state.content)
            defer { state.signalled = true }
            return !state.signalled
        }
        if wakes { arrival.signal() }
    }

    /// The dataplane's own account, from the enforcement thread; nil when that has ended.
    func status() async -> DataplaneStatus? {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                if !state.closed { state.content.statusRequests.append(continuation) }
                return state.closed
            }
            if isClosed { continuation.resume(returning: nil) } else { post { _ in } }
        }
    }

    /// Everything that came since the last call; waits for something until `deadline`.
    func take(until deadline: ContinuousClock.Instant) -> Content {
        let wait = max(Duration.zero, ContinuousClock.now.duration(to: deadline))
        let (seconds, attoseconds) = wait.components
        let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        _ = arrival.wait(timeout: .now() + .nanoseconds(nanoseconds))
        return state.withLock { state in
            defer { state.content = Content() }
            // A post that set the flag has signalled, or will: that wakes the thread once for nothing at worst.
            state.signalled = false
            return state.content
        }
    }

    /// No more is taken: whoever asks from now on is answered here.
    func close() {
        let requests = state.withLock { state in
            state.closed = true
            defer { state.content.statusRequests = [] }
            return state.content.statusRequests
        }
        for request in requests { request.resume(returning: nil) }
    }
}
