import CLinux
import Dispatch
import Synchronization

/// Waits for grace periods away from the caller, and for many requests at once.
final class GraceWorker: Sendable {
    private struct Progress {
        var requested: UInt64 = 0
        var completed: UInt64 = 0
        var isRunning = false
    }

    private let progress = Mutex(Progress())
    private let queue = DispatchQueue(label: "bulkhead.grace")

    /// Everything up to `serial` is visible in the kernel; a period begins now, or when the one under way has ended.
    func request(_ serial: UInt64) {
        let starts = progress.withLock { progress in
            progress.requested = max(progress.requested, serial)
            defer { progress.isRunning = true }
            return !progress.isRunning
        }
        if starts { queue.async { self.run() } }
    }

    private func run() {
        while true {
            let serial = progress.withLock { progress -> UInt64? in
                progress.isRunning = progress.requested > progress.completed
                return progress.isRunning ? progress.requested : nil
            }
            guard let serial else { return }
            // It fails only where the kernel lacks it; then nothing is ever taken for graced.
            guard bulkhead_wait_for_grace() == 0 else { return }
            progress.withLock { $0.completed = max($0.completed, serial) }
        }
    }

    /// The last serial after which a whole period has passed.
    var completed: UInt64 { progress.withLock { $0.completed } }
}
