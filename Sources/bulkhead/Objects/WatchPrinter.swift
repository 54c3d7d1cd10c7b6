import Glibc
import KubernetesClient
import PolicyModel

/// Prints what a watch tells, one change after the other.
struct WatchPrinter {
    let kind: ResourceKind
    let format: ObjectFormat
    private var table: ObjectTable
    private var line: TextTable?

    init(kind: ResourceKind, format: ObjectFormat, withNamespace: Bool) {
        self.kind = kind
        self.format = format
        table = ObjectTable(isWide: format == .wide, withNamespace: withNamespace)
    }

    /// Whether the server is to send tables.
    var wantsTables: Bool { format == .table || format == .wide }

    /// What is there when the watch begins: all at once, so that the columns fit.
    mutating func begin(_ list: JSONValue) {
        if wantsTables {
            table.add(list)
            var text = table.text
            text.header.insert("EVENT", at: 0)
            text.rows = text.rows.map { ["ADDED"] + $0 }
            text.rows.append(["MODIFIED"] + [String](repeating: "", count: text.header.count - 1))
            text.fix()
            text.rows.removeLast()
            let colour = Terminal.showsColour(STDOUT_FILENO)
            print(([text.headerLine(colour: colour)] + text.rows.map { text.line($0, colour: colour) }).joined(separator: "\n"))
            line = text
        } else {
            for object in list["items"]?.arrayValue ?? [] { one("ADDED", object) }
        }
        // A pipe would otherwise hold the lines back until a block is full.
        fflush(nil)
    }

    mutating func change(_ type: String, _ object: JSONValue) {
        if wantsTables {
            for row in object["rows"]?.arrayValue ?? [] {
                print(line?.line([type] + table.cells(row), colour: Terminal.showsColour(STDOUT_FILENO)) ?? "")
            }
        } else {
            one(type, object)
        }
        fflush(nil)
    }

    private func one(_ type: String, _ object: JSONValue) {
        switch format {
        case .yaml: print("---\n# \(type)\n" + YAMLDocuments.text(object), terminator: "")
        case .name:
            let name = "\(kind.singular)/\(object["metadata"]?["name"]?.stringValue ?? "")"
            print(type == "DELETED" ? "\(name) deleted" : name)
        default: print(JSONValue.object(["type": .string(type), "object": object]).text())
        }
    }
}
