import Dataplane
import Datastore
import GRDB
import PolicyModel
import Synchronization

/// The last version of each object that this node could read, and the interfaces that it polices, in a file: a process
/// that comes later knows them when it cannot read the newest version, or finds an interface under another name.
///
/// Writes are gathered and done in `run`; `recall` sees those that wait.
public final class AcceptedVersions: Sendable {
    private struct Waiting {
        var changes = AcceptedChanges()
        var attachments: [EndpointKey: NodeProgram.Attachment]?

        var isEmpty: Bool { changes.isEmpty && attachments == nil }
    }

    private struct State {
        var waiting = Waiting()
        /// Being written: still not in the file for a reader.
        var leaving = Waiting()
        /// A whole list was remembered at some time.
        var isComplete: Bool
    }

    private let file: SQLiteFile
    private let pool: DatabasePool
    private let place: String
    private let state: Mutex<State>
    private let arrivals: AsyncStream<Void>
    private let arrival: AsyncStream<Void>.Continuation

    /// Opens the record, making the file (mode 0600, in a folder that exists) where there is none.
    ///
    /// - Parameter place: where indexes of interfaces mean something (`NetworkPlace`): those of another place are not given
    ///   back.
    /// - Throws: `StoreError.failed` with a sentence.
    public init(path: String, place: String) throws {
        file = SQLiteFile(
            path: path, title: "record of accepted objects",
            remedy: "move it and the files beside it away; until every object can be read, what cannot is denied.")
        self.place = place
        // What the last moments before a loss of power accepted is in the store, too, and in most cases readable there.
        let pool = try file.open(durability: .everyCheckpoint, checked: true, migrator: Self.migrator)
        self.pool = pool
        do {
            let isComplete = try pool.read { try String.fetchOne($0, sql: "SELECT value FROM facts WHERE name = 'complete'") }
            state = Mutex(State(isComplete: isComplete != nil))
        } catch {
            throw file.describe(error)
        }
        (arrivals, arrival) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    public func close() throws {
        do { try pool.close() } catch { throw file.describe(error) }
    }

    /// What is remembered of an object; what cannot be read from the file counts as unknown.
    func recall(_ key: StoreKey) -> AcceptedVersion {
        let (waiting, leaving, isComplete) = state.withLock { ($0.waiting.changes, $0.leaving.changes, $0.isComplete) }
        for changes in [waiting, leaving] {
            if let version = changes.versions[key] { return version.map { .version($0) } ?? .never }
            if changes.isWhole, !changes.kept.contains(key) { return .never }
        }
        do {
            let row = try pool.read { try Self.find(key, in: $0) }
            guard let row else { return isComplete ? .never : .unknown }
            guard let text = row.value else { return .unknown }
            return .version(StoredObject(key: key, revision: row.revision, value: try JSONValue(parsing: text)))
        } catch {
            return .unknown
        }
    }

    /// The interfaces that the process before policed; none where their indexes mean nothing any more.
    public func attachments() throws -> [EndpointKey: NodeProgram.Attachment] {
        do {
            return try pool.read { database in
                guard !place.isEmpty,
                    try String.fetchOne(database, sql: "SELECT value FROM facts WHERE name = 'place'") == place
                else {
                    return [:]
                }
                var attachments: [EndpointKey: NodeProgram.Attachment] = [:]
                let rows = try Row.fetchCursor(database, sql: "SELECT namespace, name, interface_name, interface_index FROM interfaces")
                while let row = try rows.next() {
                    attachments[EndpointKey(namespace: row[0], name: row[1])] = .init(
                        interfaceName: row[2], interfaceIndex: row[3])
                }
                return attachments
            }
        } catch {
            throw file.describe(error)
        }
    }

    func remember(_ changes: AcceptedChanges) {
        guard !changes.isEmpty else { return }
        state.withLock { $0.waiting.changes.merge(changes) }
        arrival.yield()
    }

    func remember(_ attachments: [EndpointKey: NodeProgram.Attachment]) {
        state.withLock { $0.waiting.attachments = attachments }
        arrival.yield()
    }

    /// Nothing more comes; `run` ends when what waits is written.
    func finish() { arrival.finish() }

    /// - Parameter report: why nothing is written; nil when it works.
    func run(report: @escaping @Sendable (String?) -> Void) async {
        for await _ in arrivals {
            await write(report)
            // A burst becomes few transactions.
            try? await Task.sleep(for: NodeAgentLimits.acceptedVersionsPause)
        }
        await write(report)
    }

    private func write(_ report: @Sendable (String?) -> Void) async {
        let leaving = state.withLock { state in
            (state.leaving, state.waiting) = (state.waiting, Waiting())
            return state.leaving
        }
        guard !leaving.isEmpty else { return }
        do {
            try await pool.write { [place] database in
                try Self.write(leaving.changes, into: database)
                if let attachments = leaving.attachments { try Self.write(attachments, place: place, into: database) }
            }
            state.withLock { state in
                if leaving.changes.isWhole { state.isComplete = true }
                state.leaving = Waiting()
            }
            report(nil)
        } catch {
            // The next write takes it along.
            state.withLock { state in
                var changes = state.leaving.changes
                changes.merge(state.waiting.changes)
                state.waiting.changes = changes
                state.waiting.attachments = state.waiting.attachments ?? state.leaving.attachments
                state.leaving = Waiting()
            }
            report("\(file.describe(error)) What is accepted now would not be known after a restart.")
        }
    }
}

extension AcceptedVersions {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("accepted versions and interfaces") { database in
            // A version without value: the object cannot be read, and nobody knows whether it ever could.
            try database.execute(
                sql: """
                    CREATE TABLE versions (
                        resource TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        revision INTEGER NOT NULL,
                        value TEXT,
                        PRIMARY KEY (resource, namespace, name)
                    ) STRICT;
                    CREATE TABLE interfaces (
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        interface_name TEXT NOT NULL,
                        interface_index INTEGER NOT NULL,
                        PRIMARY KEY (namespace, name)
                    ) STRICT;
                    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
                    """)
        }
        return migrator
    }

    private static func find(_ key: StoreKey, in database: Database) throws -> (revision: Int64, value: String?)? {
        try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT revision, value FROM versions WHERE resource = ? AND namespace = ? AND name = ?"),
            arguments: [key.resource, key.namespace, key.name]
        ).map { ($0[0], $0[1]) }
    }

    private static func write(_ changes: AcceptedChanges, into database: Database) throws {
        if changes.isWhole {
            let rows = try Row.fetchCursor(database, sql: "SELECT resource, namespace, name FROM versions")
            var gone: [StoreKey] = []
            while let row = try rows.next() {
                let key = StoreKey(resource: row[0], namespace: row[1], name: row[2])
                if changes.versions[key] == nil, !changes.kept.contains(key) { gone.append(key) }
            }
            for key in gone { try delete(key, from: database) }
            if try !isComplete(database) {
                for key in changes.kept where try find(key, in: database) == nil {
                    try put(key, revision: 0, value: nil, into: database)
                }
            }
            try database.execute(sql: "INSERT OR REPLACE INTO facts (name, value) VALUES ('complete', 'yes')")
        }
        for (key, object) in changes.versions {
            guard let object else {
                try delete(key, from: database)
                continue
            }
            // At a start nearly every version is the one that is remembered.
            if changes.isWhole, let known = try find(key, in: database), known.revision == object.revision, known.value != nil {
                continue
            }
            try put(key, revision: object.revision, value: object.value.text(), into: database)
        }
    }

    private static func isComplete(_ database: Database) throws -> Bool {
        try String.fetchOne(database, sql: "SELECT value FROM facts WHERE name = 'complete'") != nil
    }

    private static func put(_ key: StoreKey, revision: Int64, value: String?, into database: Database) throws {
        try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO versions (resource, namespace, name, revision, value) VALUES (?, ?, ?, ?, ?)"
        ).execute(arguments: [key.resource, key.namespace, key.name, revision, value])
    }

    private static func delete(_ key: StoreKey, from database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM versions WHERE resource = ? AND namespace = ? AND name = ?")
            .execute(arguments: [key.resource, key.namespace, key.name])
    }

    private static func write(
        _ attachments: [EndpointKey: NodeProgram.Attachment], place: String, into database: Database
    ) throws {
        try database.execute(sql: "DELETE FROM interfaces")
        for (key, attachment) in attachments {
            try database.cachedStatement(
                sql: "INSERT INTO interfaces (namespace, name, interface_name, interface_index) VALUES (?, ?, ?, ?)"
            ).execute(arguments: [key.namespace, key.name, attachment.interfaceName, attachment.interfaceIndex])
        }
        try database.execute(sql: "INSERT OR REPLACE INTO facts (name, value) VALUES ('place', ?)", arguments: [place])
    }
}
