import Datastore
import Foundation
import GRDB
import PolicyModel
import Testing

/// What was, for how long, and what older releases left behind.
@Suite struct StoreHistoryTests {
    let folder = try! TemporaryFolder()
    var path: String { folder.path + "/store.sqlite" }

    /// Every revision that is kept reads as the store was then: random histories against a record of them.
    @Test func everyKeptRevisionCanBeRead() async throws {
        let logged: Int64 = 400
        let store = try SQLiteStore(path: path, loggedEvents: logged)
        var generator = SystemRandomNumberGenerator()
        var world: [StoreKey: StoredObject] = [:]
        var worlds: [Int64: [StoreKey: StoredObject]] = [0: [:]]
        let count = 2 * StoreLimits.writesBetweenCompactions + 500
        for round in 1...count {
            let key = policyKey("p\(Int.random(in: 0..<12, using: &generator))", namespace: ["shop", "bank"].randomElement()!)
            let object: StoredObject
            if world[key] != nil, Int.random(in: 0..<3, using: &generator) == 0 {
                object = try await store.delete(key, expected: nil)
                world[key] = nil
            } else {
                object = try await put(store, key, round)
                world[key] = object
            }
            #expect(object.revision == round)
            worlds[round] = world
        }
        var read = 0
        var refused = 0
        for revision in 0...count {
            do {
                let page = try await store.page(StoreQuery(resource: nil, namespace: nil, revision: revision))
                let expected = (worlds[revision] ?? [:]).values.sorted {
                    ($0.key.namespace, $0.key.name) < ($1.key.namespace, $1.key.name)
                }
                #expect(page.objects == expected)
                read += 1
            } catch StoreError.compacted(let oldest) {
                #expect(revision < oldest - 1)
                refused += 1
            }
        }
        print("revisions read \(read), refused as compacted \(refused)")
        #expect(read >= logged && refused >= 1)
    }

    @Test func largeObjectsShortenTheLog() async throws {
        let store = try SQLiteStore(path: path, loggedBytes: 1_000_000)
        let large = JSONValue.object(["spec": .string(String(repeating: "x", count: 100_000))])
        _ = try await store.create(policyKey("large"), value: large)
        for _ in 0..<60 { _ = try await store.update(policyKey("large"), value: large, expected: nil) }
        try store.close()
        // A store that has just been opened has no event in memory; the account is made anew from what is stored.
        let again = try SQLiteStore(path: path, loggedBytes: 1_000_000)
        let error = await #expect(throws: StoreError.self) {
            for try await _ in again.watch(resource: nil, namespace: nil, after: 0) {}
        }
        guard case .compacted(let oldest) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect((50...55).contains(oldest))
        let kept = try await collect(3, from: again.watch(resource: nil, namespace: nil, after: oldest - 1))
        #expect(kept.map(\.object.revision).prefix(3) == [oldest, oldest + 1, oldest + 2])
        for _ in 0..<5 { _ = try await again.update(policyKey("large"), value: large, expected: nil) }
        await #expect(throws: StoreError.compacted(oldest: oldest + 5)) {
            for try await _ in again.watch(resource: nil, namespace: nil, after: oldest) {}
        }
    }

    @Test func theWriteAheadLogIsGivenBack() async throws {
        let store = try SQLiteStore(path: path)
        let large = JSONValue.object(["spec": .string(String(repeating: "x", count: 1_000_000))])
        _ = try await store.create(policyKey("large"), value: large)
        for _ in 0..<60 { _ = try await store.update(policyKey("large"), value: large, expected: nil) }
        let size = try #require(
            FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? NSNumber).int64Value
        print("write-ahead log after 60 MB of writes: \(size) bytes")
        #expect(size <= StoreLimits.writeAheadBytes + 8 * 1024 * 1024)
    }

    /// The tables as the first release made them, with objects, a log that was cut, and the end of a deletion.
    @Test func aStoreOfTheFirstReleaseIsBroughtUpToDate() async throws {
        let kept = policyKey("kept")
        do {
            let database = try DatabaseQueue(path: path)
            var migrator = DatabaseMigrator()
            migrator.registerMigration("objects and events") { database in
                try database.execute(
                    sql: """
                        CREATE TABLE objects (
                            resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
                            revision INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (resource, namespace, name)
                        ) STRICT;
                        CREATE TABLE events (
                            revision INTEGER PRIMARY KEY, kind TEXT NOT NULL, resource TEXT NOT NULL,
                            namespace TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL
                        ) STRICT;
                        """)
            }
            try migrator.migrate(database)
            var value = specified(kept, 7)
            value["metadata"]?["resourceVersion"] = "41"
            let text = value.text()
            try await database.write { database in
                try database.execute(
                    sql: "INSERT INTO objects VALUES (?, ?, ?, 41, ?)",
                    arguments: [kept.resource, kept.namespace, kept.name, text])
                for (revision, kind, name) in [(40, "ADDED", "gone"), (41, "MODIFIED", "kept"), (42, "DELETED", "gone")] {
                    try database.execute(
                        sql: "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)",
                        arguments: [revision, kind, kept.resource, kept.namespace, name, text])
                }
            }
            try database.close()
        }
        let store = try SQLiteStore(path: path)
        let list = try await store.list(resource: nil, namespace: nil)
        #expect(list.objects.map(\.key) == [kept] && list.objects.map(\.revision) == [41])
        #expect(list.revision == 42)
        // Watches from before begin anew; one that was up to date goes on.
        await #expect(throws: StoreError.compacted(oldest: 43)) {
            for try await _ in store.watch(resource: nil, namespace: nil, after: 41) {}
        }
        let written = try await put(store, kept, 8)
        #expect(written.revision == 43)
        let events = try await collect(1, from: store.watch(resource: nil, namespace: nil, after: 42))
        #expect(events == [StoreEvent(kind: .modified, object: written, previous: list.objects.first)])
        try store.close()
        #expect(try await SQLiteStore(path: path).revision() == 43)
    }
}
