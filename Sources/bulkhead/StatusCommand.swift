import ArgumentParser
import KubernetesClient
import PolicyModel

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what is policed and what is not, revisions, map fill, losses and warnings.",
        discussion: """
            EXAMPLES
              bulkhead status
              bulkhead status -o json
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var format: OutputOptions

    func run() async throws {
        let status = try await server.client().request(.GET, "/apis/bulkhead.io/v1alpha1/status")
        switch format.output {
        case .json: print(status.text(pretty: true))
        case .yaml: print(YAMLDocuments.text(status), terminator: "")
        case .table: print(Self.text(status))
        }
    }

    private static func text(_ status: JSONValue) -> String {
        let kernel = status["kernelRevision"]?.integerValue.map { "revision \($0)" } ?? "nothing yet"
        var parts = [
            "Node \(status["node"]?.stringValue ?? ""): kernel \(kernel), store revision "
                + "\(status["storeRevision"]?.integerValue ?? 0)"
                + (status["observing"]?.boolValue == true ? "; observing only, nothing is enforced" : "")
        ]
        var endpoints = TextTable("ENDPOINT", "INTERFACE", "ADDRESSES", "POLICED")
        for endpoint in status["endpoints"]?.arrayValue ?? [] {
            let addresses = (endpoint["addresses"]?.arrayValue ?? []).compactMap(\.stringValue)
            endpoints.append(
                "\(endpoint["namespace"]?.stringValue ?? "")/\(endpoint["name"]?.stringValue ?? "")",
                endpoint["interface"]?.stringValue ?? "", addresses.joined(separator: ","),
                endpoint["policed"]?.boolValue == true ? "yes" : "no: \(endpoint["message"]?.stringValue ?? "")")
        }
        parts.append(endpoints.rows.isEmpty ? "No endpoints." : endpoints.render())
        let open = (status["interfaces"]?.arrayValue ?? []).filter { $0["endpoint"]?.stringValue == "" }
        if !open.isEmpty {
            var interfaces = TextTable("INTERFACE", "NOT POLICED BECAUSE")
            for interface in open {
                interfaces.append(interface["name"]?.stringValue ?? "", interface["message"]?.stringValue ?? "")
            }
            parts.append(interfaces.render())
        }
        parts += ContainerText.parts(status)
        var maps = TextTable("MAP", "USED", "CAPACITY")
        for map in status["maps"]?.arrayValue ?? [] {
            maps.append(
                map["name"]?.stringValue ?? "", String(map["used"]?.integerValue ?? 0), String(map["capacity"]?.integerValue ?? 0))
        }
        parts.append(maps.render())
        let counts = (status["systemCounts"]?.objectValue ?? [:]).filter { $0.value != .integer(0) }
        if !counts.isEmpty {
            var reasons = TextTable("DECIDED WITHOUT POLICY", "PACKETS")
            for (reason, count) in counts.sorted(by: { $0.key < $1.key }) { reasons.append(reason, String(count.integerValue ?? 0)) }
            parts.append(reasons.render())
        }
        parts.append("Events lost: \(status["eventsLost"]?.integerValue ?? 0)")
        let lines = status["ruleLog"]
        if let written = lines?["written"]?.integerValue, let leftOut = lines?["leftOut"]?.integerValue, written + leftOut > 0 {
            parts.append("Lines of Log rules: \(written) written, \(leftOut) left out")
        }
        parts += (status["warnings"]?.arrayValue ?? []).compactMap(\.stringValue).map { "Warning: \($0)" }
        return parts.joined(separator: "\n\n")
    }
}
