import GRDB
import Glibc
import PolicyModel

/// Opens and checks the file of a store, and says in a person's words what went wrong with it.
enum SQLiteDatabase {
    static func open(path: String) throws -> DatabasePool {
        do {
            try makePrivate(path)
            var configuration = Configuration()
            configuration.label = "bulkhead.store"
            configuration.busyMode = .timeout(5)
            let pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { database in
                // A write is acknowledged to its user, and soon enforced by kernels. FULL makes the commit durable
                // before that, also when power is lost; with NORMAL the last policies could vanish again, and
                // revisions that watchers have seen be given out a second time for something else.
                try database.execute(sql: "PRAGMA synchronous = FULL")
            }
            try check(pool, path: path)
            try migrate(pool, path: path)
            return pool
        } catch let error as StoreError {
            throw error
        } catch {
            throw describe(error, path: path)
        }
    }

    /// The sentence for a person; the same for every operation on the file.
    static func describe(_ error: any Error, path: String) -> StoreError {
        guard let error = error as? DatabaseError else {
            return .failed("The store \(path) could not be used: \(error).")
        }
        let detail = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL:
            return .failed(
                "The file system that holds the store \(path) is full: nothing was changed. Free some space and try again.")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            return .failed(damaged(path: path, detail: detail))
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY:
            return .failed(
                "The store \(path) cannot be opened for writing (\(detail)): "
                    + "check that its folder exists and belongs to this user.")
        case .SQLITE_IOERR:
            return .failed(
                "Reading or writing the store \(path) failed (\(detail)): nothing was changed. "
                    + "Check the disk and the space that is free on it.")
        default:
            return .failed("The store \(path) could not be used: \(detail).")
        }
    }

    /// SQLite gives its journal and its index file the permissions of the database.
    private static func makePrivate(_ path: String) throws {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw unusable(path, errno) }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else { throw unusable(path, errno) }
    }

    static func unusable(_ path: String, _ code: Int32) -> StoreError {
        .failed(
            "The store \(path) cannot be opened for writing (\(String(cString: strerror(code)))): "
                + "check that its folder exists and belongs to this user.")
    }

    private static func damaged(path: String, detail: String) -> String {
        "The store \(path) is damaged (\(detail)): move it and the files beside it away and restore a copy, "
            + "or start with an empty store and apply your policies again. Kernels keep enforcing what they have."
    }

    private static func check(_ pool: DatabasePool, path: String) throws {
        let finding = try pool.read { try String.fetchOne($0, sql: "PRAGMA integrity_check(1)") }
        guard finding == "ok" else {
            throw StoreError.failed(damaged(path: path, detail: finding ?? "the check gave no result"))
        }
    }

    private static func migrate(_ pool: DatabasePool, path: String) throws {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("objects and events") { database in
            try database.execute(
                sql: """
                    CREATE TABLE objects (
                        resource TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        revision INTEGER NOT NULL,
                        value TEXT NOT NULL,
                        PRIMARY KEY (resource, namespace, name)
                    ) STRICT;
                    CREATE TABLE events (
                        revision INTEGER PRIMARY KEY,
                        kind TEXT NOT NULL,
                        resource TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        value TEXT NOT NULL
                    ) STRICT;
                    """)
        }
        guard try !pool.read(migrator.hasBeenSuperseded) else {
            throw StoreError.failed(
                "The store \(path) was written by a newer Bulkhead: use that version, or restore a copy made before.")
        }
        try migrator.migrate(pool)
    }
}
