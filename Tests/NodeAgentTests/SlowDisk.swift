import Foundation
import Synchronization

/// A disk that takes nothing while it is told to wait.
final class SlowDisk: Sendable {
    private let state = Mutex((isStopped: false, waiting: 0))

    var isStopped: Bool { state.withLock { $0.isStopped } }
    /// Syncs that have begun and not ended.
    var waiting: Int { state.withLock { $0.waiting } }

    func stop() { state.withLock { $0.isStopped = true } }
    func go() { state.withLock { $0.isStopped = false } }

    func sync(_ descriptor: Int32) -> Int32 {
        state.withLock { $0.waiting += 1 }
        defer { state.withLock { $0.waiting -= 1 } }
        while isStopped { Thread.sleep(forTimeInterval: 0.001) }
        return fdatasync(descriptor)
    }
}
