import ControlPlane
import Dataplane
import FlowLogs
import Foundation
import Logging
import Netlink
import PolicyModel
import Synchronization

@testable import Datastore
@testable import NodeAgent

/// Interfaces that a test names.
final class NamedLinks: LinkSource {
    private let state = Mutex<(links: [String: InterfaceIdentity], handler: (@Sendable ([String: InterfaceIdentity]) -> Void)?)>(
        ([:], nil))

    func start(
        _ handler: @escaping @Sendable ([String: InterfaceIdentity]) -> Void, onFailure: @escaping @Sendable (String?) -> Void
    ) throws {
        let links = state.withLock { state in
            state.handler = handler
            return state.links
        }
        handler(links)
    }

    func stop() { state.withLock { $0.handler = nil } }

    func addresses() throws -> [IPAddress] { [IPAddress(v4: 0xc000_0201)] }

    /// Veths.
    func set(_ indexes: [String: Int32]) {
        set(links: indexes.mapValues { InterfaceIdentity(index: $0, nature: .veth) })
    }

    func set(links: [String: InterfaceIdentity]) {
        let handler = state.withLock { state in
            state.links = links
            return state.handler
        }
        handler?(links)
    }
}

/// A running agent over a real store, with a dataplane that records.
struct AgentFixture {
    let folder: URL
    let store: SQLiteStore
    let flows: SQLiteFlowStore
    let dataplane = RecordingDataplane()
    let links = NamedLinks()
    let accepted: AcceptedVersions
    let logged: LoggedLines
    let agent: NodeAgent

    /// - Parameters:
    ///   - state: the folder that another agent had; nil: a new one.
    ///   - sync: fdatasync(2) of the store, or what stands for it.
    init(state: URL? = nil, sync: @escaping @Sendable (Int32) -> Int32 = { fdatasync($0) }) throws {
        folder = state
            ?? FileManager.default.temporaryDirectory.appendingPathComponent("bulkhead-agent-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        accepted = try AcceptedVersions(path: folder.path + "/accepted.sqlite", place: "here")
        let logged = LoggedLines()
        self.logged = logged
        store = try SQLiteStore(path: folder.path + "/store.sqlite", sync: sync)
        flows = try SQLiteFlowStore(path: folder.path + "/flows.sqlite")
        var configuration = NodeAgentConfiguration(node: "here")
        configuration.flowWindow = .milliseconds(50)
        configuration.firstRetryDelay = .milliseconds(10)
        configuration.containerGracePeriod = .milliseconds(200)
        agent = NodeAgent(
            configuration: configuration, store: store, flowStore: flows, accepted: accepted,
            links: links, logger: Logger(label: "test") { _ in logged }, makeDataplane: { [dataplane] in dataplane })
    }

    /// Runs `body` beside the agent, then stops the agent and waits for it.
    /// - Parameter keeping: leave the folder for another agent.
    func run(keeping: Bool = false, _ body: () async throws -> Void) async throws {
        defer { if !keeping { try? FileManager.default.removeItem(at: folder) } }
        try await agent.start()
        let running = Task { [agent] in await agent.run() }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        running.cancel()
        await running.value
        if keeping {
            try store.close()
            try flows.close()
            try accepted.close()
        }
        try outcome.get()
    }

    @discardableResult
    func put(_ object: JSONValue) async throws -> Int64 {
        let (resource, namespace, name) = Self.place(object)
        let key = StoreKey(resource: resource, namespace: namespace, name: name)
        if try await store.get(key) != nil { return try await store.update(key, value: object, expected: nil).revision }
        return try await store.create(key, value: object).revision
    }

    func enforced(_ revision: Int64, _ endpoint: EndpointKey? = nil, within seconds: Double = 5) async -> EnforcementResult {
        await agent.waitUntilEnforced(revision: revision, endpoint: endpoint, timeoutSeconds: seconds)
    }

    /// Polls, since some effects have no waiter of their own.
    func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
        for _ in 0..<500 {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    private static func place(_ object: JSONValue) -> (String, String, String) {
        let kind = Kinds.find(object)
        return (
            kind?.resource ?? "", object["metadata"]?["namespace"]?.stringValue ?? "",
            object["metadata"]?["name"]?.stringValue ?? ""
        )
    }
}

enum Objects {
    static func endpoint(
        _ name: String, interface: String, address: String, node: String? = nil, container: String? = nil
    ) -> JSONValue {
        var spec: JSONValue = [
            "interfaceName": .string(interface), "ipNetworks": [.string(address + "/32")],
        ]
        if let node { spec["node"] = .string(node) }
        if let container {
            spec["orchestrator"] = "podman"
            spec["containerID"] = .string(container)
        }
        return [
            "apiVersion": "projectcalico.org/v3", "kind": "WorkloadEndpoint",
            "metadata": ["namespace": "default", "name": .string(name), "labels": ["app": .string(name)]], "spec": spec,
        ]
    }

    /// Denies all ingress of endpoints with the label `app=SELECTED`.
    static func denial(_ name: String, of selected: String) -> JSONValue {
        [
            "apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
            "metadata": ["namespace": "default", "name": .string(name)],
            "spec": ["tier": "default", "selector": .string("app == '\(selected)'"), "types": ["Ingress"]],
        ]
    }

    static func key(_ name: String) -> EndpointKey { EndpointKey(namespace: "default", name: name) }
}
