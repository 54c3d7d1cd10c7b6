import GRDB
import Synchronization

/// What a write wants to become: refused (`StoreError`, before anything was changed), or an event and the text of its object.
typealias StagedWrite = (event: StoreEvent, text: String)

/// Writes that wait for the next commit.
///
/// Many become durable with one: syncing the disk takes longer than everything else about a write, and what has waited for one
/// sync goes together with the next.
final class WriteQueue: Sendable {
    struct Waiting: Sendable {
        var key: StoreKey
        /// In a transaction, with the revision that the write is to have.
        var body: @Sendable (Database, Int64) throws -> StagedWrite
        var continuation: CheckedContinuation<StoredObject, any Error>
    }

    private struct State {
        var waiting: [Waiting] = []
        var isDraining = false
    }

    private let state = Mutex(State())

    /// True when somebody has to drain the queue from now on.
    func add(_ write: Waiting) -> Bool {
        state.withLock { state in
            state.waiting.append(write)
            defer { state.isDraining = true }
            return !state.isDraining
        }
    }

    /// The next writes, in the order of their arrival; nil ends the draining.
    func take() -> [Waiting]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isDraining = false
                return nil
            }
            let batch = Array(state.waiting.prefix(StoreLimits.writesPerCommit))
            state.waiting.removeFirst(batch.count)
            return batch
        }
    }
}
