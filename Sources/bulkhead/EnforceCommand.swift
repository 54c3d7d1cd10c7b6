import ArgumentParser
import BPFDataplane
import KubernetesClient
import PolicyModel

struct EnforceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enforce",
        abstract: "End observation: what `up --observe` only recorded is enforced from now on, without a restart.",
        discussion: """
            First it shows what was observed and would be denied. Without a daemon it works too, and shows nothing then. An \
            `up --observe` that is started later observes again.

            EXAMPLES
              bulkhead enforce --all --dry-run
              bulkhead enforce --all
            """)

    /// How far back in the flow log, and how much of it is shown.
    private static let records = 10_000
    private static let shown = 20

    @OptionGroup var server: ServerOptions
    @Flag(help: "Every workload of the instance.") var all = false
    @Flag(help: "Only show what would be denied; exit with 3 when there is something.") var dryRun = false
    @Option(help: "The folder of the instance in the BPF file system.", completion: .directory) var pin = Locations.pinDirectory

    func validate() throws {
        guard all else { throw ValidationError("give --all: observation ends for every workload at once") }
    }

    func run() async throws {
        var observed: [Denial] = []
        do {
            observed = try await denials(try server.client())
        } catch {
            if dryRun { throw error }
            Output.error("bulkhead: what was observed cannot be shown: \(error)")
        }
        for denial in observed.suffix(Self.shown) {
            print(Paragraph.wrapped("would be denied: \(denial.text), because of \(denial.reason)", indentation: 4))
        }
        if observed.count > Self.shown { print("and \(observed.count - Self.shown) more (bulkhead flows)") }
        if dryRun {
            if !observed.isEmpty { throw ExitCode(3) }
            return print("nothing that was observed would be denied")
        }
        print(try Observation.end(pinDirectory: pin) ? "enforced from now on" : "nothing was observed only: it is enforced already")
    }

    /// Each once, the newest last.
    private func denials(_ client: KubernetesClient) async throws -> [Denial] {
        var found: [Denial] = []
        for try await line in try await client.lines("/apis/bulkhead.io/v1alpha1/flows", query: ["limit": String(Self.records), "action": "deny"]) {
            let flow = try JSONValue(parsing: String(decoding: line, as: UTF8.self))
            guard flow["observed"]?.boolValue == true, let denial = Denial(flow: flow) else { continue }
            found.removeAll { $0 == denial }
            found.append(denial)
        }
        return found
    }
}
