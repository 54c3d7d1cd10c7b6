/// What a follower asks of a container engine.
protocol EngineAccess: Sendable {
    /// `docker`, `podman`, `containerd`.
    func engineName() async throws -> String
    /// Identifiers of containers to which something happens from now on; ends when the engine ends.
    func changes() async throws -> AsyncThrowingStream<String, any Error>
    /// The identifiers of those that run.
    func running() async throws -> [String]
    /// nil when there is none.
    func container(_ identifier: String) async throws -> EngineContainer?
}
