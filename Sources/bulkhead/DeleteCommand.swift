import ArgumentParser
import KubernetesClient
import PolicyModel

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete objects, by name, by label or as files name them.",
        discussion: """
            Returns when the change is in force in the kernel.

            EXAMPLES
              bulkhead delete networkpolicy web -n shop
              bulkhead delete networkpolicies -n shop -l app=web --dry-run=server
              bulkhead delete -f policies/ --ignore-not-found
            """)

    @OptionGroup var server: ServerOptions
    @Argument(help: "A kind, or KIND/NAME.", completion: ResourceArguments.completion)
    var kind: String?
    @Argument(help: "Names.")
    var names: [String] = []
    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .singleValue,
        help: ArgumentHelp("A file, a folder, or - for standard input.", valueName: "path"),
        completion: .file())
    var file: [String] = []
    @OptionGroup var namespace: NamespaceOptions
    @Option(name: [.customShort("l"), .long], help: ArgumentHelp("Those whose labels match: app=web,tier!=back.", valueName: "labels"))
    var selector: String?
    @Flag(help: "An object that does not exist is no failure.")
    var ignoreNotFound = false
    @Option(help: "server: check everything, change nothing.")
    var dryRun: DryRun = .none
    @Option(help: ArgumentHelp("How long to wait until the change is in force; 0 does not wait.", valueName: "seconds"))
    var wait = 10.0

    func validate() throws {
        try Enforcement.check(wait: wait)
        guard file.isEmpty != (kind == nil) else { throw ValidationError("name a kind and objects, or files with -f") }
        guard let kind else {
            if selector != nil { throw ValidationError("-l picks objects of a kind; with -f the files name them") }
            return
        }
        let hasNames = !names.isEmpty || kind.contains("/")
        guard hasNames != (selector != nil) else {
            throw ValidationError(hasNames ? "give names or -l, not both" : "name the objects to delete, or pick them with -l")
        }
    }

    private struct Target {
        var kind: ResourceKind
        var namespace: String
        var name: String
    }

    func run() async throws {
        let client = try server.client()
        var failures = 0
        var revision: Int64 = 0
        for target in try await targets(client) {
            let title = "\(target.kind.singular)/\(target.name)"
            do {
                let answer = try await client.delete(
                    target.kind, namespace: target.namespace, name: target.name, query: dryRun.query)
                revision = max(revision, Int64(answer["metadata"]?["resourceVersion"]?.stringValue ?? "") ?? 0)
                print("\(title) deleted\(dryRun.remark)")
            } catch let error as KubernetesError {
                if ignoreNotFound, error.isNotFound { continue }
                Output.failure("\(title): \(error)")
                failures += 1
            }
        }
        if revision > 0, wait > 0, dryRun == .none {
            print(try await Enforcement.wait(client, revision: revision, seconds: wait).sentence)
        }
        if failures > 0 { throw ExitCode(1) }
    }

    private func targets(_ client: KubernetesClient) async throws -> [Target] {
        let standard = namespace.name(client)
        guard let kind else {
            let manifests = try Manifests(file)
            if !manifests.skipped.isEmpty { Output.error("bulkhead: skipped \(manifests.skipped.joined(separator: ", "))") }
            return manifests.objects.reversed().map { manifest in
                let named = manifest.object["metadata"]?["namespace"]?.stringValue
                return Target(kind: manifest.kind, namespace: named ?? standard, name: manifest.name)
            }
        }
        let (found, names) = try ResourceArguments.parse(kind, names)
        guard let selector else { return names.map { Target(kind: found, namespace: standard, name: $0) } }
        let list = try await client.list(found, namespace: standard, query: ["labelSelector": selector])
        let picked = (list["items"]?.arrayValue ?? []).compactMap { $0["metadata"]?["name"]?.stringValue }
        if picked.isEmpty { print("No \(found.plural) match \(selector).") }
        return picked.map { Target(kind: found, namespace: standard, name: $0) }
    }
}
