import ArgumentParser
import KubernetesClient
import PolicyModel

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Create or change objects from files, folders or standard input.",
        discussion: """
            Fields that an earlier apply set and the file no longer holds are removed; fields set by others stay, as with \
            kubectl apply. Returns when the change is in force in the kernel.

            EXAMPLES
              bulkhead apply -f policies/
              bulkhead apply -f web.yaml -f database.yaml
              bulkhead get networkpolicy web -n shop -o yaml | bulkhead apply -f -
            """)

    @OptionGroup var server: ServerOptions
    @Option(name: .customShort("f"), parsing: .singleValue, help: ArgumentHelp("A file, a folder, or - for standard input.", valueName: "path"))
    var file: [String]
    @Option(name: .shortAndLong, help: "The namespace of objects that name none.")
    var namespace = "default"
    @Option(help: ArgumentHelp("How long to wait until the change is in force; 0 does not wait.", valueName: "seconds"))
    var wait = 10.0

    func validate() throws {
        guard Enforcement.allowed.contains(wait) else {
            throw ValidationError("--wait \(wait): give a number of seconds from 0 to \(Int(Enforcement.allowed.upperBound))")
        }
    }

    func run() async throws {
        let manifests = try Manifests.read(file)
        let client = try server.client()
        var revision: Int64 = 0
        var failures = 0
        for (origin, object, kind) in manifests {
            var object = object
            if kind.namespaced, object["metadata"]?["namespace"] == nil { object["metadata"]?["namespace"] = .string(namespace) }
            let name = "\(kind.singular)/\(object["metadata"]?["name"]?.stringValue ?? "")"
            do {
                let (stored, outcome) = try await client.apply(object, kind: kind)
                revision = max(revision, Int64(stored["metadata"]?["resourceVersion"]?.stringValue ?? "") ?? 0)
                print("\(name) \(outcome.rawValue)")
            } catch let error as KubernetesError {
                Output.error("bulkhead: \(origin): \(name): \(error)")
                failures += 1
            }
        }
        if revision > 0, wait > 0 { print(try await Enforcement.wait(client, revision: revision, seconds: wait).sentence) }
        if failures > 0 { throw ExitCode(1) }
    }
}
