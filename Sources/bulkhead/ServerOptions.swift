import ArgumentParser
import Foundation
import KubernetesClient

/// How a client command finds the server.
struct ServerOptions: ParsableArguments, Sendable {
    @Option(
        help: ArgumentHelp(
            "The file that names the server and the credentials.",
            discussion: "Without it: the first of $KUBECONFIG that exists, then \(Locations.kubeconfig).", valueName: "file"))
    var kubeconfig: String?

    func client() throws -> KubernetesClient {
        let path = try Kubeconfig.locate(
            explicit: kubeconfig, environment: ProcessInfo.processInfo.environment, defaultPath: Locations.kubeconfig)
        var client = try KubernetesClient(try Kubeconfig.load(path: path))
        client.warn = { Output.error("Warning: \($0)") }
        return client
    }
}
