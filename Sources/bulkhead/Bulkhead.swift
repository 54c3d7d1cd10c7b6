import ArgumentParser

struct Bulkhead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bulkhead", abstract: "Microsegmentation.",
        subcommands: [ApplyCommand.self, GetCommand.self, DeleteCommand.self, ExplainCommand.self, FlowsCommand.self, StatusCommand.self])
}
