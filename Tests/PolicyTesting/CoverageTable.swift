/// Counts by row and column.
struct CoverageTable: Sendable {
    let name: String
    let rows: [String]
    let columns: [String]
    private var counts: [Int]
    /// Cells that must reach the floor.
    private var isExpected: [Bool]

    init(_ name: String, rows: [String], columns: [String]) {
        self.name = name
        self.rows = rows
        self.columns = columns
        counts = Array(repeating: 0, count: rows.count * columns.count)
        isExpected = Array(repeating: false, count: counts.count)
    }

    mutating func expect(_ row: Int, _ columns: some Sequence<Int>) {
        for column in columns { isExpected[row * self.columns.count + column] = true }
    }

    mutating func count(_ row: Int, _ column: Int) { counts[row * columns.count + column] += 1 }

    /// Of a table of the same shape.
    mutating func add(_ other: Self) {
        for cell in counts.indices { counts[cell] += other.counts[cell] }
    }

    /// One for each row with something to say.
    var lines: [String] {
        rows.indices.compactMap { row in
            let cells = columns.indices.compactMap { column -> String? in
                let cell = row * columns.count + column
                return isExpected[cell] || counts[cell] > 0 ? "\(columns[column]) \(counts[cell])" : nil
            }
            if cells.isEmpty { return nil }
            let name = rows[row] + String(repeating: " ", count: max(1, 36 - rows[row].count))
            return "  \(name)\(cells.joined(separator: ", "))"
        }
    }

    func shortfalls(floor: Int) -> [String] {
        counts.indices.filter { isExpected[$0] && counts[$0] < floor }.map { cell in
            "\(name), \(rows[cell / columns.count]), \(columns[cell % columns.count]): \(counts[cell]), less than \(floor)"
        }
    }
}
