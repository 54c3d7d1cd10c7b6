import ArgumentParser
import KubernetesClient
import PolicyModel
import WorkloadSources

struct WorkloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workload", abstract: "Name the workloads of this host that are to be policed.",
        subcommands: [WorkloadAddCommand.self, WorkloadRemoveCommand.self, WorkloadListCommand.self])
}

struct WorkloadAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Police a workload; returns when its first verdict table is in the kernel.",
        discussion: """
            EXAMPLES
              bulkhead workload add web -n shop --netns web --label app=web --port http=tcp/8080
              bulkhead workload add legacy -n shop --interface tap0 --address 10.0.0.9
            """)

    /// How long the first table may take, in seconds.
    static let timeoutSeconds = 20.0

    @OptionGroup var server: ServerOptions
    @Argument(help: "The workload's name.") var name: String
    @Option(name: .shortAndLong, help: "Its namespace; made when missing.") var namespace: String
    @Option(help: "The host side of its veth, or its tap.") var interface: String?
    @Option(help: "Its network namespace: a name that `ip netns` knows, or a path.") var netns: String?
    @Option(help: "An address of its own; once for each. Without it: those inside its network namespace.")
    var address: [IPAddress] = []
    @Option(help: ArgumentHelp("A label; once for each.", valueName: "key=value")) var label: [String] = []
    @Option(help: ArgumentHelp("A named port; once for each.", valueName: "name=protocol/number")) var port: [NamedPort] = []

    func validate() throws {
        guard (interface == nil) != (netns == nil) else {
            throw ValidationError("Give either --interface or --netns.")
        }
        for text in label where !text.contains("=") {
            throw ValidationError("--label \(text): write KEY=VALUE.")
        }
    }

    func run() async throws {
        var labels: [String: String] = [:]
        for text in label {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            labels[String(parts[0])] = String(parts[1])
        }
        let location: WorkloadRequest.Location =
            if let interface { .interface(interface) } else { .networkNamespace(netns ?? "") }
        let request = WorkloadRequest(
            namespace: namespace, name: name, location: location, addresses: address, labels: labels, ports: port)
        let endpoint = try request.endpoint()
        let registry = APIWorkloadRegistry(client: try server.client())
        let existing = try await registry.endpoints()
        if let holder = Self.holder(of: endpoint, among: existing) {
            throw CommandFailure(
                "interface \(endpoint.interfaceName) belongs to the workload \(holder): remove that first "
                    + "(bulkhead workload remove \(holder.name) -n \(holder.namespace))")
        }
        try await registry.ensureNamespace(namespace)
        let revision = try await registry.put(endpoint)
        do {
            try await registry.waitUntilEnforced(
                revision: revision, endpoint: endpoint.key, timeoutSeconds: Self.timeoutSeconds)
        } catch {
            // What is refused must not leave its labels on the address.
            if !existing.contains(where: { (try? WorkloadEndpoint(object: $0))?.key == endpoint.key }) {
                try await registry.removeEndpoint(endpoint.key)
            }
            throw error
        }
        let addresses = endpoint.addresses.map(\.description).joined(separator: ", ")
        Output.line("\(endpoint.key) is policed on \(endpoint.interfaceName) (\(addresses))")
    }
}

extension WorkloadAddCommand {
    /// Another workload of this host that has the interface already.
    private static func holder(of endpoint: EndpointDescription, among objects: [JSONValue]) -> EndpointKey? {
        // What closes an interface whose endpoint is gone makes way for the next by itself.
        objects.lazy.filter { $0["metadata"]?["annotations"]?[WorkloadEndpoint.closedAnnotation] == nil }
            .compactMap { try? WorkloadEndpoint(object: $0) }.first {
            $0.interfaceName == endpoint.interfaceName && $0.key != endpoint.key
                && ($0.node.isEmpty || $0.node == NodeName.current())
        }?.key
    }
}

struct WorkloadRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Stop policing a workload and forget it.",
        discussion: """
            EXAMPLES
              bulkhead workload remove web -n shop
            """)

    @OptionGroup var server: ServerOptions
    @Argument(help: "The workload's name.") var name: String
    @Option(name: .shortAndLong, help: "Its namespace.") var namespace: String

    func run() async throws {
        try await server.client().delete(Kinds.workloadEndpoint, namespace: namespace, name: name)
        Output.line("\(namespace)/\(name) is no longer policed")
    }
}

struct WorkloadListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the workloads and whether they are policed.",
        discussion: """
            EXAMPLES
              bulkhead workload list
              bulkhead workload list -o json
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var format: OutputOptions

    func run() async throws {
        let client = try server.client()
        let status = try await client.request(.GET, "/apis/bulkhead.io/v1alpha1/status")
        let stored = try await client.list(Kinds.workloadEndpoint)["items"]?.arrayValue ?? []
        var states: [EndpointKey: JSONValue] = [:]
        for endpoint in status["endpoints"]?.arrayValue ?? [] {
            guard let namespace = endpoint["namespace"]?.stringValue, let name = endpoint["name"]?.stringValue else { continue }
            states[EndpointKey(namespace: namespace, name: name)] = endpoint
        }
        let workloads = stored.compactMap { try? WorkloadEndpoint(object: $0) }
        switch format.output {
        case .json: Output.line(Self.document(workloads, states).text(pretty: true))
        case .yaml: print(YAMLDocuments.text(Self.document(workloads, states)), terminator: "")
        case .table: Output.line(Self.text(workloads, states))
        }
    }

    /// `policed` is absent for those of another node.
    private static func document(_ workloads: [WorkloadEndpoint], _ states: [EndpointKey: JSONValue]) -> JSONValue {
        .object([
            "workloads": .array(
                workloads.map { workload in
                    var members: [String: JSONValue] = [
                        "namespace": .string(workload.key.namespace), "name": .string(workload.key.name),
                        "interface": .string(workload.interfaceName),
                        "addresses": .array(workload.addresses.map { .string($0.description) }),
                    ]
                    for member in ["policed", "message"] { members[member] = states[workload.key]?[member] }
                    return .object(members)
                })
        ])
    }

    private static func text(_ workloads: [WorkloadEndpoint], _ states: [EndpointKey: JSONValue]) -> String {
        var table = TextTable("NAMESPACE", "NAME", "INTERFACE", "ADDRESSES", "POLICED")
        for workload in workloads {
            let policed: String
            if let state = states[workload.key] {
                policed = state["policed"] == .bool(true) ? "yes" : "no: \(state["message"]?.stringValue ?? "")"
            } else {
                policed = "by another node"
            }
            table.append(
                workload.key.namespace, workload.key.name, workload.interfaceName,
                workload.addresses.map(\.description).joined(separator: ","), policed)
        }
        return table.rows.isEmpty ? "No workloads." : table.render()
    }
}
