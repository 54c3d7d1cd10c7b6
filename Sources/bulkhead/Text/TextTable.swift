import Glibc

/// Columns for people, at most 100 characters wide: the widest cells give way first.
struct TextTable {
    static let maximumWidth = Terminal.maximumColumns
    private static let gap = 2

    var header: [String]
    var rows: [[String]] = []
    /// nil: as wide as it gets.
    var widthLimit: Int? = Self.maximumWidth
    /// Found for all rows so far; rows that come later keep to them.
    private(set) var widths: [Int] = []

    init(_ header: String...) { self.header = header }

    init(header: [String]) { self.header = header }

    mutating func append(_ cells: String...) { rows.append(cells) }

    func render(colour: Bool = Terminal.showsColour(STDOUT_FILENO)) -> String {
        var table = self
        table.fix()
        return ([table.headerLine(colour: colour)] + rows.map { table.line($0, colour: colour) }).joined(separator: "\n")
    }

    /// Settles the widths for the rows there are.
    mutating func fix() {
        var widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        if let limit = widthLimit {
            while widths.reduce(0, +) + Self.gap * (widths.count - 1) > limit, let widest = widths.max(), widest > 4,
                let column = widths.firstIndex(of: widest)
            {
                widths[column] -= 1
            }
        }
        self.widths = widths
    }

    func headerLine(colour: Bool) -> String {
        let text = line(header, colour: false)
        return colour ? Paint.bold.on(text) : text
    }

    /// Only after `fix`.
    func line(_ cells: [String], colour: Bool) -> String {
        let padded = zip(cells, widths).enumerated().map { index, cell -> String in
            let (whole, width) = cell
            let text = whole.count > width ? whole.prefix(max(width - 1, 0)) + "…" : whole
            let isLast = index == cells.count - 1
            let space = isLast ? "" : String(repeating: " ", count: width - text.count)
            guard colour, let paint = Self.paint(whole) else { return text + space }
            return paint.on(String(text)) + space
        }
        var text = padded.joined(separator: String(repeating: " ", count: Self.gap))
        while text.last == " " { text.removeLast() }
        return text
    }

    /// What catches the eye: verdicts, and what is not policed.
    private static func paint(_ cell: String) -> Paint? {
        switch cell {
        case "Deny", "DELETED", "missing", "costs": .red
        case "Allow", "yes", "fine": .green
        default: cell.hasPrefix("no: ") ? .red : nil
        }
    }
}
