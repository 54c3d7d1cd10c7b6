import Foundation
import Netlink
import PolicyModel

/// What runs inside an OCI runtime while it starts and after it stops a container.
///
/// `createRuntime` is called when the container's interface has its addresses and its process has not begun: the
/// runtime waits, and a failure refuses the container. So no packet of the process comes before its first table.
public struct ContainerHook: Sendable {
    public enum Outcome: Sendable, Hashable {
        /// One for each of its interfaces.
        case policed([EndpointKey])
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
        if isRootless { return .notPoliced(ContainerPlacement.rootlessReason) }
        switch try ContainerPlacement.look(process: process) {
        case .host: return .notPoliced(ContainerPlacement.hostReason)
        case .isolated: return .notPoliced(ContainerPlacement.isolatedReason)
        case .interfaces(let found):
            let registry = try connect()
            let others = try await registry.endpoints()
            let names = Set(found.map(\.hostName))
            if BundleConfiguration(bundle: state.bundle)?.joinsOther == true,
                let key = others.map(StoredEndpoint.init).first(where: { $0.isContainer && names.contains($0.interfaceName) })?.key
            {
                try await registry.waitUntilEnforced(revision: 0, endpoint: key, timeoutSeconds: timeoutSeconds)
                return .shares(key)
            }
            return .policed(try await police(state, on: found, others: others, registry))
        }
    }

    public func poststop(_ state: OCIState) async throws -> Outcome {
        if isRootless { return .notPoliced(ContainerPlacement.rootlessReason) }
        let registry = try connect()
        var removed: [EndpointKey] = []
        for endpoint in try await registry.endpoints().map(StoredEndpoint.init) where endpoint.containerID == state.containerID {
            guard let key = endpoint.key else { continue }
            try await registry.removeEndpoint(key)
            removed.append(key)
        }
        return .removed(removed.sorted())
    }

    // MARK: Parts

    /// Every interface, or none and an error.
    private func police(
        _ state: OCIState, on found: [WorkloadInterface], others: [JSONValue], _ registry: any WorkloadRegistry
    ) async throws -> [EndpointKey] {
        if let bare = found.first(where: \.addresses.isEmpty) {
            throw WorkloadSourceError("Interface \(bare.innerName) of container \(state.containerID) has no address.")
        }
        let identity = try engine.identify(state)
        let skipped = identity.usableLabels().skipped
        if !skipped.isEmpty {
            log("container \(identity.name): not valid as Kubernetes labels and left out: \(skipped.joined(separator: ", "))")
        }
        let endpoints = try ContainerEndpoints(
            identity, engine: "podman", containerID: state.containerID, interfaces: found, existing: others,
            hostInterfaces: Set(try NetworkInterface.all().map(\.name)))
        for key in endpoints.stale { try await registry.removeEndpoint(key) }
        var written: [EndpointKey] = []
        do {
            for endpoint in endpoints.wanted {
                try await registry.ensureNamespace(endpoint.namespace)
                let revision = try await registry.put(endpoint)
                written.append(endpoint.key)
                try await registry.waitUntilEnforced(
                    revision: revision, endpoint: endpoint.key, timeoutSeconds: timeoutSeconds)
            }
        } catch {
            // The container is refused: nothing must be left that claims its addresses.
            for key in written { try? await registry.removeEndpoint(key) }
            throw error
        }
        return written
    }

    /// Whether this process was started for a user's engine. Root of a user namespace is not root.
    public static var runsRootless: Bool {
        guard let map = FileManager.default.contents(atPath: "/proc/self/uid_map") else { return false }
        let numbers = String(decoding: map, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return numbers != ["0", "0", "4294967295"]
    }
}
