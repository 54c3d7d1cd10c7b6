import CLinux
import Dispatch
import Foundation
import Glibc
import Synchronization

/// A network namespace that was opened, and lives at least as long as this.
public struct NetworkNamespace: ~Copyable {
    /// Where `ip netns` keeps names.
    public static let folder = "/run/netns"

    /// As it was named, for messages.
    public let name: String
    let descriptor: Int32

    /// - Parameter text: a name that `ip netns` knows, or a path such as `/proc/PID/ns/net`.
    public init(_ text: String) throws(WorkloadSourceError) {
        let path = text.contains("/") ? text : Self.folder + "/" + text
        name = text
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            throw WorkloadSourceError(
                code == ENOENT
                    ? "There is no network namespace \(text) (\(path)): name one that `ip netns list` shows, or a path such as "
                        + "/proc/PID/ns/net."
                    : "Cannot open the network namespace \(text) (\(path)): \(String(cString: strerror(code))).")
        }
    }

    /// The one that the calling thread is in.
    public static func current() throws(WorkloadSourceError) -> NetworkNamespace {
        try NetworkNamespace("/proc/thread-self/ns/net")
    }

    deinit { close(descriptor) }

    /// Whether both are one namespace.
    public func isSame(as other: borrowing NetworkNamespace) -> Bool {
        var first = stat()
        var second = stat()
        guard fstat(descriptor, &first) == 0, fstat(other.descriptor, &second) == 0 else { return false }
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino
    }

    /// Runs `body` on a thread of its own inside the namespace. The thread ends with it: a thread that changed its
    /// namespace must not serve anybody else.
    public func perform<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let result = Outcome<Value>()
        let done = DispatchSemaphore(value: 0)
        let thread = Thread { [descriptor, name] in
            defer { done.signal() }
            guard bulkhead_enter_network_namespace(descriptor) == 0 else {
                let reason = String(cString: strerror(errno))
                result.set(.failure(WorkloadSourceError("Cannot enter the network namespace \(name): \(reason).")))
                return
            }
            result.set(Result { try body() })
        }
        thread.start()
        done.wait()
        guard let value = result.take() else {
            throw WorkloadSourceError("The visit to the network namespace \(name) ended without a result.")
        }
        return try value.get()
    }
}

/// Carries a result from one thread to another.
private final class Outcome<Value: Sendable>: Sendable {
    private let state = Mutex<Result<Value, any Error>?>(nil)

    func set(_ result: Result<Value, any Error>) { state.withLock { $0 = result } }

    func take() -> Result<Value, any Error>? { state.withLock { $0.take() } }
}
