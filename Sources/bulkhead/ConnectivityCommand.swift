import ArgumentParser
import Foundation
import PolicyAnalysis
import PolicyModel

struct ConnectivityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connectivity",
        abstract: "List which workload may reach which, over what: from files, or from the live store.",
        discussion: """
            A line says SOURCE => DESTINATION : CONNECTIONS. Ends are NAMESPACE/NAME[KIND], or a range of addresses that are \
            nobody's: FIRST-LAST[External]. What has no line may not be begun. Reads manifests of workloads, namespaces, \
            services, sets and policies; asks no server without --live.

            EXAMPLES
              bulkhead connectivity -f manifests/
              bulkhead connectivity -f manifests/ --focus shop/web --port tcp/5432
              bulkhead connectivity -f manifests/ -o json
              bulkhead connectivity --live --to shop/database
              bulkhead connectivity -f manifests/ --exposure
            """)

    @OptionGroup var source: WorldOptions
    @Option(name: .shortAndLong, help: "text, json, csv, md, dot or svg.")
    var output: ConnectivityFormat = .text
    @Option(help: ArgumentHelp("Only lines with this workload at one end.", valueName: "workload"))
    var focus: String?
    @Option(help: ArgumentHelp("Only lines to this workload or range.", valueName: "workload"))
    var to: String?
    @Option(help: ArgumentHelp("Only lines that allow this: tcp/5432, udp/53, icmp/8/0.", valueName: "protocol/port"))
    var port: String?

    @Flag(help: "Tell also what pods could reach, or be reached by, that are not there yet.")
    var exposure = false

    func validate() throws {
        guard !exposure || output == .text else { throw ValidationError("--exposure is told with -o text only") }
    }

    func run() async throws {
        let filter = Connectivity.Filter(focus: focus, destination: to, port: try port.map(Self.specification))
        let world = try await source.world()
        var connectivity = Connectivity(world)
        for text in [focus, to].compactMap({ $0 }) where !connectivity.peers.contains(where: { $0.isMeant(by: text) }) {
            throw CommandFailure("there is no workload \(text): write NAMESPACE/NAME, or NAMESPACE/NAME[KIND]")
        }
        try ConnectivityReport.write(&connectivity, as: output, filter) { try FileHandle.standardOutput.write(contentsOf: $0) }
        guard exposure else { return }
        let exposure = try Exposure(world)
        Output.line("\n\(exposure)")
        if !exposure.isComplete { Output.error(AnalysedWorld.incomplete) }
    }

    static func specification(_ text: String) throws -> PortSpecification {
        do {
            return try PortSpecification(text)
        } catch {
            throw ValidationError("--port: \(error)")
        }
    }
}
