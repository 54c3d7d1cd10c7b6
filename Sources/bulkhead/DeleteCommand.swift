import ArgumentParser
import KubernetesClient
import PolicyModel

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete objects, by name or as files name them.",
        discussion: """
            EXAMPLES
              bulkhead delete networkpolicy web -n shop
              bulkhead delete -f policies/
            """)

    @OptionGroup var server: ServerOptions
    @Argument(help: "A kind.")
    var kind: String?
    @Argument(help: "Names.")
    var names: [String] = []
    @Option(name: .customShort("f"), parsing: .singleValue, help: ArgumentHelp("A file, a folder, or - for standard input.", valueName: "path"))
    var file: [String] = []
    @Option(name: .shortAndLong, help: "The namespace.")
    var namespace = "default"
    @Flag(help: "An object that does not exist is no failure.")
    var ignoreNotFound = false

    func validate() throws {
        guard file.isEmpty != (kind == nil) else { throw ValidationError("name a kind and objects, or files with -f") }
        if kind != nil, names.isEmpty { throw ValidationError("name the objects to delete") }
    }

    func run() async throws {
        var targets: [(ResourceKind, String, String)] = []
        if let kind {
            let found = try ResourceArguments.kind(kind)
            targets = names.map { (found, namespace, $0) }
        } else {
            targets = try Manifests.read(file).reversed().map { manifest in
                let metadata = manifest.object["metadata"]
                return (manifest.kind, metadata?["namespace"]?.stringValue ?? namespace, metadata?["name"]?.stringValue ?? "")
            }
        }
        let client = try server.client()
        var failures = 0
        for (kind, namespace, name) in targets {
            do {
                try await client.delete(kind, namespace: namespace, name: name)
                print("\(kind.singular)/\(name) deleted")
            } catch let error as KubernetesError {
                if ignoreNotFound, error.isNotFound { continue }
                Output.error("bulkhead: \(kind.singular)/\(name): \(error)")
                failures += 1
            }
        }
        if failures > 0 { throw ExitCode(1) }
    }
}
