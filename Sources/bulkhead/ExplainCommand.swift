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
            policies in force, or with -f from those of files, without a server: then a workload may be written as \
            `connectivity` does.

            EXAMPLES
              bulkhead explain shop/web shop/database --port tcp/5432
              bulkhead explain 192.0.2.7 shop/web --port tcp/443 --sport 40000 -o json
              bulkhead explain shop/web 10.0.0.9 --port icmp/8/0 --exit-code
              bulkhead explain -f manifests/ shop/web shop/database --port tcp/5432
            """)

    @OptionGroup var server: ServerOptions
    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .singleValue,
        help: ArgumentHelp("A file or folder of manifests to answer from, or - for standard input.", valueName: "path"),
        completion: .file())
    var file: [String] = []
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
        for end in [source, destination] where ExplainEnd(end) == nil && file.isEmpty {
            throw ValidationError("\"\(end)\" is neither namespace/name nor an address nor host")
        }
        do {
            _ = try PortSpecification(port)
        } catch {
            throw ValidationError("--port: \(error)")
        }
    }

    func run() async throws {
        let answer = file.isEmpty ? try await answerOfServer() : try answerOfFiles()
        var machine = answer
        machine["text"] = nil
        switch format.output {
        case .json: print(machine.text(pretty: true))
        case .yaml: print(YAMLDocuments.text(machine), terminator: "")
        case .table: print(answer["text"]?.stringValue ?? "")
        }
        if exitCode, answer["verdict"]?.stringValue == "Deny" { throw ExitCode(3) }
    }

    private func answerOfServer() async throws -> JSONValue {
        var query = ["source": source, "destination": destination, "port": port]
        if let sport { query["sport"] = String(sport) }
        return try await server.client().request(.GET, "/apis/bulkhead.io/v1alpha1/explain", query: query)
    }

    private func answerOfFiles() throws -> JSONValue {
        let world = try AnalysedWorld.files(file)
        let specification = try PortSpecification(port)
        let ends = try [source, destination].map { text in
            guard let end = world.end(meantBy: text) else {
                throw CommandFailure("there is no workload \(text): write NAMESPACE/NAME, an address, or host")
            }
            return end
        }
        let explanation = try Explain.explain(
            world: world.world, source: ends[0], destination: ends[1], transport: specification.transport,
            destinationPort: specification.destinationPort, sourcePort: sport)
        for case .endpoint(let key) in ends where world.assumed.contains(key) {
            Output.error("bulkhead: the files tell no address of \(key): one that is in no block stands for it")
        }
        var document = explanation.json
        document["text"] = .string(explanation.text)
        return document
    }
}
