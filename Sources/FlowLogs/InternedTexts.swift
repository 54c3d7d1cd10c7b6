import Foundation
import GRDB

/// Gives values their numbers in a table that stores the text of each once.
struct InternedTexts {
    /// Has the columns `id` and `text`, which is unique.
    let table: String
    /// Whether a text was new.
    private(set) var hasAdded = false

    init(table: String) { self.table = table }

    mutating func identifier(of value: some Encodable, in database: Database) throws -> Int64 {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = String(decoding: try encoder.encode(value), as: UTF8.self)
        let search = try database.cachedStatement(sql: "SELECT id FROM \(table) WHERE text = ?")
        if let known = try Int64.fetchOne(search, arguments: [text]) { return known }
        try database.cachedStatement(sql: "INSERT INTO \(table) (text) VALUES (?)").execute(arguments: [text])
        hasAdded = true
        return database.lastInsertedRowID
    }
}
