import PolicyModel

/// Objects as the server tabulates them (`meta.k8s.io/v1` Table).
struct ObjectTable {
    static let mediaType = "application/json;as=Table;v=v1;g=meta.k8s.io"

    let withNamespace: Bool
    let isWide: Bool
    private(set) var text: TextTable
    private var shown: [Int] = []

    init(isWide: Bool, withNamespace: Bool) {
        self.isWide = isWide
        self.withNamespace = withNamespace
        text = TextTable(header: [])
        if isWide { text.widthLimit = nil }
    }

    /// The columns come with the first table.
    mutating func add(_ table: JSONValue) {
        if let columns = table["columnDefinitions"]?.arrayValue, text.header.isEmpty {
            shown = columns.indices.filter { isWide || columns[$0]["priority"]?.integerValue ?? 0 == 0 }
            text.header = (withNamespace ? ["NAMESPACE"] : []) + shown.map { (columns[$0]["name"]?.stringValue ?? "").uppercased() }
        }
        for row in table["rows"]?.arrayValue ?? [] { text.rows.append(cells(row)) }
    }

    func cells(_ row: JSONValue) -> [String] {
        let cells = row["cells"]?.arrayValue ?? []
        let namespace = row["object"]?["metadata"]?["namespace"]?.stringValue ?? ""
        return (withNamespace ? [namespace] : []) + shown.map { $0 < cells.count ? Self.plain(cells[$0]) : "" }
    }

    private static func plain(_ cell: JSONValue) -> String {
        switch cell {
        case .string(let text): text
        case .null: "<none>"
        default: cell.text()
        }
    }
}
