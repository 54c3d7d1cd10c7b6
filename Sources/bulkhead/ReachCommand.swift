import ArgumentParser
import Foundation
import KubernetesClient
import PolicyAnalysis
import PolicyModel

struct ReachCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reach",
        abstract: "Show what an attacker in a workload could reach, hop by hop, and what would stop most of it.",
        discussion: """
            Without WORKLOAD: how open each namespace is. Which part of the pairs with workloads of other namespaces may begin a \
            connection, in each direction, and how many workloads speak with addresses outside.

            EXAMPLES
              bulkhead reach -f manifests/ shop/web --hops 3
              bulkhead reach --live shop/web --port tcp/22
              bulkhead reach -f manifests/
            """)

    @OptionGroup var source: WorldOptions
    @Argument(help: "Where the attacker is.")
    var workload: String?
    @Option(help: ArgumentHelp("How many connections one after the other.", valueName: "number"))
    var hops = 4
    @Option(help: ArgumentHelp("Only hops that allow this: tcp/22.", valueName: "protocol/port"))
    var port: String?
    @OptionGroup var format: OutputOptions

    func validate() throws {
        guard hops > 0 else { throw ValidationError("--hops must be 1 or more") }
    }

    func run() async throws {
        let specification = try port.map(ConnectivityCommand.specification)
        let world = try await source.world()
        let document: JSONValue
        let text: String
        if let workload {
            guard let reach = Reach(world, from: workload, hops: hops, port: specification) else {
                throw CommandFailure("there is no workload \(workload): write NAMESPACE/NAME, or NAMESPACE/NAME[KIND]")
            }
            (document, text) = (reach.json, reach.text(ofWorkloads: world.workloads.count))
        } else {
            let postures = Posture.all(of: world)
            document = .array(postures.map(\.json))
            text = Self.table(postures)
        }
        switch format.output {
        case .json: Output.line(document.text(pretty: true))
        case .yaml: print(YAMLDocuments.text(document), terminator: "")
        case .table: Output.line(text)
        }
    }

    private static func table(_ postures: [Posture]) -> String {
        var table = TextTable("NAMESPACE", "WORKLOADS", "REACHED BY OTHERS", "REACHES OTHERS", "EXPOSED TO OUTSIDE", "REACHES OUTSIDE")
        for posture in postures {
            table.append(
                posture.namespace, "\(posture.workloads)", percent(posture.reachableFromOthers), percent(posture.reachesOthers),
                "\(posture.exposedToOutside)", "\(posture.reachesOutside)")
        }
        return table.render()
    }

    private static func percent(_ part: Double) -> String { String(format: "%.1f %%", part * 100) }
}
