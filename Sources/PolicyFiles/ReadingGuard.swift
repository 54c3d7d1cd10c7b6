import Foundation
import Synchronization

/// Sees to it that reading takes no more time and memory than `ReadingLimits` allows, whatever the files hold.
///
/// A parser of somebody else's cannot be told to stop in the middle of a document, so whoever guards has to end the process:
/// `exceeded` is called on a thread of its own, once, with a sentence.
public final class ReadingGuard: Sendable {
    private struct State {
        var file = ""
        var isDone = false
    }

    private let state = Mutex(State())

    public init(exceeded: @escaping @Sendable (String) -> Void) {
        let start = ContinuousClock.now
        Thread.detachNewThread { [weak self] in
            while let self {
                let (file, isDone) = state.withLock { ($0.file, $0.isDone) }
                if isDone { return }
                if Self.residentMegabytes() > ReadingLimits.memoryMegabytes {
                    return exceeded("\(file): reading it took more than \(ReadingLimits.memoryMegabytes) MB: split it, or ask for less")
                }
                if ContinuousClock.now - start > .seconds(ReadingLimits.seconds) {
                    return exceeded("\(file): reading took more than \(ReadingLimits.seconds) s: split it, or ask for less")
                }
                usleep(Self.microseconds)
            }
        }
    }

    /// What takes time from now on.
    public func reading(_ file: String) { state.withLock { $0.file = file } }

    public func done() { state.withLock { $0.isDone = true } }

    /// At a gigabyte a second a few megabytes come between two looks.
    private static let microseconds: UInt32 = 4_000

    /// Memory of this process in RAM (proc_pid_statm(5), second field).
    private static func residentMegabytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * 4096 / 1_048_576
    }
}
