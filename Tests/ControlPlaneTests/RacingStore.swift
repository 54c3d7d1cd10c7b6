import Datastore
import PolicyModel
import Synchronization

/// A store in which somebody else writes just before a write, `races` times, as the writer of statuses does.
final class RacingStore: Store {
    private let store: SQLiteStore
    private let races: Mutex<Int>

    init(_ store: SQLiteStore, races: Int) {
        self.store = store
        self.races = Mutex(races)
    }

    var racesLeft: Int { races.withLock { $0 } }

    func set(races count: Int) { races.withLock { $0 = count } }

    private func race(_ key: StoreKey) async throws {
        let isDue = races.withLock { left in
            defer { left = max(0, left - 1) }
            return left > 0
        }
        guard isDue, var value = try await store.get(key)?.value else { return }
        let count = value["status"]?["races"]?.integerValue ?? 0
        value["status"] = ["races": .integer(count + 1)]
        _ = try await store.update(key, value: value, expected: nil)
    }

    func update(_ key: StoreKey, value: JSONValue, expected: Int64?) async throws -> StoredObject {
        try await race(key)
        return try await store.update(key, value: value, expected: expected)
    }

    func delete(_ key: StoreKey, expected: Int64?) async throws -> StoredObject {
        try await race(key)
        return try await store.delete(key, expected: expected)
    }

    func get(_ key: StoreKey) async throws -> StoredObject? { try await store.get(key) }
    func list(resource: String?, namespace: String?) async throws -> (objects: [StoredObject], revision: Int64) {
        try await store.list(resource: resource, namespace: namespace)
    }
    func create(_ key: StoreKey, value: JSONValue) async throws -> StoredObject { try await store.create(key, value: value) }
    func watch(resource: String?, namespace: String?, after revision: Int64) -> AsyncThrowingStream<[StoreEvent], any Error> {
        store.watch(resource: resource, namespace: namespace, after: revision)
    }
}
