import GRDB
import Glibc
import PolicyModel
import Synchronization

/// The embedded store: one SQLite file, written by one process.
///
/// Every write takes the next revision, from 1, also across restarts; a write that fails takes none. Writes are durable
/// when they return. Watches are served from memory while they keep up, from the event log while they catch up, and
/// end with `StoreError.compacted` when they want events older than the log (`StoreLimits.loggedEvents`).
public final class SQLiteStore: Store {
    private let file: SQLiteFile
    private let loggedEvents: Int64
    private let pool: DatabasePool
    private let hub: WatchHub
    /// nil once closed.
    private let lock: Mutex<FileLock?>

    /// Opens the store, making the file (mode 0600, in a folder that exists) where there is none, and checks all of it.
    /// - Throws: `StoreError.failed` when it is damaged, in use by another process or cannot be written.
    public init(path: String, loggedEvents: Int64 = StoreLimits.loggedEvents) throws {
        file = SQLiteFile(
            path: path, title: "store",
            remedy: "move it and the files beside it away and restore a copy, or start with an empty store and apply "
                + "your policies again. Kernels keep enforcing what they have.")
        self.loggedEvents = loggedEvents
        do {
            lock = Mutex(try FileLock(path: path + "-lock"))
        } catch .held {
            throw StoreError.failed(
                "The store \(path) is in use by another process: stop that one first, or choose another state folder.")
        } catch .unavailable(let code) {
            throw file.unusable(String(cString: strerror(code)))
        }
        // A write is acknowledged to its user, and soon enforced by kernels, so it has to be durable before. Otherwise,
        // when power is lost, the last policies could vanish again, and revisions that watchers have seen be given
        // out a second time for something else.
        pool = try file.open(durability: .everyCommit, checked: true, migrator: StoreTables.migrator)
        do {
            hub = WatchHub(last: try pool.read(Self.lastRevision))
        } catch {
            throw file.describe(error)
        }
    }

    /// Ends all watches and closes the file; every later call fails.
    public func close() throws {
        hub.close()
        do {
            // The pool closes its readers last, and a reader cannot do this.
            try pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
            try pool.close()
        } catch {
            throw file.describe(error)
        }
        lock.withLock { $0 = nil }
    }

    // MARK: Reading

    public func get(_ key: StoreKey) async throws -> StoredObject? {
        try await read { try Self.find(key, in: $0) }
    }

    public func list(resource: String?, namespace: String?) async throws -> (objects: [StoredObject], revision: Int64) {
        try await read { database in
            var conditions: [String] = []
            var arguments: [String] = []
            if let resource {
                conditions.append("resource = ?")
                arguments.append(resource)
            }
            if let namespace {
                conditions.append("namespace = ?")
                arguments.append(namespace)
            }
            let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
            let rows = try Row.fetchCursor(
                database.cachedStatement(
                    sql: """
                        SELECT resource, namespace, name, revision, value FROM objects \(filter)
                        ORDER BY resource, namespace, name
                        """),
                arguments: StatementArguments(arguments))
            var objects: [StoredObject] = []
            while let row = try rows.next() { objects.append(try Self.object(row)) }
            return (objects, try Self.lastRevision(database))
        }
    }

    // MARK: Writing

    public func create(_ key: StoreKey, value: JSONValue) async throws -> StoredObject {
        try await write { database, revision in
            guard try Self.revision(of: key, in: database) == nil else { throw StoreError.alreadyExists(key) }
            let object = try Self.stamp(key, revision: revision, value: value)
            try database.cachedStatement(
                sql: "INSERT INTO objects (resource, namespace, name, revision, value) VALUES (?, ?, ?, ?, ?)"
            ).execute(arguments: [key.resource, key.namespace, key.name, revision, object.text])
            return (StoreEvent(kind: .added, object: object.stored), object.text)
        }
    }

    public func update(_ key: StoreKey, value: JSONValue, expected: Int64?) async throws -> StoredObject {
        try await write { database, revision in
            try Self.require(key, expected: expected, in: database)
            let object = try Self.stamp(key, revision: revision, value: value)
            try database.cachedStatement(
                sql: "UPDATE objects SET revision = ?, value = ? WHERE resource = ? AND namespace = ? AND name = ?"
            ).execute(arguments: [revision, object.text, key.resource, key.namespace, key.name])
            return (StoreEvent(kind: .modified, object: object.stored), object.text)
        }
    }

    public func delete(_ key: StoreKey, expected: Int64?) async throws -> StoredObject {
        try await write { database, revision in
            try Self.require(key, expected: expected, in: database)
            guard let current = try Self.find(key, in: database) else { throw StoreError.notFound(key) }
            let object = try Self.stamp(key, revision: revision, value: current.value)
            try database.cachedStatement(
                sql: "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?"
            ).execute(arguments: [key.resource, key.namespace, key.name])
            return (StoreEvent(kind: .deleted, object: object.stored), object.text)
        }
    }

    // MARK: Watching

    /// A watch keeps the store alive. One task at a time may read it.
    public func watch(
        resource: String?, namespace: String?, after revision: Int64
    ) -> AsyncThrowingStream<[StoreEvent], any Error> {
        let filter = WatchFilter(resource: resource, namespace: namespace)
        let position = WatchPosition(revision)
        return AsyncThrowingStream { () async throws -> [StoreEvent]? in
            do {
                while true {
                    let after = position.value
                    switch self.hub.next(after: after, filter: filter) {
                    case .upToDate:
                        position.value = try await self.hub.wait(after: after, filter: filter)
                    case .found(let events, let reached):
                        position.value = reached
                        if !events.isEmpty { return events }
                    case .readLog:
                        let page = try await self.read { try Self.logged(after: after, filter: filter, in: $0) }
                        position.value = page.reached
                        if !page.events.isEmpty { return page.events }
                    }
                }
            } catch is CancellationError {
                return nil
            }
        }
    }

    // MARK: Parts

    private func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do { return try await pool.read(body) } catch { throw file.describe(error) }
    }

    /// Runs `body` with the next revision in a transaction of its own and publishes its event.
    ///
    /// It cannot be cancelled: a caller that gave up could not know whether the write happened.
    private func write(
        _ body: @escaping @Sendable (Database, Int64) throws -> (event: StoreEvent, text: String)
    ) async throws -> StoredObject {
        try await withCheckedThrowingContinuation { continuation in
            pool.asyncWriteWithoutTransaction { [hub, file, loggedEvents] database in
                do {
                    var committed: StoreEvent?
                    try database.inTransaction(.immediate) {
                        let (event, text) = try body(database, try Self.lastRevision(database) + 1)
                        try Self.log(event, text: text, keeping: loggedEvents, in: database)
                        committed = event
                        return .commit
                    }
                    guard var committed else { throw StoreError.failed("The store \(file.path) lost a write.") }
                    committed.committed = .now
                    // Still on the writer's queue: events are published in the order of their commits.
                    hub.publish(committed)
                    continuation.resume(returning: committed.object)
                } catch {
                    continuation.resume(throwing: file.describe(error))
                }
            }
        }
    }

    /// The log is never empty after the first write, and its newest entry has the store's revision.
    private static func lastRevision(_ database: Database) throws -> Int64 {
        try Int64.fetchOne(database.cachedStatement(sql: "SELECT max(revision) FROM events")) ?? 0
    }

    private static func find(_ key: StoreKey, in database: Database) throws -> StoredObject? {
        let statement = try database.cachedStatement(
            sql: """
                SELECT resource, namespace, name, revision, value FROM objects
                WHERE resource = ? AND namespace = ? AND name = ?
                """)
        return try Row.fetchOne(statement, arguments: [key.resource, key.namespace, key.name]).map(object)
    }

    private static func revision(of key: StoreKey, in database: Database) throws -> Int64? {
        let statement = try database.cachedStatement(
            sql: "SELECT revision FROM objects WHERE resource = ? AND namespace = ? AND name = ?")
        return try Int64.fetchOne(statement, arguments: [key.resource, key.namespace, key.name])
    }

    private static func require(_ key: StoreKey, expected: Int64?, in database: Database) throws {
        guard let current = try revision(of: key, in: database) else { throw StoreError.notFound(key) }
        if let expected, expected != current { throw StoreError.conflict(key, current: current) }
    }

    private static func stamp(
        _ key: StoreKey, revision: Int64, value: JSONValue
    ) throws -> (stored: StoredObject, text: String) {
        guard case .object(var members) = value else {
            throw StoreError.failed("The value of \(key.resource) \(key.name) is not a JSON object.")
        }
        var metadata = members["metadata"]?.objectValue ?? [:]
        metadata["resourceVersion"] = .string(String(revision))
        members["metadata"] = .object(metadata)
        let stamped = JSONValue.object(members)
        return (StoredObject(key: key, revision: revision, value: stamped), try StoredText.encode(stamped, of: key))
    }

    private static func log(
        _ event: StoreEvent, text: String, keeping loggedEvents: Int64, in database: Database
    ) throws {
        let object = event.object
        try database.cachedStatement(
            sql: "INSERT INTO events (revision, kind, resource, namespace, name, value) VALUES (?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            object.revision, event.kind.rawValue, object.key.resource, object.key.namespace, object.key.name, text,
        ])
        if object.revision % StoreLimits.writesBetweenCompactions == 0 {
            try database.cachedStatement(sql: "DELETE FROM events WHERE revision <= ?")
                .execute(arguments: [object.revision - loggedEvents])
        }
    }

    /// One page of the log, and the revision up to which it was read.
    private static func logged(
        after position: Int64, filter: WatchFilter, in database: Database
    ) throws -> (events: [StoreEvent], reached: Int64) {
        let last = try lastRevision(database)
        let oldest = try Int64.fetchOne(database.cachedStatement(sql: "SELECT min(revision) FROM events")) ?? last
        guard position >= oldest - 1 else { throw StoreError.compacted(oldest: oldest) }
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT resource, namespace, name, revision, value, kind FROM events
                    WHERE revision > :position AND (:resource IS NULL OR resource = :resource)
                        AND (:namespace IS NULL OR namespace = :namespace)
                    ORDER BY revision LIMIT :limit
                    """),
            arguments: [
                "position": position, "resource": filter.resource, "namespace": filter.namespace,
                "limit": StoreLimits.eventsPerBatch,
            ])
        var events: [StoreEvent] = []
        while let row = try rows.next() {
            guard let kind = StoreEvent.Kind(rawValue: row[5]) else {
                throw StoreError.failed("The store's log holds an event of the unknown kind \(row[5] as String).")
            }
            events.append(StoreEvent(kind: kind, object: try object(row)))
        }
        if events.count == StoreLimits.eventsPerBatch, let event = events.last { return (events, event.object.revision) }
        return (events, last)
    }

    private static func object(_ row: Row) throws -> StoredObject {
        let key = StoreKey(resource: row[0], namespace: row[1], name: row[2])
        return StoredObject(key: key, revision: row[3], value: try StoredText.decode(row[4], of: key))
    }
}

/// How far a watch has been read.
private final class WatchPosition: Sendable {
    private let revision: Mutex<Int64>

    init(_ revision: Int64) { self.revision = Mutex(revision) }

    var value: Int64 {
        get { revision.withLock { $0 } }
        set { revision.withLock { $0 = newValue } }
    }
}
