import Datastore
import GRDB
import Glibc
import PolicyModel

/// Flow history in one SQLite file, bounded by age, count and size.
///
/// The cursor of a record is its row number; numbers are never used twice. Followers that are slower than the bounds
/// miss records.
public final class SQLiteFlowStore: FlowStore {
    private let file: SQLiteFile
    private let pool: DatabasePool
    private let signal: CursorSignal
    private let recordLimit: Int64
    private let ageLimitNanoseconds: Int64
    private let byteLimit: Int64
    private let now: @Sendable () -> Int64

    /// Opens the history, making the file (mode 0600, in a folder that exists) where there is none.
    ///
    /// - Parameter now: nanoseconds since 1970; decides what is too old.
    /// - Throws: `StoreError.failed` with a sentence.
    public init(
        path: String, recordLimit: Int64 = FlowLimits.storedRecords,
        ageLimitNanoseconds: Int64 = FlowLimits.storedNanoseconds, byteLimit: Int64 = FlowLimits.storedBytes,
        now: @escaping @Sendable () -> Int64 = SQLiteFlowStore.wallClock
    ) throws {
        file = SQLiteFile(
            path: path, title: "flow history",
            remedy: "move it and the files beside it away; history begins anew, nothing else depends on it.")
        self.recordLimit = recordLimit
        self.ageLimitNanoseconds = ageLimitNanoseconds
        self.byteLimit = byteLimit
        self.now = now
        // Losing the last seconds of history with the power is fair; waiting for the disk at every window is not. For
        // the same reason its gigabyte is not read through at the start: damage shows when it is met.
        pool = try file.open(durability: .everyCheckpoint, checked: false, migrator: FlowTables.migrator)
        do {
            // A window of a flood touches many pages of the indexes: written again and again they would outlast the window.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA cache_size = -\(FlowLimits.cachedKibibytes)") }
            signal = CursorSignal(last: try pool.read(FlowTables.lastCursor))
        } catch {
            throw file.describe(error)
        }
    }

    public func close() throws {
        do {
            try pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
            try pool.close()
        } catch {
            throw file.describe(error)
        }
    }

    public func append(_ records: [FlowRecord]) async throws {
        guard !records.isEmpty else { return }
        let oldestTime = now() - ageLimitNanoseconds
        do {
            let last = try await pool.write { [recordLimit, byteLimit] database in
                var decisions = FlowDecisions.Writer()
                var labels = FlowLabels.Writer()
                let insertion = try FlowTables.insertion(into: database)
                for record in records { try FlowTables.insert(record, &decisions, &labels, with: insertion, into: database) }
                let last = try FlowTables.lastCursor(database)
                for record in records { try AccountTables.write(record, into: database) }
                try FlowTables.prune(
                    database, upTo: last - recordLimit, endedBefore: oldestTime, bytes: byteLimit,
                    quota: max(FlowLimits.deletedPerTransaction, records.count * 2))
                if decisions.hasAdded { try FlowDecisions.prune(database, keeping: FlowLimits.storedDecisions) }
                if labels.hasAdded { try FlowLabels.prune(database, keeping: FlowLimits.storedLabelSets) }
                return last
            }
            signal.advance(to: last)
        } catch {
            throw file.describe(error)
        }
    }

    public func inheritance(boot: String, now: UInt64) async throws -> FlowInheritance {
        do {
            // Read first: a disk that is full takes no writing.
            if let known = try await pool.read({ try AccountTables.inheritance($0, boot: boot) }) { return known }
            try await pool.write { try AccountTables.begin($0, boot: boot, now: now) }
            return FlowInheritance(since: now)
        } catch {
            throw file.describe(error)
        }
    }

    public func recent(matching filter: FlowFilter, limit: Int) async throws -> (records: [FlowRecord], cursor: Int64) {
        do {
            return try await pool.read { database in
                let last = try FlowTables.lastCursor(database)
                let found = try FlowSearch.newest(filter, upTo: last, limit: limit, in: database)
                return (found.reversed().map(\.record), last)
            }
        } catch {
            throw file.describe(error)
        }
    }

    public func records(
        after cursor: Int64, matching filter: FlowFilter, limit: Int
    ) async throws -> (records: [FlowRecord], cursor: Int64) {
        do {
            return try await pool.read { database in
                let last = try FlowTables.lastCursor(database)
                let found = try FlowSearch.next(filter, after: cursor, limit: limit, in: database)
                // With fewer than it asked for the reader has seen all there is.
                let next = found.count < limit ? max(last, cursor) : found.last?.cursor ?? cursor
                return (found.map(\.record), next)
            }
        } catch {
            throw file.describe(error)
        }
    }

    public func wait(after cursor: Int64) async throws { try await signal.wait(after: cursor) }

    /// CLOCK_REALTIME in nanoseconds.
    public static let wallClock: @Sendable () -> Int64 = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
