import Glibc

/// A failed exchange with the kernel's rtnetlink.
public struct RouteError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was tried: "list the interfaces".
    public var operation: String
    /// An `errno` value.
    public var code: Int32

    public init(operation: String, code: Int32) {
        self.operation = operation
        self.code = code
    }

    public var description: String { "cannot \(operation): \(String(cString: strerror(code)))" }
}
