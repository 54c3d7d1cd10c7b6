import ArgumentParser
import Glibc

/// The command line. One file a command.
@main
struct Bulkhead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bulkhead",
        abstract: "Microsegmentation for containers, virtual machines and hosts.",
        discussion: """
            EXIT CODES
              0 done; 1 failed or refused; 2 wrong usage; 3 differences or findings, or a Deny where asked.
            """,
        groupedSubcommands: [
            CommandGroup(
                name: "Host",
                subcommands: [
                    UpCommand.self, EnforceCommand.self, ReleaseCommand.self, DoctorCommand.self, WorkloadCommand.self, HookCommand.self,
                ]),
            CommandGroup(
                name: "Object",
                subcommands: [
                    ApplyCommand.self, GetCommand.self, DescribeCommand.self, EditCommand.self, DeleteCommand.self,
                ]),
            CommandGroup(
                name: "Insight",
                subcommands: [
                    ExplainCommand.self, WhyCommand.self, FlowsCommand.self, StatusCommand.self, ConnectivityCommand.self,
                    DiffCommand.self, ReachCommand.self, LintCommand.self, VerifyCommand.self,
                ]),
            CommandGroup(
                name: "Other",
                subcommands: [UserCommand.self, BackupCommand.self, RestoreCommand.self, LimitsCommand.self, CompletionCommand.self]),
        ])

    /// Exit codes: 0 done; 1 failed or refused; 2 wrong usage; others as the command says.
    static func main() async {
        Terminal.limitHelpWidth()
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
            Output.line(HelpText.wrapped(fullMessage(for: error)))
            Glibc.exit(0)
        case .validationFailure:
            Output.error(HelpText.wrapped(fullMessage(for: error)))
            Glibc.exit(2)
        case let code:
            if !(error is ExitCode) { Output.failure("\(error)") }
            Glibc.exit(code.rawValue)
        }
    }
}
