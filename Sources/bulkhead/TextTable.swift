/// Columns for people, at most 100 characters wide: the widest cells give way first.
struct TextTable {
    static let maximumWidth = 100
    private static let gap = 2

    var header: [String]
    var rows: [[String]] = []

    init(_ header: String...) { self.header = header }

    mutating func append(_ cells: String...) { rows.append(cells) }

    func render() -> String {
        var widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        while widths.reduce(0, +) + Self.gap * (widths.count - 1) > Self.maximumWidth, let widest = widths.max(), widest > 4,
            let column = widths.firstIndex(of: widest)
        {
            widths[column] -= 1
        }
        return ([header] + rows).map { line($0, widths) }.joined(separator: "\n")
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        let padded = zip(cells, widths).map { cell, width in
            let text = cell.count > width ? cell.prefix(width - 1) + "…" : cell[...]
            return text + String(repeating: " ", count: width - text.count)
        }
        var text = padded.joined(separator: String(repeating: " ", count: Self.gap))
        while text.last == " " { text.removeLast() }
        return text
    }
}
