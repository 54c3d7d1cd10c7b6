import PolicyModel

/// What a source asks of the API.
public protocol WorkloadRegistry: Sendable {
    /// Every WorkloadEndpoint.
    func endpoints() async throws -> [JSONValue]
    /// Creates the namespace unless there is one.
    func ensureNamespace(_ name: String) async throws
    /// Creates the WorkloadEndpoint or replaces the one of its name, and returns its revision.
    func put(_ endpoint: EndpointDescription) async throws -> Int64
    /// Does nothing when there is none.
    func removeEndpoint(_ key: EndpointKey) async throws
    /// Returns when the kernel has everything up to `revision` and polices the endpoint; throws why not, also after
    /// `timeoutSeconds`.
    func waitUntilEnforced(revision: Int64, endpoint: EndpointKey, timeoutSeconds: Double) async throws
    /// Why the policies in force would deny a connection of the endpoint, were it policed; nil when they would not.
    func denial(of connection: EstablishedConnection, with endpoint: EndpointDescription) async throws -> String?
}
