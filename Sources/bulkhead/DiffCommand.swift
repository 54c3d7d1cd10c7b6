import ArgumentParser
import PolicyAnalysis
import PolicyModel

struct DiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say what new manifests allow that the old ones, or the live store, do not, and the other way round.",
        discussion: """
            A line for every two ends between which other connections may be begun: dir1 is the old side, dir2 the new one. Ends \
            of the kind New are pods that are not there yet and stand for all with their labels. The policies behind `because \
            of` are those without whose change the line would go away: each alone (or), or only together (and). Exits with 3 \
            when there is a difference.

            EXAMPLES
              bulkhead diff -f new/ --against old/
              bulkhead diff -f new/ --against live
              bulkhead diff -f new/ --against old/ -o json
            """)

    @OptionGroup var server: ServerOptions
    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .singleValue,
        help: ArgumentHelp("The new manifests: a file, a folder, or - for standard input.", valueName: "path"),
        completion: .file())
    var file: [String]
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("The old manifests: a file or a folder; or live, for the server's objects.", valueName: "path"),
        completion: .file())
    var against: [String]
    @Option(name: .shortAndLong, help: "text or json.")
    var output: DifferenceFormat = .text

    enum DifferenceFormat: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    func run() async throws {
        let new = try AnalysedWorld.files(file)
        let old = against == ["live"] ? try await AnalysedWorld.live(try server.client()) : try AnalysedWorld.files(against)
        let difference = try ConnectivityDifference(old: old, new: new)
        switch output {
        case .json: Output.line(JSONValue.array(difference.lines.map(\.json)).text(pretty: true))
        case .text:
            if !difference.lines.isEmpty { Output.line("Connectivity diff:") }
            for line in difference.lines { Output.line(line.description) }
        }
        if !difference.isComplete { Output.error(AnalysedWorld.incomplete) }
        if !difference.lines.isEmpty { throw ExitCode(3) }
    }
}
