import Foundation
import GRDB
import PolicyModel

/// The reasons of the flow history: each is stored once, records name it by a number.
enum FlowDecisions {
    /// Numbers of one transaction.
    struct Writer {
        private var reasons: [Reason: Int64] = [:]
        private var pending: [Decision.Pending: Int64] = [:]
        private var texts = InternedTexts(table: "decisions")
        var hasAdded: Bool { texts.hasAdded }

        mutating func identifier(of reason: Reason, in database: Database) throws -> Int64 {
            if let known = reasons[reason] { return known }
            let identifier = try texts.identifier(of: reason, in: database)
            reasons[reason] = identifier
            return identifier
        }

        mutating func identifier(of decision: Decision.Pending, in database: Database) throws -> Int64 {
            if let known = pending[decision] { return known }
            let identifier = try texts.identifier(of: decision, in: database)
            pending[decision] = identifier
            return identifier
        }
    }

    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE decisions (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
                ALTER TABLE flows ADD COLUMN reason_id INTEGER;
                ALTER TABLE flows ADD COLUMN pending_id INTEGER;
                ALTER TABLE flows ADD COLUMN begins INTEGER NOT NULL DEFAULT 0;
                INSERT OR IGNORE INTO decisions (text)
                    SELECT reason FROM flows WHERE reason IS NOT NULL UNION SELECT pending FROM flows WHERE pending IS NOT NULL;
                UPDATE flows SET
                    reason_id = (SELECT id FROM decisions WHERE text = reason),
                    pending_id = (SELECT id FROM decisions WHERE text = pending),
                    reason = NULL, pending = NULL;
                CREATE INDEX flows_by_source ON flows (source_namespace, source_name);
                CREATE INDEX flows_by_destination ON flows (destination_namespace, destination_name);
                CREATE INDEX flows_by_reason ON flows (reason_id);
                CREATE INDEX flows_by_pending ON flows (pending_id) WHERE pending_id IS NOT NULL;
                CREATE INDEX flows_denied ON flows (verdict) WHERE verdict = \(Verdict.deny.rawValue);
                """)
    }

    /// The numbers of the decisions in which a policy had a part. O(decisions stored).
    static func identifiers(of policy: FlowFilter.PolicyName, in database: Database) throws -> [Int64] {
        let rows = try Row.fetchCursor(database, sql: "SELECT id, text FROM decisions")
        let decoder = JSONDecoder()
        var found: [Int64] = []
        while let row = try rows.next() {
            let data = Data((row[1] as String).utf8)
            // Both kinds of text are in the one table; no text is of both kinds.
            let reason = (try? decoder.decode(Decision.Pending.self, from: data))?.reason ?? (try? decoder.decode(Reason.self, from: data))
            if let reason, policy.isPart(of: reason) { found.append(row[0]) }
        }
        return found
    }

    /// Takes away what no record names, once there are many.
    static func prune(_ database: Database, keeping limit: Int) throws {
        guard try Int.fetchOne(database, sql: "SELECT count(*) FROM decisions") ?? 0 > limit else { return }
        try database.execute(
            sql: """
                DELETE FROM decisions
                WHERE NOT EXISTS (SELECT 1 FROM flows WHERE reason_id = decisions.id)
                    AND NOT EXISTS (SELECT 1 FROM flows WHERE pending_id IS NOT NULL AND pending_id = decisions.id)
                """)
    }
}
