import Glibc

/// A hook or a filter that the kernel would not make, remove or list.
public struct TrafficControlError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A verb with its object: "attach bulkhead_from_workload".
    public var operation: String
    public var interface: String
    /// An `errno` value.
    public var code: Int32
    /// The kernel's own explanation; empty where it gave none.
    public var text: String

    public init(operation: String, interface: String, code: Int32, text: String = "") {
        self.operation = operation
        self.interface = interface
        self.code = code
        self.text = text
    }

    public var description: String {
        "cannot \(operation) on interface \(interface): " + String(cString: strerror(code))
            + (text.isEmpty ? "" : " (\(text))")
    }
}
