import PolicyModel

/// What an OCI runtime tells a hook on its standard input (runtime-spec, "State").
public struct OCIState: Sendable, Hashable {
    public var containerID: String
    /// nil once the container has stopped.
    public var processID: Int32?
    /// The folder of the container's `config.json`.
    public var bundle: String

    public init(containerID: String, processID: Int32?, bundle: String) {
        self.containerID = containerID
        self.processID = processID
        self.bundle = bundle
    }

    public init(parsing text: String) throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: text)
        } catch {
            throw WorkloadSourceError("The OCI runtime's state on standard input is not JSON: \(error).")
        }
        guard let identifier = value["id"]?.stringValue, !identifier.isEmpty, let bundle = value["bundle"]?.stringValue else {
            throw WorkloadSourceError("The OCI runtime's state on standard input has no id or no bundle.")
        }
        var process: Int32?
        if case .integer(let number)? = value["pid"], number > 0 { process = Int32(exactly: number) }
        self.init(containerID: identifier, processID: process, bundle: bundle)
    }
}
