import ArgumentParser
import KubernetesClient
import PolicyModel

struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show objects.",
        discussion: """
            With --watch it goes on with every change: a table with the column EVENT, with -o json one \
            {"type":...,"object":...} a line. It takes up where it was when the server comes back.

            EXAMPLES
              bulkhead get networkpolicies -A
              bulkhead get globalnetworkpolicy no-strangers -o yaml
              bulkhead get workloadendpoints -n shop -l app=web -o name
              bulkhead get tiers --watch
            """)

    @OptionGroup var server: ServerOptions
    @Argument(help: "A kind: its plural, singular or short name; or KIND/NAME.", completion: ResourceArguments.completion)
    var kind: String
    @Argument(help: "Objects; all of the kind when left out.")
    var names: [String] = []
    @OptionGroup var namespace: NamespaceOptions
    @Flag(name: [.customShort("A"), .long], help: "Every namespace.")
    var allNamespaces = false
    @Option(name: [.customShort("l"), .long], help: ArgumentHelp("Those whose labels match: app=web,tier!=back.", valueName: "labels"))
    var selector: String?
    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: ObjectFormat = .table
    @Flag(name: .shortAndLong, help: "Go on with every change.")
    var watch = false

    func validate() throws {
        let isNamed = !names.isEmpty || kind.contains("/")
        if allNamespaces, isNamed { throw ValidationError("-A and a name exclude each other") }
        if selector != nil, isNamed { throw ValidationError("-l and a name exclude each other") }
        if watch, names.count > 1 { throw ValidationError("--watch follows one object, or all of a kind") }
    }

    func run() async throws {
        let (kind, names) = try ResourceArguments.parse(kind, names)
        let client = try server.client()
        let room = kind.namespaced && !allNamespaces ? namespace.name(client) : nil
        var query: [String: String] = [:]
        if let selector { query["labelSelector"] = selector }
        if watch {
            if let name = names.first { query["fieldSelector"] = "metadata.name=\(name)" }
            let target = WatchCommandLoop.Target(kind: kind, namespace: room, query: query)
            return try await WatchCommandLoop(
                client: client, target: target, printer: WatchPrinter(kind: kind, format: output, withNamespace: room == nil && kind.namespaced)
            ).run()
        }
        switch output {
        case .json: print(try await objects(client, kind, room, names, query).text(pretty: true))
        case .yaml: print(YAMLDocuments.text(try await objects(client, kind, room, names, query)), terminator: "")
        case .name:
            let answer = try await objects(client, kind, room, names, query)
            for object in answer["items"]?.arrayValue ?? [answer] {
                print("\(kind.singular)/\(object["metadata"]?["name"]?.stringValue ?? "")")
            }
        case .table, .wide: print(try await table(client, kind, room, names, query))
        }
    }

    // MARK: Parts

    /// The object where one is named, else a list.
    private func objects(
        _ client: KubernetesClient, _ kind: ResourceKind, _ room: String?, _ names: [String], _ query: [String: String]
    ) async throws -> JSONValue {
        guard !names.isEmpty else { return try await client.list(kind, namespace: room, query: query) }
        var found: [JSONValue] = []
        for name in names { found.append(try await client.get(kind, namespace: room, name: name)) }
        if found.count == 1, let only = found.first { return only }
        return .object(["apiVersion": "v1", "kind": "List", "items": .array(found)])
    }

    private func table(
        _ client: KubernetesClient, _ kind: ResourceKind, _ room: String?, _ names: [String], _ query: [String: String]
    ) async throws -> String {
        var shown = ObjectTable(isWide: output == .wide, withNamespace: kind.namespaced && allNamespaces)
        for name in names.isEmpty ? [nil] : names.map(Optional.init) {
            let path = KubernetesClient.path(kind, namespace: room, name: name)
            shown.add(try await client.request(.GET, path, query: query, accept: ObjectTable.mediaType))
        }
        guard shown.text.rows.isEmpty else { return shown.text.render() }
        return "No \(kind.plural) found" + (room.map { " in namespace \($0) (-A shows all)" } ?? "") + "."
    }
}
