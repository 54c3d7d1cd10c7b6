import Dataplane
import Datastore
import Foundation
import GRDB
import PolicyModel
import Testing

@testable import FlowLogs

@Suite final class SQLiteFlowStoreTests: Sendable {
    private let path = NSTemporaryDirectory() + "flow-store-tests-" + UUID().uuidString

    deinit { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }

    @Test func recordsComeBackAsTheyWere() async throws {
        let store = try SQLiteFlowStore(path: path, now: { 2_000 })
        var records = (0..<4).map { record($0) }
        records[0].reason = .endOfTier(
            tier: "platform", triggers: [PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "a\"b")])
        records[1].reason = nil
        records[1].systemReason = .spoofedNeighbour
        records[1].source = nil
        records[1].observed = true
        records[2].reason = .noProfile
        records[2].destination = EndpointKey(namespace: "", name: "")
        records[3].reason = .profile(name: "kns.shop", index: 0)
        records[3].bytesIn = UInt64(Int64.max)
        records[0].pending = Decision.Pending(
            .allow,
            .rule(
                tier: "platform", policy: PolicyReference(kind: "StagedNetworkPolicy", namespace: "shop", name: "p"), index: 3))
        records[3].pending = Decision.Pending(.deny, .noProfile)
        records[0].sourceLabels = ["app": "web", "a\"b": ""]
        records[0].destinationLabels = [:]
        records[3].destinationLabels = ["app": "web"]
        try await store.append(records)
        let all = try await store.recent(limit: 100)
        #expect(all.records == records)
        #expect(all.cursor == 4)
    }

    /// The history as the first release wrote it.
    @Test func aHistoryWithoutPendingVerdictsIsTakenOver() async throws {
        let file = SQLiteFile(path: path, title: "flow history", remedy: "")
        var former = DatabaseMigrator()
        former.registerMigration("flows") { try FlowTables.createFirst($0) }
        let pool = try file.open(durability: .everyCheckpoint, checked: false, migrator: former)
        try await pool.write { database in
            try database.execute(
                sql: """
                    INSERT INTO flows VALUES (
                        7, 900, 1000, 1, 1, 'shop', 'web', 'bank', 'database', 'fd00::1', 'fd00::2', 6, 0, 5432, 1, 2, 3, 4,
                        '{"rule":{"tier":"default","policy":{"kind":"NetworkPolicy","namespace":"shop","name":"p"},"index":0}}',
                        NULL, 0)
                    """)
        }
        try pool.close()
        let store = try SQLiteFlowStore(path: path, now: { 2_000 })
        let expected = record(0)
        #expect(try await store.recent(limit: 10).records == [expected])
        #expect(expected.pending == nil)
        var next = record(1)
        next.pending = Decision.Pending(.allow, .noProfile)
        try await store.append([next])
        #expect(try await store.recent(limit: 10).records == [expected, next])
    }

    @Test func accountsAreWrittenWithTheirRecordsAndHoldForOneStartOfTheHost() async throws {
        var store = try SQLiteFlowStore(path: path, now: { 2_000 })
        #expect(try await store.inheritance(boot: "a", now: 77).accounts.isEmpty)
        var records = [record(0), record(1), record(2)]
        let counted = FlowCounters(packetsOut: 1, bytesOut: UInt64(Int64.max), packetsIn: 3, bytesIn: 4)
        records[0].account = FlowAccount(number: 5, created: 1_000, counted: counted)
        records[2].account = FlowAccount(number: 6, created: 1_001, counted: counted)
        try await store.append(records)
        records[2].account?.counted.packetsOut = 9
        try await store.append([records[2]])
        try store.close()
        store = try SQLiteFlowStore(path: path, now: { 2_000 })
        let inheritance = try await store.inheritance(boot: "a", now: 99)
        #expect(inheritance.since == 77)
        let accounts = inheritance.accounts.values.joined().sorted { $0.number < $1.number }
        #expect(accounts == [records[0].account, records[2].account].compactMap { $0 })
        let flow = try #require(inheritance.accounts.first { $0.value.first?.number == 5 }?.key)
        #expect(flow.endpoint == (records[0].direction == .egress ? records[0].source : records[0].destination))
        #expect(flow.tuple.source.description == records[0].sourceAddress)
        #expect(flow.tuple.destinationPort == records[0].destinationPort)
        let next = try await store.inheritance(boot: "b", now: 100)
        #expect(next.since == 100 && next.accounts.isEmpty)
    }

    @Test func cursorsSurviveReopening() async throws {
        var store = try SQLiteFlowStore(path: path, now: { 2_000 })
        #expect(try await store.recent(limit: 10).cursor == 0)
        try await store.append((0..<10).map { record($0) })
        let recent = try await store.recent(limit: 3)
        #expect(recent.records == (7..<10).map { record($0) })
        #expect(try await store.records(after: recent.cursor, limit: 10).records.isEmpty)
        #expect(try await store.records(after: recent.cursor, limit: 10).cursor == recent.cursor)
        try store.close()
        store = try SQLiteFlowStore(path: path, now: { 2_000 })
        try await store.append([record(10), record(11), record(12)])
        let next = try await store.records(after: recent.cursor, limit: 2)
        #expect(next.records == [record(10), record(11)])
        #expect(try await store.records(after: next.cursor, limit: 2).records == [record(12)])
    }

    @Test func historyIsBoundedByCount() async throws {
        let store = try SQLiteFlowStore(path: path, recordLimit: 50, now: { 2_000 })
        for round in 0..<8 { try await store.append((0..<20).map { record(round * 20 + $0) }) }
        let kept = try await store.records(after: 0, limit: 1_000)
        #expect(kept.records == (110..<160).map { record($0) })
        #expect(kept.cursor == 160)
    }

    @Test func historyIsBoundedByAge() async throws {
        let store = try SQLiteFlowStore(path: path, ageLimitNanoseconds: 500, now: { 1_510 })
        try await store.append((0..<20).map { record($0) })
        #expect(try await store.recent(limit: 100).records == (10..<20).map { record($0) })
        // Cursors do not begin again when the newest records go.
        let empty = try SQLiteFlowStore(path: path, ageLimitNanoseconds: 0, now: { 10_000 })
        try await empty.append([record(20)])
        let none = try await empty.recent(limit: 100)
        #expect(none.records.isEmpty)
        #expect(none.cursor == 21)
    }

    @Test func followersAreWokenAtOnce() async throws {
        let store = try SQLiteFlowStore(path: path, now: { 2_000 })
        let follower = Task {
            var seen: [FlowRecord] = []
            var cursor: Int64 = 0
            while seen.count < 30 {
                try await store.wait(after: cursor)
                let next = try await store.records(after: cursor, limit: 7)
                seen += next.records
                cursor = next.cursor
            }
            return seen
        }
        for round in 0..<3 {
            try await store.append((0..<10).map { record(round * 10 + $0) })
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(try await follower.value == (0..<30).map { record($0) })
    }

    @Test func waitingCanBeCancelled() async throws {
        let store = try SQLiteFlowStore(path: path)
        let waiting = Task { try await store.wait(after: 0) }
        try await Task.sleep(for: .milliseconds(10))
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test func damageHasASentence() throws {
        try Data("this is a text and it goes on for more than a header of a database would need, or so I hope".utf8)
            .write(to: URL(fileURLWithPath: path))
        #expect(
            throws: StoreError.failed(
                "The flow history \(path) is damaged (file is not a database): move it and the files beside it away; "
                    + "history begins anew, nothing else depends on it.")
        ) { try SQLiteFlowStore(path: path) }
    }

    private func record(_ index: Int) -> FlowRecord {
        FlowRecord(
            startTime: Int64(900 + index), endTime: Int64(1_000 + index), verdict: index.isMultiple(of: 2) ? .allow : .deny,
            direction: .egress, source: EndpointKey(namespace: "shop", name: "web"),
            destination: EndpointKey(namespace: "bank", name: "database"), sourceAddress: "fd00::1",
            destinationAddress: "fd00::2", transport: 6, sourcePort: UInt16(index), destinationPort: 5_432,
            packetsOut: 1, bytesOut: 2, packetsIn: 3, bytesIn: 4,
            reason: .rule(
                tier: "default", policy: PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "p"),
                index: index),
            systemReason: nil, observed: false)
    }
}
