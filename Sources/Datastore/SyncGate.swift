import Synchronization

/// Lets nobody have what was read while it could still be lost: a commit is seen in the file before the disk has it.
final class SyncGate: Sendable {
    private struct State {
        var isOpen = true
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Before a commit, one at a time.
    func close() { state.withLock { $0.isOpen = false } }

    /// After its sync, or after what prevented it.
    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when every commit that could be seen before the call is on the disk.
    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
