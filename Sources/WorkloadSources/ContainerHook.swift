import Foundation
import Netlink
import PolicyModel

/// What runs inside an OCI runtime while it starts and after it stops a container.
///
/// `createRuntime` is called when the container's interface has its addresses and its process has not begun: the
/// runtime waits, and a failure refuses the container. So no packet of the process comes before its first table.
public struct ContainerHook: Sendable {
    public enum Outcome: Sendable, Hashable {
        case policed(EndpointKey)
        /// The container lives in the network namespace of another one, whose endpoint this is.
        case shares(EndpointKey)
        /// There is nothing to police, or nothing that can be told apart from the host; the reason for the log.
        case notPoliced(String)
        case removed([EndpointKey])
    }

    private let connect: @Sendable () throws -> any WorkloadRegistry
    private let isRootless: Bool
    private let engine: PodmanEngine
    private let timeoutSeconds: Double
    private let log: @Sendable (String) -> Void

    /// - Parameters:
    ///   - connect: called when there is something to police: what a user may not read must not refuse that user's
    ///     containers, which are never policed.
    ///   - timeoutSeconds: how long a container may wait for its first table before it is refused.
    ///   - log: a line for the engine's log.
    public init(
        engine: PodmanEngine = .caller, timeoutSeconds: Double = 10, isRootless: Bool = Self.runsRootless,
        log: @escaping @Sendable (String) -> Void, connect: @escaping @Sendable () throws -> any WorkloadRegistry
    ) {
        self.connect = connect
        self.isRootless = isRootless
        self.engine = engine
        self.timeoutSeconds = timeoutSeconds
        self.log = log
    }

    /// When it throws, the container must not start.
    public func createRuntime(_ state: OCIState) async throws -> Outcome {
        guard let process = state.processID else {
            throw WorkloadSourceError("The OCI runtime named no process: this must run at the stage createRuntime.")
        }
        if isRootless { return .notPoliced(Self.rootless) }
        switch try Self.look(process: process) {
        case .host:
            return .notPoliced("container on the host's network: its traffic cannot be told from the host's")
        case .isolated:
            return .notPoliced("container without a network interface: there is nothing to police")
        case .interface(let found):
            let registry = try connect()
            let others = try await registry.endpoints()
            if BundleConfiguration(bundle: state.bundle)?.joinsOther == true,
                let owner = others.first(where: { Self.isContainer($0) && Self.interfaceName($0) == found.hostName }),
                let key = Self.key(owner)
            {
                try await registry.waitUntilEnforced(revision: 0, endpoint: key, timeoutSeconds: timeoutSeconds)
                return .shares(key)
            }
            return .policed(try await police(state, on: found, others: others, registry))
        }
    }

    public func poststop(_ state: OCIState) async throws -> Outcome {
        if isRootless { return .notPoliced(Self.rootless) }
        let registry = try connect()
        var removed: [EndpointKey] = []
        for endpoint in try await registry.endpoints() where Self.containerID(endpoint) == state.containerID {
            guard let key = Self.key(endpoint) else { continue }
            try await registry.removeEndpoint(key)
            removed.append(key)
        }
        return .removed(removed.sorted())
    }

    // MARK: Parts

    private func police(
        _ state: OCIState, on found: WorkloadInterface, others: [JSONValue], _ registry: any WorkloadRegistry
    ) async throws -> EndpointKey {
        guard !found.addresses.isEmpty else {
            throw WorkloadSourceError("Interface \(found.innerName) of container \(state.containerID) has no address.")
        }
        let identity = try engine.identify(state)
        let (labels, skipped) = identity.usableLabels()
        if !skipped.isEmpty {
            log("container \(identity.name): not valid as Kubernetes labels and left out: \(skipped.joined(separator: ", "))")
        }
        var endpoint = EndpointDescription(namespace: try identity.namespace(), name: try identity.endpointName())
        endpoint.orchestrator = "podman"
        endpoint.containerID = state.containerID
        endpoint.labels = labels
        endpoint.interfaceName = found.hostName
        endpoint.innerInterfaceName = found.innerName
        endpoint.addresses = found.addresses

        if let holder = others.first(where: { Self.key($0) == endpoint.key }) {
            try Self.requireAbandoned(holder, for: state, interface: found.hostName)
        }
        for stale in others where Self.key(stale) != endpoint.key && Self.isContainer(stale) {
            // One address, one identity: what a container that was killed left behind must not be its heir's.
            guard Self.interfaceName(stale) == found.hostName || Self.containerID(stale) == state.containerID,
                let key = Self.key(stale)
            else { continue }
            try await registry.removeEndpoint(key)
        }
        try await registry.ensureNamespace(endpoint.namespace)
        let revision = try await registry.put(endpoint)
        do {
            try await registry.waitUntilEnforced(
                revision: revision, endpoint: endpoint.key, timeoutSeconds: timeoutSeconds)
        } catch {
            // The container is refused: nothing must be left that claims its address.
            try? await registry.removeEndpoint(endpoint.key)
            throw error
        }
        return endpoint.key
    }

    private static func requireAbandoned(_ holder: JSONValue, for state: OCIState, interface: String) throws {
        let name = key(holder).map(\.description) ?? ""
        guard isContainer(holder) else {
            throw WorkloadSourceError(
                "The workload endpoint \(name) exists and is no container's: give the container another name, or another "
                    + "namespace by the label \(ContainerIdentity.namespaceLabel).")
        }
        let former = interfaceName(holder)
        guard containerID(holder) != state.containerID, former != interface,
            try NetworkInterface.all().contains(where: { $0.name == former })
        else { return }
        throw WorkloadSourceError(
            "The workload endpoint \(name) belongs to container \(containerID(holder)), which is running: give this one "
                + "another name, or another namespace by the label \(ContainerIdentity.namespaceLabel).")
    }

    private enum Sight {
        case host
        case isolated
        case interface(WorkloadInterface)
    }

    private static func look(process: Int32) throws -> Sight {
        let namespace = try NetworkNamespace("/proc/\(process)/ns/net")
        guard !namespace.isSame(as: try NetworkNamespace.current()) else { return .host }
        let hasInterfaces = try namespace.perform { try NetworkInterface.all().contains { !$0.isLoopback } }
        return hasInterfaces ? .interface(try WorkloadInterface.find(in: namespace)) : .isolated
    }

    private static let rootless = "rootless container: its traffic cannot be told from the user's other processes"

    /// Whether this process was started for a user's engine. Root of a user namespace is not root.
    public static var runsRootless: Bool {
        guard let map = FileManager.default.contents(atPath: "/proc/self/uid_map") else { return false }
        let numbers = String(decoding: map, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return numbers != ["0", "0", "4294967295"]
    }

    private static func key(_ endpoint: JSONValue) -> EndpointKey? {
        guard let namespace = endpoint["metadata"]?["namespace"]?.stringValue,
            let name = endpoint["metadata"]?["name"]?.stringValue
        else { return nil }
        return EndpointKey(namespace: namespace, name: name)
    }

    private static func interfaceName(_ endpoint: JSONValue) -> String {
        endpoint["spec"]?["interfaceName"]?.stringValue ?? ""
    }

    private static func containerID(_ endpoint: JSONValue) -> String {
        endpoint["spec"]?["containerID"]?.stringValue ?? ""
    }

    private static func isContainer(_ endpoint: JSONValue) -> Bool { !containerID(endpoint).isEmpty }
}
