import GRDB
import Glibc
import PolicyModel
import Synchronization

/// The embedded store: one SQLite file, written by one process.
///
/// Every write takes the next revision, from 1, also across restarts; a write that fails takes none. Writes are durable
/// when they return. Watches are served from memory while they keep up, from the event log while they catch up, and
/// end with `StoreError.compacted` when they want events older than the log (`StoreLimits.loggedEvents`,
/// `StoreLimits.loggedBytes`). For as long as an event is kept, so is the version that it ended: lists can be read as
/// they were at any revision that a watch could begin at.
public final class SQLiteStore: Store {
    private let file: SQLiteFile
    private let account: Mutex<LogAccount>
    private let pool: DatabasePool
    private let hub: WatchHub
    /// nil once closed.
    private let lock: Mutex<FileLock?>

    /// Opens the store, making the file (mode 0600, in a folder that exists) where there is none, and checks all of it.
    /// - Throws: `StoreError.failed` when it is damaged, in use by another process or cannot be written.
    public init(
        path: String, loggedEvents: Int64 = StoreLimits.loggedEvents, loggedBytes: Int64 = StoreLimits.loggedBytes
    ) throws {
        file = SQLiteFile(
            path: path, title: "store",
            remedy: "move it and the files beside it away and restore a copy, or start with an empty store and apply "
                + "your policies again. Kernels keep enforcing what they have.")
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
            hub = WatchHub(last: try pool.read(StoreRows.lastRevision))
            account = Mutex(
                LogAccount(
                    sizes: try pool.read(StoreRows.loggedSizes), last: hub.last, mostEvents: loggedEvents, mostBytes: loggedBytes))
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
        try await read { try StoreRows.find(key, in: $0) }
    }

    public func list(resource: String?, namespace: String?) async throws -> (objects: [StoredObject], revision: Int64) {
        let page = try await page(StoreQuery(resource: resource, namespace: namespace))
        return (page.objects, page.revision)
    }

    public func page(_ query: StoreQuery) async throws -> StorePage {
        try await read { try StoreRows.page(query, in: $0) }
    }

    public func revision() async throws -> Int64 { hub.last }

    public func dependents(ofOwner uid: String) async throws -> [StoredObject] {
        try await read { try StoreRows.dependents(ofOwner: uid, in: $0) }
    }

    public func quietRevision(resource: String?, namespace: String?, after revision: Int64) async throws -> Int64 {
        let filter = WatchFilter(resource: resource, namespace: namespace)
        var position = revision
        while true {
            switch hub.next(after: position, filter: filter) {
            case .upToDate: return position
            case .found(let events, let reached):
                if let first = events.first { return first.object.revision - 1 }
                position = reached
            case .readLog:
                let after = position
                let page = try await read { try StoreRows.logged(after: after, filter: filter, limit: 1, in: $0) }
                if let first = page.events.first { return first.object.revision - 1 }
                position = page.reached
            }
        }
    }

    // MARK: Writing

    public func create(_ key: StoreKey, value: JSONValue) async throws -> StoredObject {
        try await write { database, revision in
            guard try StoreRows.revision(of: key, in: database) == nil else { throw StoreError.alreadyExists(key) }
            let object = try StoreRows.stamp(key, revision: revision, value: value)
            try StoreRows.insert(object, in: database)
            return (StoreEvent(kind: .added, object: object.stored), object.text)
        }
    }

    public func update(_ key: StoreKey, value: JSONValue, expected: Int64?) async throws -> StoredObject {
        try await write { database, revision in
            let previous = try StoreRows.require(key, expected: expected, in: database)
            let object = try StoreRows.stamp(key, revision: revision, value: value)
            try StoreRows.supersede(key, by: revision, in: database)
            try StoreRows.overwrite(object, previous: previous, in: database)
            return (StoreEvent(kind: .modified, object: object.stored, previous: previous), object.text)
        }
    }

    public func delete(_ key: StoreKey, expected: Int64?) async throws -> StoredObject {
        try await write { database, revision in
            let previous = try StoreRows.require(key, expected: expected, in: database)
            let object = try StoreRows.stamp(key, revision: revision, value: previous.value)
            try StoreRows.supersede(key, by: revision, in: database)
            try StoreRows.remove(previous, in: database)
            return (StoreEvent(kind: .deleted, object: object.stored, previous: previous), object.text)
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
                        let page = try await self.read { try StoreRows.logged(
                            after: after, filter: filter, limit: StoreLimits.eventsPerBatch, in: $0) }
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
            pool.asyncWriteWithoutTransaction { [self] database in
                do {
                    var committed: StoreEvent?
                    var size: Int64 = 0
                    try database.inTransaction(.immediate) {
                        let (event, text) = try body(database, try StoreRows.lastRevision(database) + 1)
                        try StoreRows.log(event, text: text, in: database)
                        if let cut = account.withLock({ $0.cut(before: event.object.revision) }) {
                            try StoreRows.compact(upTo: cut, in: database)
                        }
                        committed = event
                        size = Int64(text.utf8.count)
                        return .commit
                    }
                    guard let committed else { throw StoreError.failed("The store \(file.path) lost a write.") }
                    account.withLock { $0.add(size, revision: committed.object.revision) }
                    // Still on the writer's queue: events are published in the order of their commits.
                    hub.publish(committed, size: Int(size))
                    continuation.resume(returning: committed.object)
                } catch {
                    continuation.resume(throwing: file.describe(error))
                }
            }
        }
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
