import ArgumentParser
import Glibc

/// The command line. One file a command.
@main
struct Bulkhead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bulkhead",
        abstract: "Microsegmentation for containers, virtual machines and hosts.",
        subcommands: [
            UpCommand.self, ReleaseCommand.self, WorkloadCommand.self, HookCommand.self, ApplyCommand.self, GetCommand.self,
            DeleteCommand.self, ExplainCommand.self, FlowsCommand.self, StatusCommand.self,
            LimitsCommand.self,
        ])

    /// Exit codes: 0 done; 1 failed or refused; 2 wrong usage; others as the command says.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            leave(with: error)
        }
    }

    private static func leave(with error: any Error) -> Never {
        switch exitCode(for: error) {
        case .success:
            // Help and version.
            Output.line(fullMessage(for: error))
            Glibc.exit(0)
        case .validationFailure:
            Output.error(fullMessage(for: error))
            Glibc.exit(2)
        case let code:
            if !(error is ExitCode) { Output.error("bulkhead: \(error)") }
            Glibc.exit(code.rawValue)
        }
    }
}
