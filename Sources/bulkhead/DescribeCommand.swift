import ArgumentParser
import KubernetesClient
import PolicyModel

struct DescribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Tell everything about an object: what it says, what became of it, what happened to it.",
        discussion: """
            EXAMPLES
              bulkhead describe networkpolicy web -n shop
              bulkhead describe workloadendpoint/web -n shop
            """)

    @OptionGroup var server: ServerOptions
    @Argument(help: "A kind, or KIND/NAME.", completion: ResourceArguments.completion)
    var kind: String
    @Argument(help: "Objects; all of the kind when left out.")
    var names: [String] = []
    @OptionGroup var namespace: NamespaceOptions

    func run() async throws {
        let (kind, names) = try ResourceArguments.parse(kind, names)
        let client = try server.client()
        let room = kind.namespaced ? namespace.name(client) : nil
        var objects: [JSONValue] = []
        if names.isEmpty { objects = try await client.list(kind, namespace: room)["items"]?.arrayValue ?? [] }
        for name in names { objects.append(try await client.get(kind, namespace: room, name: name)) }
        let node = try await client.request(.GET, "/apis/bulkhead.io/v1alpha1/status")
        var texts: [String] = []
        for object in objects {
            let events = try await ObjectEvents.list(of: object, kind: kind, client)
            texts.append(ObjectDescription(kind: kind, object: object, node: node, events: events).text)
        }
        print(texts.isEmpty ? "No \(kind.plural) found." : texts.joined(separator: "\n\n"))
    }
}
