import Foundation
import GRDB
import PolicyEngine
import PolicyModel

/// The sets of labels of the flow history: each is stored once, records name it by a number.
enum FlowLabels {
    /// Numbers of one transaction.
    struct Writer {
        /// An endpoint rarely has other labels in the next record.
        private var latest: [EndpointKey: (labels: [String: String], identifier: Int64)] = [:]
        private var texts = InternedTexts(table: "labels")
        var hasAdded: Bool { texts.hasAdded }

        mutating func identifier(
            of labels: [String: String]?, of endpoint: EndpointKey?, in database: Database
        ) throws -> Int64? {
            guard let labels, let endpoint else { return nil }
            if let known = latest[endpoint], known.labels == labels { return known.identifier }
            let identifier = try texts.identifier(of: labels, in: database)
            latest[endpoint] = (labels, identifier)
            return identifier
        }
    }

    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE labels (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
                ALTER TABLE flows ADD COLUMN source_labels INTEGER;
                ALTER TABLE flows ADD COLUMN destination_labels INTEGER;
                CREATE INDEX flows_by_source_labels ON flows (source_labels) WHERE source_labels IS NOT NULL;
                CREATE INDEX flows_by_destination_labels ON flows (destination_labels) WHERE destination_labels IS NOT NULL;
                """)
    }

    static func labels(_ text: String) throws -> [String: String] {
        try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
    }

    /// The numbers of the sets that a selector matches. O(sets stored).
    static func identifiers(matching selector: Selector, in database: Database) throws -> [Int64] {
        let rows = try Row.fetchCursor(database, sql: "SELECT id, text FROM labels")
        var found: [Int64] = []
        while let row = try rows.next() {
            if PolicyOracle.matches(selector, labels: try labels(row[1])) { found.append(row[0]) }
        }
        return found
    }

    /// Takes away what no record names, once there are many.
    static func prune(_ database: Database, keeping limit: Int) throws {
        guard try Int.fetchOne(database, sql: "SELECT count(*) FROM labels") ?? 0 > limit else { return }
        try database.execute(
            sql: """
                DELETE FROM labels
                WHERE NOT EXISTS (SELECT 1 FROM flows WHERE source_labels IS NOT NULL AND source_labels = labels.id)
                    AND NOT EXISTS (SELECT 1 FROM flows WHERE destination_labels IS NOT NULL AND destination_labels = labels.id)
                """)
    }
}
