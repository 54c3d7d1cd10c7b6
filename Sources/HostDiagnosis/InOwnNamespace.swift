import CHostProbes
import Dispatch
import Foundation
import Synchronization

/// Runs something on a thread in a network namespace of its own.
enum InOwnNamespace {
    private final class Box<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
    }

    /// nil when there can be no such namespace. The thread ends with `body`, and the namespace with it.
    static func perform<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> Value? {
        let box = Box<Value>()
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            defer { done.signal() }
            guard bulkhead_probe_own_namespace() == 0 else { return }
            let value = body()
            box.value.withLock { $0 = value }
        }
        thread.start()
        done.wait()
        return box.value.withLock { $0 }
    }
}
