import Dataplane
import Datastore
import Foundation
import GRDB
import PolicyModel

/// The table of the flow history and the way of records into it and out of it.
enum FlowTables {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("flows") { database in
            try createFirst(database)
        }
        // Records from before staged policies have none: the staged world was the enforced one.
        migrator.registerMigration("pending verdicts") { database in
            try database.execute(sql: "ALTER TABLE flows ADD COLUMN pending TEXT")
        }
        migrator.registerMigration("accounts") { try AccountTables.create($0) }
        migrator.registerMigration("decisions and filters") { database in try FlowDecisions.create(database) }
        migrator.registerMigration("labels") { database in try FlowLabels.create(database) }
        return migrator
    }

    /// The table of the first release.
    static func createFirst(_ database: Database) throws {
        // AUTOINCREMENT: a follower's cursor must not meet a number again whose record was deleted.
        try database.execute(
            sql: """
                CREATE TABLE flows (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    start_time INTEGER NOT NULL,
                    end_time INTEGER NOT NULL,
                    verdict INTEGER NOT NULL,
                    direction INTEGER NOT NULL,
                    source_namespace TEXT,
                    source_name TEXT,
                    destination_namespace TEXT,
                    destination_name TEXT,
                    source_address TEXT NOT NULL,
                    destination_address TEXT NOT NULL,
                    transport INTEGER NOT NULL,
                    source_port INTEGER NOT NULL,
                    destination_port INTEGER NOT NULL,
                    packets_out INTEGER NOT NULL,
                    bytes_out INTEGER NOT NULL,
                    packets_in INTEGER NOT NULL,
                    bytes_in INTEGER NOT NULL,
                    reason TEXT,
                    system_reason INTEGER,
                    observed INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX flows_by_end ON flows (end_time);
                """)
    }

    /// Also counts records that were deleted since.
    static func lastCursor(_ database: Database) throws -> Int64 {
        try Int64.fetchOne(database, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'flows'") ?? 0
    }

    /// For `insert`; to be asked for once for many records, as finding it takes a good part of an insertion.
    static func insertion(into database: Database) throws -> Statement {
        try database.cachedStatement(
            sql: """
                INSERT INTO flows (
                    start_time, end_time, verdict, direction, source_namespace, source_name, destination_namespace,
                    destination_name, source_address, destination_address, transport, source_port, destination_port,
                    packets_out, bytes_out, packets_in, bytes_in, reason_id, system_reason, observed,
                    pending_id, begins, source_labels, destination_labels
                ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
    }

    static func insert(
        _ record: FlowRecord, _ decisions: inout FlowDecisions.Writer, _ labels: inout FlowLabels.Writer, with insertion: Statement,
        into database: Database
    ) throws {
        let reason = try record.reason.map { try decisions.identifier(of: $0, in: database) }
        let pending = try record.pending.map { try decisions.identifier(of: $0, in: database) }
        let source = try labels.identifier(of: record.sourceLabels, of: record.source, in: database)
        let destination = try labels.identifier(of: record.destinationLabels, of: record.destination, in: database)
        var values: [DatabaseValue] = []
        values.reserveCapacity(24)
        func add(_ value: (some DatabaseValueConvertible)?) { values.append(value?.databaseValue ?? .null) }
        add(record.startTime)
        add(record.endTime)
        add(Int64(record.verdict.rawValue))
        add(Int64(record.direction.rawValue))
        add(record.source?.namespace)
        add(record.source?.name)
        add(record.destination?.namespace)
        add(record.destination?.name)
        add(record.sourceAddress)
        add(record.destinationAddress)
        add(Int64(record.transport))
        add(Int64(record.sourcePort))
        add(Int64(record.destinationPort))
        for count in [record.packetsOut, record.bytesOut, record.packetsIn, record.bytesIn] { add(Int64(clamping: count)) }
        add(reason)
        add(record.systemReason.map { Int64($0.rawValue) })
        add(Int64(record.observed ? 1 : 0))
        add(pending)
        add(Int64(record.begins ? 1 : 0))
        add(source)
        add(destination)
        insertion.setUncheckedArguments(StatementArguments(values))
        try insertion.execute()
    }

    /// Deletes the oldest: those up to a cursor, those that ended before a time, and as many as make the file too large.
    /// Not more than about `quota` at a time.
    static func prune(
        _ database: Database, upTo oldest: Int64, endedBefore time: Int64, bytes: Int64, quota: Int
    ) throws {
        try database.cachedStatement(
            sql: "DELETE FROM flows WHERE id IN (SELECT id FROM flows WHERE id <= ? ORDER BY id LIMIT ?)"
        ).execute(arguments: [oldest, quota])
        try database.cachedStatement(
            sql: "DELETE FROM flows WHERE id IN (SELECT id FROM flows WHERE end_time < ? ORDER BY end_time LIMIT ?)"
        ).execute(arguments: [time, quota])
        var deleted = 0
        while deleted < quota, try usedBytes(database) > bytes {
            try database.cachedStatement(sql: "DELETE FROM flows WHERE id IN (SELECT id FROM flows ORDER BY id LIMIT ?)")
                .execute(arguments: [FlowLimits.deletedPerStep])
            guard database.changesCount > 0 else { return }
            deleted += database.changesCount
        }
    }

    /// What the records need. Pages that were given back stay in the file and are used again before it grows.
    static func usedBytes(_ database: Database) throws -> Int64 {
        func pragma(_ name: String) throws -> Int64 { try Int64.fetchOne(database, sql: "PRAGMA \(name)") ?? 0 }
        return try (pragma("page_count") - pragma("freelist_count")) * pragma("page_size")
    }

    static let selection = """
        SELECT flows.*, reasons.text AS reason_text, pendings.text AS pending_text, sources.text AS source_labels_text,
            destinations.text AS destination_labels_text
        FROM flows
        """
    static let joins = """
        LEFT JOIN decisions AS reasons ON reasons.id = reason_id LEFT JOIN decisions AS pendings ON pendings.id = pending_id
        LEFT JOIN labels AS sources ON sources.id = source_labels LEFT JOIN labels AS destinations ON destinations.id = destination_labels
        """

    static func fetch(
        _ database: Database, sql: String, _ arguments: StatementArguments
    ) throws -> [(cursor: Int64, record: FlowRecord)] {
        let rows = try Row.fetchCursor(database, sql: sql, arguments: arguments)
        var found: [(cursor: Int64, record: FlowRecord)] = []
        while let row = try rows.next() { found.append((row["id"], try record(row))) }
        return found
    }

    private static func record(_ row: Row) throws -> FlowRecord {
        guard let verdict = Verdict(rawValue: row["verdict"]), let direction = Direction(rawValue: row["direction"]) else {
            throw StoreError.failed("The flow history holds a record (\(row["id"] as Int64)) of an unknown form.")
        }
        let reason: Reason? = try (row["reason_text"] as String?).map {
            try JSONDecoder().decode(Reason.self, from: Data($0.utf8))
        }
        let pending: Decision.Pending? = try (row["pending_text"] as String?).map {
            try JSONDecoder().decode(Decision.Pending.self, from: Data($0.utf8))
        }
        var record = FlowRecord(
            startTime: row["start_time"], endTime: row["end_time"], verdict: verdict, direction: direction,
            source: endpoint(row["source_namespace"], row["source_name"]),
            destination: endpoint(row["destination_namespace"], row["destination_name"]),
            sourceAddress: row["source_address"], destinationAddress: row["destination_address"],
            transport: row["transport"], sourcePort: row["source_port"], destinationPort: row["destination_port"],
            packetsOut: row["packets_out"], bytesOut: row["bytes_out"], packetsIn: row["packets_in"],
            bytesIn: row["bytes_in"], reason: reason,
            systemReason: (row["system_reason"] as UInt32?).flatMap(SystemReason.init(rawValue:)),
            observed: row["observed"], pending: pending, begins: row["begins"])
        record.sourceLabels = try (row["source_labels_text"] as String?).map(FlowLabels.labels)
        record.destinationLabels = try (row["destination_labels_text"] as String?).map(FlowLabels.labels)
        return record
    }

    private static func endpoint(_ namespace: String?, _ name: String?) -> EndpointKey? {
        guard let namespace, let name else { return nil }
        return EndpointKey(namespace: namespace, name: name)
    }
}
