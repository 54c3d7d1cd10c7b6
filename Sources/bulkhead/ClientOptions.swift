import ArgumentParser
import Foundation
import KubernetesClient
import PolicyModel

/// How a client command finds the server.
struct ClientOptions: ParsableArguments {
    static let defaultStateDirectory = "/var/lib/bulkhead"

    @Option(help: ArgumentHelp(
        "The kubeconfig that names the server and the credentials.",
        discussion: "Default: $KUBECONFIG, else \(defaultStateDirectory)/kubeconfig.", valueName: "file"))
    var kubeconfig: String?

    func path() -> String {
        let environment = ProcessInfo.processInfo.environment["KUBECONFIG"] ?? ""
        return kubeconfig ?? (environment.isEmpty ? "\(Self.defaultStateDirectory)/kubeconfig" : environment)
    }

    /// Runs `body` with a client that is shut down afterwards, whatever happens.
    func withClient<Result: Sendable>(_ body: (KubernetesClient) async throws -> Result) async throws -> Result {
        try await KubernetesClient.with(configuration: Kubeconfig.load(path: path()), body)
    }
}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json, yaml
}

struct OutputOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "table, json or yaml.")
    var output: OutputFormat = .table
}

/// A failure whose sentence is all that a person needs.
struct CommandFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

func printError(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
