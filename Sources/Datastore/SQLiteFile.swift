import GRDB
import Glibc

/// Opens and checks one SQLite file of ours, and says in a person's words what went wrong with it.
public struct SQLiteFile: Sendable {
    public enum Durability: String, Sendable {
        /// A commit survives the end of the process; losing power may take the last ones, never the consistency.
        case everyCheckpoint = "NORMAL"
    }

    public var path: String
    /// What it is to its user: `store`.
    public var title: String
    /// What to do when it is damaged, from "move" on, after "...: ".
    public var remedy: String

    public init(path: String, title: String, remedy: String) {
        self.path = path
        self.title = title
        self.remedy = remedy
    }

    /// Makes the file where there is none, mode 0600, in a folder that exists, and brings its tables up to date.
    ///
    /// - Parameter checked: read all of it and refuse it when it is damaged (about a second for 100 MB).
    /// - Throws: `StoreError.failed` with a sentence.
    public func open(durability: Durability, checked: Bool, migrator: DatabaseMigrator) throws -> DatabasePool {
        do {
            try makePrivate()
            var configuration = Configuration()
            configuration.label = "bulkhead.\(title)"
            configuration.busyMode = .timeout(5)
            let pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { database in
                // The pool itself has set NORMAL.
                try database.execute(sql: "PRAGMA synchronous = \(durability.rawValue)")
                // What a burst of writes made of the write-ahead log is given back at the next checkpoint.
                try database.execute(sql: "PRAGMA journal_size_limit = \(StoreLimits.writeAheadBytes)")
            }
            if checked { try check(pool) }
            guard try !pool.read(migrator.hasBeenSuperseded) else {
                throw StoreError.failed(
                    "The \(title) \(path) was written by a newer Bulkhead: use that version, or restore a copy made before.")
            }
            try migrator.migrate(pool)
            return pool
        } catch {
            throw describe(error)
        }
    }

    /// The sentence for a person; errors that are sentences already stay what they are.
    public func describe(_ error: any Error) -> any Error {
        if error is StoreError || error is CancellationError { return error }
        guard let error = error as? DatabaseError else {
            return StoreError.failed("The \(title) \(path) could not be used: \(error).")
        }
        let detail = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL:
            return StoreError.failed(
                "The file system that holds the \(title) \(path) is full: nothing was changed. "
                    + "Free some space and try again.")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            return damaged(detail)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY:
            return unusable(detail)
        case .SQLITE_IOERR:
            return StoreError.failed(
                "Reading or writing the \(title) \(path) failed (\(detail)): nothing was changed. "
                    + "Check the disk and the space that is free on it.")
        default:
            return StoreError.failed("The \(title) \(path) could not be used: \(detail).")
        }
    }

    func unusable(_ detail: String) -> StoreError {
        .failed(
            "The \(title) \(path) cannot be opened for writing (\(detail)): "
                + "check that its folder exists and belongs to this user.")
    }

    func unsynced(_ detail: String) -> StoreError {
        .failed(
            "The disk did not take what was written into the \(title) \(path) (\(detail)): the write may be there after a restart "
                + "or not. Nothing more is written until then: check the disk, and restart.")
    }

    /// SQLite gives its journal and its index file the permissions of the database.
    private func makePrivate() throws {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw unusable(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else { throw unusable(String(cString: strerror(errno))) }
    }

    private func damaged(_ detail: String) -> StoreError {
        .failed("The \(title) \(path) is damaged (\(detail)): \(remedy)")
    }

    private func check(_ pool: DatabasePool) throws {
        let finding = try pool.read { try String.fetchOne($0, sql: "PRAGMA integrity_check(1)") }
        guard finding == "ok" else { throw damaged(finding ?? "the check gave no result") }
    }
}
