import ArgumentParser
import KubernetesClient
import PolicyModel

struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show objects.",
        discussion: """
            EXAMPLES
              bulkhead get networkpolicies -A
              bulkhead get globalnetworkpolicy no-strangers -o yaml
              bulkhead get tiers
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var format: OutputOptions
    @Argument(help: "A kind: its plural, singular or short name.")
    var kind: String
    @Argument(help: "One object; all of the kind when left out.")
    var name: String?
    @Option(name: .shortAndLong, help: "The namespace.")
    var namespace = "default"
    @Flag(name: [.customShort("A"), .long], help: "Every namespace.")
    var allNamespaces = false

    func run() async throws {
        let kind = try ResourceArguments.kind(kind)
        if allNamespaces, name != nil { throw ValidationError("-A and a name exclude each other") }
        let path = KubernetesClient.path(kind, namespace: allNamespaces ? nil : namespace, name: name)
        let client = try server.client()
        switch format.output {
        case .json: print(try await client.request(.GET, path).text(pretty: true))
        case .yaml: print(YAMLDocuments.text(try await client.request(.GET, path)), terminator: "")
        case .table:
            print(render(try await client.request(.GET, path, accept: "application/json;as=Table;v=v1;g=meta.k8s.io"), kind))
        }
    }

    private func render(_ table: JSONValue, _ kind: ResourceKind) -> String {
        let columns = table["columnDefinitions"]?.arrayValue ?? []
        let shown = columns.indices.filter { columns[$0]["priority"] != .integer(1) }
        let withNamespace = kind.namespaced && allNamespaces
        var text = TextTable()
        text.header = (withNamespace ? ["NAMESPACE"] : []) + shown.map { (columns[$0]["name"]?.stringValue ?? "").uppercased() }
        for row in table["rows"]?.arrayValue ?? [] {
            let cells = row["cells"]?.arrayValue ?? []
            let namespace = row["object"]?["metadata"]?["namespace"]?.stringValue ?? ""
            text.rows.append((withNamespace ? [namespace] : []) + shown.map { $0 < cells.count ? Self.plain(cells[$0]) : "" })
        }
        return text.rows.isEmpty ? "No \(kind.plural) found." : text.render()
    }

    private static func plain(_ cell: JSONValue) -> String {
        switch cell {
        case .string(let text): text
        case .null: "<none>"
        default: cell.text()
        }
    }
}
