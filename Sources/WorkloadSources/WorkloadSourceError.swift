/// Why a workload cannot be found or described. The text is for the person who named it.
public struct WorkloadSourceError: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String

    public init(_ message: String) { self.message = message }

    public var description: String { message }
}
