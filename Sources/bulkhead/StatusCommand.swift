import ArgumentParser
import KubernetesClient
import PolicyModel

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what is policed and what is not, revisions, map fill, losses and warnings.")

    @OptionGroup var client: ClientOptions
    @OptionGroup var format: OutputOptions

    func run() async throws {
        let status = try await client.withClient { try await $0.get("/apis/bulkhead.io/v1alpha1/status") }
        switch format.output {
        case .json: print(status.text(pretty: true))
        case .yaml: print(YAMLDocuments.text(status), terminator: "")
        case .table: print(status["text"]?.stringValue ?? status.text(pretty: true))
        }
    }
}
