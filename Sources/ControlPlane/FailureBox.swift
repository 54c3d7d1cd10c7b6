import Synchronization

/// The first error of a callback that cannot throw.
final class FailureBox: Sendable {
    private let error = Mutex<(any Error)?>(nil)

    func set(_ error: any Error) { self.error.withLock { $0 = $0 ?? error } }

    var value: (any Error)? { error.withLock { $0 } }
}
