import ControlPlane
import Dataplane
import Datastore
import FlowLogs
import Foundation
import KubernetesClient
import Logging
import PolicyModel

/// The real server on a free port, with the kubeconfig it wrote.
enum ServerFixture {
    static func run(_ body: @escaping @Sendable (Kubeconfig) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "client-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var logger = Logger(label: "client-tests")
        logger.logLevel = .error
        let server = APIServer(
            configuration: .init(stateDirectory: folder, listenAddress: "127.0.0.1:0"),
            store: try SQLiteStore(path: folder + "/store.sqlite"), node: IdleNode(),
            flows: try SQLiteFlowStore(path: folder + "/flows.sqlite"), logger: logger)
        let (readiness, announce) = AsyncStream.makeStream(of: APIServer.Ready.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { announce.finish() }
                try await server.run { announce.yield($0) }
            }
            for await ready in readiness {
                try await body(try Kubeconfig.load(path: ready.kubeconfig))
                break
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}

/// A node that enforces nothing and says so when the time is up.
private struct IdleNode: NodeReporting {
    func report() async -> NodeReport {
        NodeReport(
            node: "idle", observing: false, storeRevision: 0, kernelRevision: nil, endpoints: [],
            dataplane: DataplaneStatus(
                revision: nil, policed: [:], maps: [], systemCounts: [:], eventsLost: 0, warnings: []), warnings: [])
    }

    func waitUntilEnforced(revision: Int64, endpoint: EndpointKey?, timeoutSeconds: Double) async -> EnforcementResult {
        try? await Task.sleep(for: .seconds(timeoutSeconds))
        return .failed("nothing is enforced here")
    }

    func hostAddresses() async -> [IPAddress] { [] }

    func stateNumber() async -> UInt64 { 0 }
    func enforcedWorld() async -> (revision: Int64, world: PolicyWorld) { (0, PolicyWorld()) }
}
