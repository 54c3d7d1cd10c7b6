import Datastore
import Foundation
import PolicyModel
import Testing

@testable import ControlPlane

@Suite struct WriteRaceTests {
    private func with(_ body: (ObjectWriter, RacingStore) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.path + "/bulkhead-race-\(UUID().uuidString).sqlite"
        defer { for suffix in ["", "-wal", "-shm", ".lock"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
        let file = try SQLiteStore(path: path)
        let store = RacingStore(file, races: 0)
        let catalog = ResourceCatalog(kinds: Kinds.all)
        let writer = ObjectWriter(
            store: store, references: References(store: store, catalog: catalog), gate: WriteGate(), now: { 1_700_000_000 })
        try await DefaultObjects(writer: writer, catalog: catalog).ensure()
        try await body(writer, store)
        try file.close()
    }

    private let kind = Kinds.networkPolicy

    /// The server's own writes of a status are no reason to refuse a write that demands no version.
    @Test func aWriteWithoutAVersionMeetsNoConflict() async throws {
        try await with { writer, store in
            _ = try await writer.create(ObjectAPITests.policy("web"), kind: kind, namespace: "default", options: WriteOptions())
            store.set(races: 3)
            let replaced = try await writer.replace(
                ObjectAPITests.policy("web", spec: ["selector": "all()", "order": 3]), kind: kind, namespace: "default",
                name: "web", options: WriteOptions())
            #expect(store.racesLeft == 0)
            #expect(replaced.value["spec"]?["order"] == 3)
            #expect(replaced.value["status"]?["races"] == 3)
        }
    }

    @Test func aWriteWithAVersionIsStillRefused() async throws {
        try await with { writer, store in
            let made = try await writer.create(
                ObjectAPITests.policy("web"), kind: kind, namespace: "default", options: WriteOptions())
            var changed = made.value
            changed["spec"]?["order"] = 3
            store.set(races: 1)
            await #expect(throws: APIFailure.self) {
                try await writer.replace(changed, kind: kind, namespace: "default", name: "web", options: WriteOptions())
            }
            #expect(try await store.get(writer.key(kind, "default", "web"))?.value["spec"]?["order"] == nil)
        }
    }

    @Test func aRaceWithoutEndIsAConflict() async throws {
        try await with { writer, store in
            _ = try await writer.create(ObjectAPITests.policy("web"), kind: kind, namespace: "default", options: WriteOptions())
            store.set(races: 1000)
            do {
                _ = try await writer.replace(
                    ObjectAPITests.policy("web", spec: ["selector": "all()", "order": 3]), kind: kind, namespace: "default",
                    name: "web", options: WriteOptions())
                Issue.record("the write should have been refused")
            } catch let failure as APIFailure {
                #expect(failure.code == 409)
            }
            #expect(store.racesLeft == 1000 - Limits.writeAttempts)
        }
    }

    @Test func whatDoesNothingIsWarnedOf() async throws {
        try await with { writer, _ in
            let policy = ObjectAPITests.policy(
                "web", spec: ["selector": "all()", "types": ["Ingress"], "egress": [["action": "Allow"]]])
            let made = try await writer.create(policy, kind: kind, namespace: "default", options: WriteOptions())
            let expected = ["spec.egress: these rules do nothing: add Egress to spec.types"]
            #expect(made.warnings == expected)
            let replaced = try await writer.replace(policy, kind: kind, namespace: "default", name: "web", options: WriteOptions())
            #expect(replaced.warnings == expected)
            var status = made.value
            status["status"] = ["a": 1]
            status["metadata"]?["resourceVersion"] = nil
            let told = try await writer.replace(
                status, kind: kind, namespace: "default", name: "web", subresource: "status", options: WriteOptions())
            #expect(told.warnings.isEmpty)
        }
    }

    @Test func stagedPoliciesNeedTheirTierToo() async throws {
        try await with { writer, _ in
            for kind in [Kinds.stagedNetworkPolicy, Kinds.stagedGlobalNetworkPolicy] {
                let staged: JSONValue = [
                    "apiVersion": "projectcalico.org/v3", "kind": .string(kind.kind), "metadata": ["name": "nowhere.web"],
                    "spec": ["tier": "nowhere", "selector": "all()"],
                ]
                let namespace = kind.namespaced ? "default" : ""
                do {
                    _ = try await writer.create(staged, kind: kind, namespace: namespace, options: WriteOptions())
                    Issue.record("\(kind.kind) in a tier that does not exist was taken")
                } catch let failure as APIFailure {
                    #expect(failure.causes.map(\.field) == ["spec.tier"])
                }
                _ = try await writer.create(
                    ["metadata": ["name": "nowhere"], "spec": ["order": 5]], kind: Kinds.tier, namespace: "", options: WriteOptions())
                _ = try await writer.create(staged, kind: kind, namespace: namespace, options: WriteOptions())
                await #expect(throws: APIFailure.self) {
                    try await writer.delete(kind: Kinds.tier, namespace: "", name: "nowhere", options: DeleteOptions())
                }
                _ = try await writer.delete(kind: kind, namespace: namespace, name: "nowhere.web", options: DeleteOptions())
                _ = try await writer.delete(kind: Kinds.tier, namespace: "", name: "nowhere", options: DeleteOptions())
            }
        }
    }
}
