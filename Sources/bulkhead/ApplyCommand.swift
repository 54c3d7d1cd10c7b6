import ArgumentParser
import KubernetesClient
import PolicyModel

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Create or change objects from files, folders or standard input.",
        discussion: """
            Fields that an earlier apply set and the file no longer holds are removed; fields set by others stay, as with \
            kubectl apply. A folder is read with the folders in it; what it holds that is no manifest is named. Returns when \
            the change is in force in the kernel.

            With --owner every object gets the label \(Ownership.label)=OWNER; --prune then deletes the objects with that \
            label that the files no longer hold. An object of another owner is refused.

            EXAMPLES
              bulkhead apply -f policies/
              bulkhead apply -f web.yaml -f database.yaml
              bulkhead apply -f policies/ --owner shop-team --prune --dry-run=server
              bulkhead apply -f policies/ --owner shop-team --prune
              bulkhead get networkpolicy web -n shop -o yaml | bulkhead apply -f -
            """)

    @OptionGroup var server: ServerOptions
    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .singleValue,
        help: ArgumentHelp("A file, a folder, or - for standard input.", valueName: "path"),
        completion: .file())
    var file: [String]
    @OptionGroup var namespace: NamespaceOptions
    @Option(help: ArgumentHelp("Whose the objects are: the label that --prune goes by.", valueName: "name"))
    var owner: String?
    @Flag(help: "Delete what --owner has and the files no longer hold.")
    var prune = false
    @Option(help: "server: check everything, change nothing.")
    var dryRun: DryRun = .none
    @Option(help: ArgumentHelp("How long to wait until the change is in force; 0 does not wait.", valueName: "seconds"))
    var wait = 10.0

    func validate() throws {
        try Enforcement.check(wait: wait)
        guard owner != nil || !prune else {
            throw ValidationError("--prune deletes by owner: give --owner NAME too")
        }
        if let owner, LabelValue(argument: owner) == nil {
            throw ValidationError("--owner \(owner): letters, digits, '-', '_' and '.', at most 63, beginning and ending with a letter or digit")
        }
    }

    func run() async throws {
        let manifests = try Manifests(file)
        if !manifests.skipped.isEmpty { Output.error("bulkhead: skipped \(manifests.skipped.joined(separator: ", "))") }
        let client = try server.client()
        var progress = Progress()
        for manifest in manifests.objects { await apply(manifest, of: manifests, client, &progress) }
        if prune, let owner { try await prune(client, owner: owner, &progress) }
        if progress.revision > 0, wait > 0, dryRun == .none {
            print(try await Enforcement.wait(client, revision: progress.revision, seconds: wait).sentence)
        }
        if progress.failures > 0 { throw ExitCode(1) }
    }

    // MARK: Parts

    private struct Progress {
        var revision: Int64 = 0
        var failures = 0
        var kept: Set<ObjectPlace> = []

        mutating func reached(_ object: JSONValue) {
            revision = max(revision, Int64(object["metadata"]?["resourceVersion"]?.stringValue ?? "") ?? 0)
        }
    }

    private func apply(_ manifest: Manifest, of manifests: Manifests, _ client: KubernetesClient, _ progress: inout Progress) async {
        var object = manifest.object
        let kind = manifest.kind
        if kind.namespaced, object["metadata"]?["namespace"] == nil {
            object["metadata"]?["namespace"] = .string(namespace.name(client))
        }
        progress.kept.insert(ObjectPlace(object, kind: kind))
        do {
            if let owner {
                if let obstacle = try await Ownership.obstacle(client, object, kind: kind, owner: owner) {
                    throw CommandFailure(obstacle)
                }
                Ownership.claim(&object, for: owner)
            }
            let (stored, outcome) = try await client.apply(object, kind: kind, query: dryRun.query)
            progress.reached(stored)
            print("\(manifest.title) \(outcome.rawValue)\(dryRun.remark)")
        } catch {
            for line in ObjectFailure.lines(error, manifest: manifest, in: manifests) { Output.failure(line) }
            progress.failures += 1
        }
    }

    private func prune(_ client: KubernetesClient, owner: String, _ progress: inout Progress) async throws {
        guard progress.failures == 0 else {
            return Output.failure("nothing was pruned: \(progress.failures) of the objects could not be applied")
        }
        for (kind, place) in try await Ownership.surplus(client, owner: owner, kept: progress.kept) {
            let title = "\(kind.singular)/\(place.name)"
            do {
                progress.reached(
                    try await client.delete(kind, namespace: place.namespace, name: place.name, query: dryRun.query))
                print("\(title) pruned\(dryRun.remark)")
            } catch let error as KubernetesError where error.isNotFound {
                // It went with its namespace.
            } catch {
                Output.failure("\(title): \(error)")
                progress.failures += 1
            }
        }
    }
}
