import Foundation
import Glibc
import Synchronization

/// Runs tasks on one thread that gives way to every other one of this process and of the host: for work that takes long and for which
/// nobody waits.
final class BackgroundExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var hasEnded = false
    }

    private let state = Mutex(State())
    private let arrival = DispatchSemaphore(value: 0)

    /// Of nice(2): the thread gets a tenth of what another one on its processor gets.
    private static let niceness: Int32 = 10

    init() {
        let thread = Thread { [self] in
            // Linux takes a thread for a process here.
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
            while runNext() {}
        }
        thread.name = "background"
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        arrival.signal()
    }

    /// After the last task.
    func end() {
        state.withLock { $0.hasEnded = true }
        arrival.signal()
    }

    /// False when the thread is to end.
    private func runNext() -> Bool {
        arrival.wait()
        let job = state.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
        guard let job else { return state.withLock { !$0.hasEnded } }
        job.runSynchronously(on: asUnownedTaskExecutor())
        return true
    }
}
