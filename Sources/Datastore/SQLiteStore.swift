import GRDB
import Glibc
import PolicyModel
import Synchronization

/// The embedded store: one SQLite file, written by one process.
///
/// Every write takes the next revision, from 1, also across restarts; a write that fails takes none. Writes are durable
/// when they return, and what is read or watched was durable before; those that wait at the same time share the sync of the disk.
/// Whoever follows the store (`follow`) is told as soon as the order of writes is settled, beside the sync. Watches are served from memory while they keep up, from the event log while they catch up, and
/// end with `StoreError.compacted` when they want events older than the log (`StoreLimits.loggedEvents`,
/// `StoreLimits.loggedBytes`). For as long as an event is kept, so is the version that it ended: lists can be read as
/// they were at any revision that a watch could begin at.
public final class SQLiteStore: Store {
    private let file: SQLiteFile
    private let account: Mutex<LogAccount>
    private let pool: DatabasePool
    private let hub: WatchHub
    private let cache = DocumentCache()
    private let writes = WriteQueue()
    private let followers = StoreFollowers()
    private let log: WriteAheadLog
    private let gate = SyncGate()
    private let checkpoints = Mutex(CheckpointPlan())
    /// Why nothing is written any more.
    private let syncFailure = Mutex<StoreError?>(nil)
    /// nil once closed.
    private let lock: Mutex<FileLock?>

    /// Opens the store, making the file (mode 0600, in a folder that exists) where there is none, and checks all of it.
    /// - Throws: `StoreError.failed` when it is damaged, in use by another process or cannot be written.
    public convenience init(
        path: String, loggedEvents: Int64 = StoreLimits.loggedEvents, loggedBytes: Int64 = StoreLimits.loggedBytes
    ) throws {
        try self.init(path: path, loggedEvents: loggedEvents, loggedBytes: loggedBytes, sync: { fdatasync($0) })
    }

    /// - Parameter sync: fdatasync(2), or what a test puts in its place.
    init(
        path: String, loggedEvents: Int64 = StoreLimits.loggedEvents, loggedBytes: Int64 = StoreLimits.loggedBytes,
        sync: @escaping @Sendable (Int32) -> Int32
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
        // A write has to be durable before its user or a watcher hears of it. Otherwise, when power is lost, the last policies
        // could vanish again, and revisions that watchers have seen be given out a second time for something else. We sync the
        // log ourselves: between the commit and the sync those are told who lose what they know with the power as well.
        pool = try file.open(durability: .everyCheckpoint, checked: true, migrator: StoreTables.migrator)
        do {
            log = try WriteAheadLog(of: path, sync: sync)
        } catch {
            throw file.unusable(String(cString: strerror(error.errno)))
        }
        do {
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_autocheckpoint = 0") }
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
        followers.close()
        cache.clear()
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
        let known = cache.find(key)
        if let object = known.entry?.object { return object }
        var found = known.entry?.document
        if found == nil { found = try await read { try StoreRows.document(key, in: $0) } }
        guard let document = found else { return nil }
        let object = try document.decoded()
        cache.remember(.init(document: document, object: object), ticket: known.ticket)
        return object
    }

    public func document(_ key: StoreKey) async throws -> StoredDocument? {
        let known = cache.find(key)
        if let entry = known.entry { return entry.document }
        let found = try await read { try StoreRows.document(key, in: $0) }
        if let found { cache.remember(.init(document: found), ticket: known.ticket) }
        return found
    }

    public func knownDocument(_ key: StoreKey) -> StoredDocument? { cache.find(key).entry?.document }

    public func list(resource: String?, namespace: String?) async throws -> (objects: [StoredObject], revision: Int64) {
        let page = try await page(StoreQuery(resource: resource, namespace: namespace))
        return (page.objects, page.revision)
    }

    public func page(_ query: StoreQuery) async throws -> StorePage {
        try await read { try StoreRows.page(query, in: $0) }
    }

    public func documents(_ query: StoreQuery) async throws -> StoreDocumentPage {
        try await read { try StoreRows.documents(query, in: $0) }
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
        try await write(key) { database, revision in
            guard try StoreRows.revision(of: key, in: database) == nil else { throw StoreError.alreadyExists(key) }
            let object = try StoreRows.stamp(key, revision: revision, value: value)
            try StoreRows.insert(object, in: database)
            return (StoreEvent(kind: .added, object: object.stored), object.text)
        }
    }

    public func update(_ key: StoreKey, value: JSONValue, expected: Int64?) async throws -> StoredObject {
        try await write(key) { database, revision in
            let previous = try StoreRows.require(key, expected: expected, in: database)
            let object = try StoreRows.stamp(key, revision: revision, value: value)
            try StoreRows.supersede(key, by: revision, in: database)
            try StoreRows.overwrite(object, previous: previous, in: database)
            return (StoreEvent(kind: .modified, object: object.stored, previous: previous), object.text)
        }
    }

    public func delete(_ key: StoreKey, expected: Int64?) async throws -> StoredObject {
        try await write(key) { database, revision in
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

    /// As the protocol says. What `body` is told is committed, so that it outlives this process, and not on the disk yet.
    public func follow(after revision: Int64, _ body: @escaping @Sendable ([StoreEvent]) -> Void) async throws {
        let (ends, end) = AsyncStream<Void>.makeStream()
        let identifier: UInt64
        do {
            // Between two commits: nothing comes in between.
            identifier = try await pool.writeWithoutTransaction { [followers] database in
                var position = revision
                while position < (try StoreRows.lastRevision(database)) {
                    let page = try StoreRows.logged(
                        after: position, filter: WatchFilter(), limit: StoreLimits.eventsPerBatch, in: database)
                    if !page.events.isEmpty { body(page.events) }
                    position = page.reached
                }
                return followers.add(body, end: end)
            }
        } catch {
            throw file.describe(error)
        }
        defer { followers.remove(identifier) }
        for await _ in ends {}
        guard Task.isCancelled else { throw StoreError.failed("The store was closed.") }
    }

    // MARK: Parts

    private func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        let value: Value
        do { value = try await pool.read(body) } catch { throw file.describe(error) }
        await gate.pass()
        return value
    }

    /// Runs `body` with the next revision and publishes its event when both are durable.
    ///
    /// It cannot be cancelled: a caller that gave up could not know whether the write happened.
    private func write(
        _ key: StoreKey, _ body: @escaping @Sendable (Database, Int64) throws -> StagedWrite
    ) async throws -> StoredObject {
        try await withCheckedThrowingContinuation { continuation in
            guard writes.add(.init(key: key, body: body, continuation: continuation)) else { return }
            pool.asyncWriteWithoutTransaction { [self] database in
                while let batch = writes.take() {
                    var rest = batch[...]
                    while !rest.isEmpty { rest = commit(rest, in: database) }
                    checkpoint(database, isIdle: false)
                }
                checkpoint(database, isIdle: true)
            }
        }
    }

    /// What cannot be carried over now stays in the log until the next time.
    private func checkpoint(_ database: Database, isIdle: Bool) {
        if checkpoints.withLock({ $0.take(isIdle: isIdle) }) { _ = try? database.checkpoint(.passive) }
    }

    /// Makes the first writes durable together, as many as fit one commit, and returns those that are left.
    private func commit(_ batch: ArraySlice<WriteQueue.Waiting>, in database: Database) -> ArraySlice<WriteQueue.Waiting> {
        if let failure = syncFailure.withLock({ $0 }) {
            for write in batch { write.continuation.resume(throwing: failure) }
            return []
        }
        // Before anything that could throw: each beginning has its end.
        cache.begin(batch.lazy.map(\.key))
        gate.close()
        var outcomes: [Result<StagedWrite, any Error>] = []
        do {
            try database.inTransaction(.immediate) {
                var revision = try StoreRows.lastRevision(database)
                var bytes = 0
                for write in batch where bytes < StoreLimits.bytesPerCommit {
                    do {
                        outcomes.append(.success(try write.body(database, revision + 1)))
                    } catch let refusal as StoreError {
                        outcomes.append(.failure(refusal))
                        continue
                    }
                    guard case .success(let staged)? = outcomes.last else { continue }
                    revision += 1
                    bytes += staged.text.utf8.count
                    try StoreRows.log(staged.event, text: staged.text, in: database)
                    if let cut = account.withLock({ $0.cut(before: revision) }) { try StoreRows.compact(upTo: cut, in: database) }
                }
                return .commit
            }
        } catch {
            cache.end([])
            gate.open()
            // One write that the file has no room for must not take others along.
            guard batch.count == 1 else {
                for write in batch { _ = commit([write], in: database) }
                return []
            }
            for write in batch { write.continuation.resume(throwing: file.describe(error)) }
            return []
        }
        conclude(outcomes, of: batch)
        return batch.dropFirst(outcomes.count)
    }

    /// Still on the writer's queue: events are told of in the order of their commits.
    private func conclude(_ outcomes: [Result<StagedWrite, any Error>], of batch: ArraySlice<WriteQueue.Waiting>) {
        let now = ContinuousClock.now
        var events: [StoreEvent] = []
        var written: [(key: StoreKey, document: StoredDocument?)] = []
        for case .success(let staged) in outcomes {
            var event = staged.event
            let json = Array(staged.text.utf8)
            event.committed = now
            event.json = json
            events.append(event)
            account.withLock { $0.add(Int64(json.count), revision: event.object.revision) }
            let document = StoredDocument(key: event.object.key, revision: event.object.revision, json: json)
            written.append((event.object.key, event.kind == .deleted ? nil : document))
        }
        if !events.isEmpty {
            checkpoints.withLock { $0.add(bytes: events.reduce(0) { $0 + ($1.json?.count ?? 0) }) }
            followers.tell(events)
            do { try log.makeDurable() } catch { return fail(batch.prefix(outcomes.count), errno: error.errno) }
        }
        cache.end(written)
        gate.open()
        hub.publish(events)
        for (write, outcome) in zip(batch, outcomes) {
            write.continuation.resume(with: outcome.map(\.event.object).mapError { file.describe($0) })
        }
    }

    /// What the disk did not take may be there later or not, and asking it again would not tell: Linux forgets what it could not
    /// write.
    private func fail(_ batch: ArraySlice<WriteQueue.Waiting>, errno: Int32) {
        let failure = file.unsynced(String(cString: strerror(errno)))
        syncFailure.withLock { $0 = failure }
        cache.end([])
        gate.open()
        for write in batch { write.continuation.resume(throwing: failure) }
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
