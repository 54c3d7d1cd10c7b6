import ControlPlane
import Dataplane
import Datastore
import Foundation
import Logging
import PolicyModel
import Synchronization
import Testing

/// A node that has in force what a test says.
private final class StatedNode: NodeReporting {
    struct State {
        var revision: Int64 = 0
        var world = PolicyWorld.builtIn
        var report = NodeReport(
            node: "here", observing: false, storeRevision: 0, kernelRevision: 0, endpoints: [],
            dataplane: DataplaneStatus(
                revision: 0, policed: [:], maps: [], systemCounts: [:], eventsLost: 0, warnings: []), warnings: [])
        var measures: [Int64: EnforcementMeasure] = [:]
        var told: (number: UInt64, world: PolicyWorld, report: NodeReport)?
    }

    let state = Mutex(State())

    /// How often a pass has asked for a report.
    let reports = Mutex(0)

    func report() async -> NodeReport {
        reports.withLock { $0 += 1 }
        return state.withLock { $0.report }
    }
    func stateNumber() async -> UInt64 {
        state.withLock { state in
            if let told = state.told, told.world == state.world, told.report == state.report { return told.number }
            let number = (state.told?.number ?? 0) + 1
            state.told = (number, state.world, state.report)
            return number
        }
    }
    func waitUntilEnforced(revision: Int64, endpoint: EndpointKey?, timeoutSeconds: Double) async -> EnforcementResult {
        .failed("not asked")
    }
    func enforcedWorld() async -> (revision: Int64, world: PolicyWorld) { state.withLock { ($0.revision, $0.world) } }
    func enforcementMeasure(of revision: Int64) async -> EnforcementMeasure? { state.withLock { $0.measures[revision] } }
    func hostAddresses() async -> [IPAddress] { [] }
}

@Suite(.timeLimit(.minutes(1))) final class PolicyStatusTests: Sendable {
    private let folder = NSTemporaryDirectory() + "policy-status-" + UUID().uuidString
    private let node = StatedNode()
    private let store: SQLiteStore
    private let key = StoreKey(resource: "networkpolicies.projectcalico.org", namespace: "shop", name: "web")
    private let reference = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "web")

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        store = try SQLiteStore(path: folder + "/store.sqlite")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func object(generation: Int64) -> JSONValue {
        [
            "apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
            "metadata": ["namespace": "shop", "name": "web", "generation": .integer(generation)], "spec": ["selector": "app == 'web'"],
        ]
    }

    /// In force at a revision, with two web endpoints here, one elsewhere and one of another name.
    private func enforce(_ revision: Int64, milliseconds: Double? = nil) throws {
        let selector = try Selector("app == 'web'")
        node.state.withLock { state in
            state.revision = revision
            state.world.namespaces["shop"] = Namespace(name: "shop")
            state.world.policies[reference] = Policy(reference: reference, selector: selector, directions: [.ingress])
            for (name, label, node) in [("a", "web", "here"), ("b", "web", ""), ("c", "web", "far"), ("d", "other", "here")] {
                let endpoint = EndpointKey(namespace: "shop", name: name)
                state.world.endpoints[endpoint] = WorkloadEndpoint(key: endpoint, labels: ["app": label], node: node)
            }
            if let milliseconds {
                state.measures[revision] = EnforcementMeasure(enforced: .now, milliseconds: milliseconds)
            }
        }
    }

    private func running(_ body: () async throws -> Void) async throws {
        let writer = PolicyStatusWriter(
            store: store, node: node, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            interval: .milliseconds(10), now: { 1_767_225_600_000_000_000 })
        let task = Task { await writer.run() }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        task.cancel()
        await task.value
        try outcome.get()
    }

    private func status(where condition: (JSONValue) -> Bool) async throws -> JSONValue {
        while true {
            if let status = try await store.get(key)?.value["status"], condition(status) { return status }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test func aPolicySaysWhatItDoes() async throws {
        let created = try await store.create(key, value: object(generation: 1))
        try enforce(created.revision, milliseconds: 1.23456)
        try await running {
            let status = try await self.status { _ in true }
            #expect(status["observedGeneration"] == 1)
            #expect(status["endpoints"] == ["node": 2, "all": 3])
            #expect(status["milliseconds"] == .number(1.235))
            #expect(status["warnings"] == [])
            let since = try #require(status["inForceSince"]?.stringValue)
            #expect(since.hasPrefix("2025-12-31T23:5") || since == "2026-01-01T00:00:00.000Z")
            let written = try #require(try await store.get(key))
            #expect(written.value["metadata"]?["generation"] == 1)
            #expect(written.value["spec"] == object(generation: 1)["spec"])

            // Its own write makes no other.
            node.state.withLock { $0.revision = written.revision }
            try await Task.sleep(for: .milliseconds(200))
            #expect(try await store.get(key)?.revision == written.revision)
        }
    }

    @Test func aChangeIsToldWhenItIsInForce() async throws {
        try enforce(try await store.create(key, value: object(generation: 1)).revision, milliseconds: 1)
        try await running {
            let first = try await self.status { _ in true }
            var changed = object(generation: 2)
            changed["status"] = first
            let revision = try await store.update(key, value: changed, expected: nil).revision
            try await Task.sleep(for: .milliseconds(100))
            #expect(try await store.get(key)?.value["status"] == first, "a generation that is not in force is told as if it were")
            node.state.withLock { $0.report.delay = "the kernel map is full" }
            let delayed = try await self.status { $0["warnings"] != [] }
            #expect(delayed["warnings"] == ["Generation 2 is not in force: the kernel map is full"])
            #expect(delayed["observedGeneration"] == 1)
            #expect(delayed["inForceSince"] == first["inForceSince"])
            node.state.withLock { $0.report.delay = nil }
            try enforce(revision, milliseconds: 7)
            let second = try await self.status { $0["observedGeneration"] == 2 }
            #expect(second["milliseconds"] == .number(7))
            #expect(second["warnings"] == [])
        }
    }

    @Test func warningsFollowTheNode() async throws {
        let created = try await store.create(key, value: object(generation: 1))
        try enforce(created.revision)
        let open = EndpointKey(namespace: "shop", name: "a")
        node.state.withLock { state in
            state.report.observing = true
            state.report.endpoints = [
                .init(key: open, interfaceName: "veth1", addresses: [], policed: false, message: "Interface veth1 does not exist.")
            ]
            state.world.tiers["default"] = nil
        }
        try await running {
            let status = try await self.status { _ in true }
            #expect(status["milliseconds"] == nil)
            #expect(
                status["warnings"] == [
                    "There is no tier default: the policy does nothing until there is.",
                    "1 of its endpoints on this node are not policed, shop/a: Interface veth1 does not exist.",
                    "The node only observes: nothing is enforced.",
                ])
            node.state.withLock { state in
                state.world = .builtIn
                state.world.policies[reference] = Policy(reference: reference, directions: [.ingress])
                state.report.endpoints = []
                state.report.observing = false
                state.report.unreadable = [key: "its last good version stays in force: spec.selector: wrong"]
            }
            let unreadable = try await self.status { $0["endpoints"] == ["node": 0, "all": 0] }
            #expect(
                unreadable["warnings"] == [
                    "The newest version cannot be read, its last good version stays in force: spec.selector: wrong",
                    "It selects no endpoint.",
                ])
        }
    }

    /// A node on which nothing happens is not asked for a report again and again: that reads the kernel.
    @Test func nothingNewIsNotLookedAt() async throws {
        let created = try await store.create(key, value: object(generation: 1))
        try enforce(created.revision)
        try await running {
            _ = try await self.status { _ in true }
            // Its own write is seen once more.
            try await Task.sleep(for: .milliseconds(100))
            let before = node.reports.withLock { $0 }
            try await Task.sleep(for: .milliseconds(300))
            #expect(node.reports.withLock { $0 } == before)
            node.state.withLock { $0.report.delay = "the kernel map is full" }
            while node.reports.withLock({ $0 }) == before { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    /// Two hundred changes a second of what a status says are a few writes.
    @Test func churnIsGathered() async throws {
        let created = try await store.create(key, value: object(generation: 1))
        try enforce(created.revision)
        let writer = PolicyStatusWriter(
            store: store, node: node, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            interval: .milliseconds(250), now: { 0 })
        let start = ContinuousClock.now
        let task = Task { await writer.run() }
        for number in 0..<200 {
            node.state.withLock { state in
                let endpoint = EndpointKey(namespace: "shop", name: "new-\(number)")
                state.world.endpoints[endpoint] = WorkloadEndpoint(key: endpoint, labels: ["app": "web"])
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        _ = try await self.status { $0["endpoints"] == ["node": 202, "all": 203] }
        task.cancel()
        await task.value
        let writes = try await store.list(resource: nil, namespace: nil).revision - created.revision
        let passes = Int64(start.duration(to: .now) / .milliseconds(250)) + 2
        #expect(writes >= 1 && writes <= passes, "\(writes) writes in \(passes) passes")
    }
}
