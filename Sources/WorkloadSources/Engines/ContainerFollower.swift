import AsyncHTTPClient
import Foundation
import Netlink
import PolicyModel

/// Follows the containers of one engine and keeps their WorkloadEndpoints right: those that run already, those that
/// start, what they are connected to, and those that end.
///
/// Events come after the fact. Where an OCI hook polices a container at its start, this finds its endpoints as they should
/// be and changes nothing; without a hook the container is open until this has seen it, and that time is measured.
public actor ContainerFollower {
    /// How long to wait before the engine is asked again.
    private static let retrySeconds = 1.0
    private static let enforcementSeconds = 20.0

    private let socketPath: String
    private let registry: any WorkloadRegistry
    private let board: ContainerBoard
    private let log: @Sendable (String) -> Void
    private var engine = ""
    /// What was said last of each container, so that it is said once.
    private var said: [String: String] = [:]
    /// When each container was started, as far as that has been seen.
    private var starts: [String: String] = [:]

    /// - Parameters:
    ///   - socketPath: where the engine listens; it need not be there yet.
    ///   - log: told what a person should know, once each.
    public init(
        socketPath: String, registry: any WorkloadRegistry, board: ContainerBoard, log: @escaping @Sendable (String) -> Void
    ) {
        self.socketPath = socketPath
        self.registry = registry
        self.board = board
        self.log = log
    }

    /// Until the task is cancelled.
    public func run() async {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        while !Task.isCancelled {
            if FileManager.default.fileExists(atPath: socketPath) {
                do {
                    if Self.isContainerd(socketPath) {
                        let connection = try await ContainerdConnection(socketPath: socketPath)
                        defer { connection.close() }
                        try await follow(connection)
                    } else {
                        try await follow(EngineConnection(socketPath: socketPath, client: client))
                    }
                    lost("it ended the stream of events")
                } catch {
                    if Task.isCancelled { break }
                    lost("\(error)")
                }
            } else {
                board.forget(engine: socketPath)
            }
            guard (try? await Task.sleep(for: .seconds(Self.retrySeconds))) != nil else { break }
        }
        try? await client.shutdown()
    }

    private func lost(_ reason: String) {
        board.change(engine: socketPath) { state in
            state.isConnected = false
            state.message = "not followed: \(reason)"
        }
    }

    // MARK: Following

    /// It has a protocol of its own, and no way to ask which.
    private static func isContainerd(_ socketPath: String) -> Bool {
        URL(fileURLWithPath: socketPath).lastPathComponent.contains("containerd")
    }

    private func follow(_ connection: some EngineAccess) async throws {
        engine = try await connection.engineName()
        // First the events, then the list: what happens in between is told, perhaps twice, never not at all.
        let changes = try await connection.changes()
        let running = try await connection.running()
        board.change(engine: socketPath) { [engine] state in
            state.name = engine
            state.isConnected = true
            state.message = ""
        }
        try await forgetAllBut(Set(running))
        for identifier in running { await refresh(identifier, connection, isFirstList: true) }
        for try await identifier in changes { await refresh(identifier, connection, isFirstList: false) }
    }

    /// Containers that ended while nobody looked.
    private func forgetAllBut(_ running: Set<String>) async throws {
        board.forgetContainers(of: engine)
        for endpoint in try await registry.endpoints().map(StoredEndpoint.init)
        where endpoint.orchestrator == engine && endpoint.isContainer && !running.contains(endpoint.containerID) {
            guard let key = endpoint.key, try Self.isOurs(endpoint) else { continue }
            try await registry.removeEndpoint(key)
        }
    }

    /// Another engine of the same kind may have containers here too: theirs still have their interface.
    private static func isOurs(_ endpoint: StoredEndpoint) throws -> Bool {
        try !NetworkInterface.all().contains { $0.name == endpoint.interfaceName }
    }

    // MARK: One container

    private func refresh(_ identifier: String, _ connection: some EngineAccess, isFirstList: Bool) async {
        var name = String(identifier.prefix(12))
        var publishedPorts: [String] = []
        do {
            guard let container = try await connection.container(identifier), let process = container.processID else {
                return try await forget(identifier)
            }
            name = container.identity.name
            publishedPorts = container.publishedPorts
            let isStart = !isFirstList && starts[identifier] != container.startedAt
            let outcome = try await police(container, process: process, isAdopted: isFirstList)
            starts[identifier] = container.startedAt
            if isStart, !outcome.keys.isEmpty, !container.joinsOther { note(start: container, isOpen: outcome.isNew) }
            note(container, endpoints: outcome.keys, message: outcome.message)
        } catch {
            if Task.isCancelled { return }
            say(identifier, "container \(name) of \(engine) is not policed: \(error)")
            board.set(
                ContainerBoard.Container(
                    engine: engine, name: name, identifier: identifier, endpoints: [], message: "\(error)",
                    publishedPorts: publishedPorts),
                identifier: identifier)
        }
    }

    /// - Parameter isOpen: nobody had policed it yet, so it could send meanwhile.
    private func note(start container: EngineContainer, isOpen: Bool) {
        board.change(engine: socketPath) { $0.hasOpenStart = isOpen }
        if isOpen, let milliseconds = container.milliseconds(since: .now) { board.measured(max(0, milliseconds), engine: socketPath) }
    }

    private struct Outcome {
        var keys: [EndpointKey] = []
        var message = ""
        /// Whether something had to be written: nobody had policed it yet.
        var isNew = false
    }

    /// - Parameter isAdopted: it ran before anybody could police it, and may have connections.
    private func police(_ container: EngineContainer, process: Int32, isAdopted: Bool) async throws -> Outcome {
        let existing = try await registry.endpoints()
        let found: [WorkloadInterface]
        switch try ContainerPlacement.look(process: process) {
        case .host: return Outcome(message: ContainerPlacement.hostReason)
        case .isolated:
            try await remove(existing.map(StoredEndpoint.init).filter { $0.containerID == container.identifier })
            return Outcome(message: ContainerPlacement.isolatedReason)
        case .interfaces(let interfaces): found = interfaces
        }
        let stored = existing.map(StoredEndpoint.init)
        let names = Set(found.map(\.hostName))
        // One network namespace, one endpoint: that of the container whose namespace it is.
        let owners = stored.filter { names.contains($0.interfaceName) && $0.isContainer && $0.containerID != container.identifier }
        if container.joinsOther, let owner = owners.first?.key {
            return Outcome(keys: owners.compactMap(\.key), message: "shares the network of \(owner)")
        }
        let endpoints = try ContainerEndpoints(
            container.identity, engine: engine, containerID: container.identifier, interfaces: found,
            networks: container.networks, existing: existing, hostInterfaces: Set(try NetworkInterface.all().map(\.name)))
        let wanted = Set(endpoints.wanted.map(\.key))
        try await remove(stored.filter { endpoint in
            endpoint.key.map { endpoints.stale.contains($0) && !wanted.contains($0) } ?? false
        })
        var outcome = Outcome(keys: endpoints.wanted.map(\.key))
        for endpoint in endpoints.wanted {
            if let there = stored.first(where: { $0.key == endpoint.key }), says(there, endpoint) { continue }
            outcome.isNew = true
            try await registry.ensureNamespace(endpoint.namespace)
            if isAdopted { await announceDenials(container, endpoint, process: process) }
            let revision = try await registry.put(endpoint)
            try await registry.waitUntilEnforced(
                revision: revision, endpoint: endpoint.key, timeoutSeconds: Self.enforcementSeconds)
        }
        return outcome
    }

    /// A hook does not know the networks' names: their labels are added, which is no start that was missed.
    private func says(_ stored: StoredEndpoint, _ endpoint: EndpointDescription) -> Bool {
        var bare = endpoint
        bare.labels[ContainerIdentity.networkLabel] = nil
        return stored.says(endpoint) || stored.says(bare)
    }

    private func forget(_ identifier: String) async throws {
        board.set(nil, identifier: identifier)
        said[identifier] = nil
        starts[identifier] = nil
        try await remove(try await registry.endpoints().map(StoredEndpoint.init).filter { $0.containerID == identifier })
    }

    private func remove(_ endpoints: [StoredEndpoint]) async throws {
        for key in endpoints.compactMap(\.key) { try await registry.removeEndpoint(key) }
    }

    // MARK: Telling

    /// More connections of one container are not looked at before it is policed.
    private static let announcedConnections = 200

    /// Says which of the connections that it has open end when it is policed.
    private func announceDenials(_ container: EngineContainer, _ endpoint: EndpointDescription, process: Int32) async {
        let own = EstablishedConnection.all(process: process).filter { endpoint.addresses.contains($0.local) }
        for connection in own.prefix(Self.announcedConnections) {
            guard let reason = try? await registry.denial(of: connection, with: endpoint) else { continue }
            let arrow = connection.isInbound ? "from" : "to"
            let port = connection.isInbound ? connection.localPort : connection.remotePort
            log(
                "container \(container.identity.name) of \(engine) runs already: its connection \(arrow) \(connection.remote), "
                    + "tcp/\(port), is denied from now on by \(reason)")
        }
    }

    private func note(_ container: EngineContainer, endpoints: [EndpointKey], message: String) {
        board.set(
            ContainerBoard.Container(
                engine: engine, name: container.identity.name, identifier: container.identifier,
                endpoints: endpoints.map(\.description), message: message, publishedPorts: container.publishedPorts),
            identifier: container.identifier)
        if endpoints.isEmpty, !message.isEmpty {
            say(container.identifier, "container \(container.identity.name) of \(engine) is not policed: \(message)")
        } else {
            said[container.identifier] = nil
        }
    }

    private func say(_ identifier: String, _ sentence: String) {
        guard said[identifier] != sentence else { return }
        said[identifier] = sentence
        log(sentence)
    }
}
