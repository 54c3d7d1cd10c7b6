import Foundation
import GRDB
import Glibc

/// Copies of the store: one file that holds all objects and, beside them, small files of the state folder (keys, users).
///
/// A copy is a SQLite database of its own. It can be made while the store is in use; putting it back cannot.
public enum StoreBackup {
    /// What a copy is.
    public struct Summary: Sendable, Hashable {
        public var objects: Int
        public var revision: Int64
        /// Names of the files beside the objects, sorted.
        public var files: [String]
    }

    /// A restored store goes on this far behind the newest revision that is known of: no revision that a client has seen may
    /// ever mean something else.
    public static let revisionGap: Int64 = 1_000_000

    /// Writes a consistent copy of the store at `store` to `path`, mode 0600, which must not exist. Waits for no writer, and no
    /// writer waits for it.
    /// - Throws: `StoreError.failed` with a sentence; then there is no file at `path`.
    public static func write(store: String, files: [String: [UInt8]], to path: String) throws -> Summary {
        guard FileManager.default.fileExists(atPath: store) else {
            throw StoreError.failed("There is no store at \(store): name the state folder with --state.")
        }
        guard !FileManager.default.fileExists(atPath: path) else {
            throw StoreError.failed("\(path) exists already: a backup never overwrites one, choose another name.")
        }
        let temporary = path + ".part-\(getpid())"
        defer { for suffix in ["", "-wal", "-shm", "-journal"] { unlink(temporary + suffix) } }
        let file = Self.file(temporary)
        do {
            let source = try DatabaseQueue(path: store, configuration: configuration)
            let copy = try DatabaseQueue(path: temporary)
            guard chmod(temporary, 0o600) == 0 else { throw file.unusable(String(cString: strerror(errno))) }
            try source.backup(to: copy)
            try source.close()
            try copy.writeWithoutTransaction { database in
                // One file, without a log beside it.
                try database.execute(sql: "PRAGMA journal_mode = DELETE")
                try database.execute(sql: "CREATE TABLE files (name TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT")
                for (name, content) in files {
                    try database.execute(sql: "INSERT INTO files VALUES (?, ?)", arguments: [name, Data(content)])
                }
            }
            let summary = try Self.summary(copy, path: temporary)
            try copy.close()
            try putInPlace(temporary, path)
            return summary
        } catch {
            throw file.describe(error)
        }
    }

    /// Makes the store at `store` what the copy says, and returns the files that were kept with it.
    ///
    /// Watches of clients begin anew. What the store held before is lost.
    /// - Throws: `StoreError.failed` when the store is in use or the copy is damaged or of a newer version; then nothing was changed.
    public static func restore(from path: String, store: String) throws -> (summary: Summary, files: [String: [UInt8]]) {
        guard FileManager.default.fileExists(atPath: path) else {
            throw StoreError.failed("There is no backup at \(path).")
        }
        let lock: FileLock
        do {
            lock = try FileLock(path: store + "-lock")
        } catch .held {
            throw StoreError.failed("The store \(store) is in use: stop `bulkhead up` first. The kernel goes on enforcing meanwhile.")
        } catch .unavailable(let code) {
            throw file(store).unusable(String(cString: strerror(code)))
        }
        let temporary = store + ".restored"
        defer { for suffix in ["", "-wal", "-shm", "-journal"] { unlink(temporary + suffix) } }
        do {
            var reading = configuration
            reading.readonly = true
            let source = try DatabaseQueue(path: path, configuration: reading)
            let summary = try Self.summary(source, path: path)
            guard try !source.read(StoreTables.migrator.hasBeenSuperseded) else {
                throw StoreError.failed("The backup \(path) was written by a newer Bulkhead: use that version.")
            }
            let files = try source.read { database in
                try Row.fetchAll(database, sql: "SELECT name, content FROM files").reduce(into: [String: [UInt8]]()) { files, row in
                    files[row[0]] = Array(row[1] as Data)
                }
            }
            unlink(temporary)
            let copy = try DatabaseQueue(path: temporary)
            guard chmod(temporary, 0o600) == 0 else { throw file(temporary).unusable(String(cString: strerror(errno))) }
            try source.backup(to: copy)
            try source.close()
            try StoreTables.migrator.migrate(copy)
            let floor = max(summary.revision, revision(of: store)) + revisionGap
            try copy.write { database in
                try database.execute(sql: "DROP TABLE files; DELETE FROM events; DELETE FROM history")
                try database.execute(
                    sql: "UPDATE bookkeeping SET value = ? WHERE name = 'compacted'", arguments: [floor])
            }
            try copy.close()
            settle(store)
            try putInPlace(temporary, store)
            _ = consume lock
            return (summary, files)
        } catch {
            throw file(path).describe(error)
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        return configuration
    }

    private static func file(_ path: String) -> SQLiteFile {
        SQLiteFile(path: path, title: "backup", remedy: "use another one.")
    }

    /// Reads all of the copy on the way.
    private static func summary(_ database: DatabaseQueue, path: String) throws -> Summary {
        try database.read { database in
            let finding = try String.fetchOne(database, sql: "PRAGMA integrity_check(1)")
            guard finding == "ok" else {
                throw StoreError.failed("The backup \(path) is damaged (\(finding ?? "no result")): use another one.")
            }
            guard try database.tableExists("objects"), try database.tableExists("files") else {
                throw StoreError.failed("\(path) is no backup of Bulkhead.")
            }
            return Summary(
                objects: try Int.fetchOne(database, sql: "SELECT count(*) FROM objects") ?? 0,
                revision: try database.tableExists("bookkeeping") ? StoreRows.lastRevision(database) : 0,
                files: try String.fetchAll(database, sql: "SELECT name FROM files ORDER BY name"))
        }
    }

    /// 0 where there is no store, or none that can be read.
    private static func revision(of store: String) -> Int64 {
        guard FileManager.default.fileExists(atPath: store),
            let database = try? DatabaseQueue(path: store, configuration: configuration)
        else { return 0 }
        defer { try? database.close() }
        return (try? database.read(StoreRows.lastRevision)) ?? 0
    }

    /// Nothing may be left beside the old file that would be read as the log of the new one.
    private static func settle(_ store: String) {
        if let database = try? DatabaseQueue(path: store, configuration: configuration) {
            _ = try? database.writeWithoutTransaction { try $0.checkpoint(.truncate) }
            try? database.close()
        }
        for suffix in ["-wal", "-shm"] { unlink(store + suffix) }
    }

    /// Durable before it has its name, and after.
    private static func putInPlace(_ temporary: String, _ path: String) throws {
        try synchronise(temporary)
        guard rename(temporary, path) == 0 else { throw file(path).unusable(String(cString: strerror(errno))) }
        let folder = (path as NSString).deletingLastPathComponent
        try synchronise(folder.isEmpty ? "." : folder)
    }

    private static func synchronise(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw file(path).unusable(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw file(path).unusable(String(cString: strerror(errno))) }
    }
}
