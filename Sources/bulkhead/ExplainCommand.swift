import ArgumentParser
import KubernetesClient
import PolicyAnalysis
import PolicyModel

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what happens to a connection, and which rule decides.",
        discussion: """
            SOURCE and DESTINATION are NAMESPACE/NAME of a workload, an address, or host. The answer is made from the \
            policies in force.

            EXAMPLES
              bulkhead explain shop/web shop/database --port tcp/5432
              bulkhead explain 192.0.2.7 shop/web --port tcp/443 --sport 40000 -o json
              bulkhead explain shop/web 10.0.0.9 --port icmp/8/0 --exit-code
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var format: OutputOptions
    @Argument(help: "Who begins.")
    var source: String
    @Argument(help: "Who is addressed.")
    var destination: String
    @Option(help: ArgumentHelp("tcp/5432, udp/53, sctp/7, icmp/TYPE/CODE, or a protocol number.", valueName: "protocol/port"))
    var port: String
    @Option(help: ArgumentHelp("The source port; some port above 32767 when left out.", valueName: "number"))
    var sport: UInt16?
    @Flag(help: "Exit with 3 when the verdict is Deny.")
    var exitCode = false

    func validate() throws {
        for end in [source, destination] where ExplainEnd(end) == nil {
            throw ValidationError("\"\(end)\" is neither namespace/name nor an address nor host")
        }
        do {
            _ = try PortSpecification(port)
        } catch {
            throw ValidationError("--port: \(error)")
        }
    }

    func run() async throws {
        var query = ["source": source, "destination": destination, "port": port]
        if let sport { query["sport"] = String(sport) }
        let answer = try await server.client().request(.GET, "/apis/bulkhead.io/v1alpha1/explain", query: query)
        var machine = answer
        machine["text"] = nil
        switch format.output {
        case .json: print(machine.text(pretty: true))
        case .yaml: print(YAMLDocuments.text(machine), terminator: "")
        case .table: print(answer["text"]?.stringValue ?? "")
        }
        if exitCode, answer["verdict"]?.stringValue == "Deny" { throw ExitCode(3) }
    }
}
