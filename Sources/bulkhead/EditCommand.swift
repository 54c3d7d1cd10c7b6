import ArgumentParser
import Foundation
import KubernetesClient
import PolicyModel

struct EditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit",
        abstract: "Change an object in your editor.",
        discussion: """
            The editor is $KUBE_EDITOR, $VISUAL, $EDITOR or vi. When the server refuses the change, or somebody else changed \
            the same fields meanwhile, the editor opens again with the reason at the top; other fields that changed \
            meanwhile stay as they are. Leaving the file as it is, or empty, ends without a change.

            EXAMPLES
              bulkhead edit networkpolicy web -n shop
              bulkhead edit tier/default
            """)

    @OptionGroup var server: ServerOptions
    @Argument(help: "A kind, or KIND/NAME.", completion: ResourceArguments.completion)
    var kind: String
    @Argument(help: "The object.")
    var name: String?
    @OptionGroup var namespace: NamespaceOptions
    @Option(help: ArgumentHelp("How long to wait until the change is in force; 0 does not wait.", valueName: "seconds"))
    var wait = 10.0

    func validate() throws {
        try Enforcement.check(wait: wait)
        guard name != nil || kind.contains("/") else { throw ValidationError("name the object: KIND NAME or KIND/NAME") }
    }

    func run() async throws {
        let (kind, names) = try ResourceArguments.parse(kind, name.map { [$0] } ?? [])
        guard let name = names.first else { throw ValidationError("name the object: KIND NAME or KIND/NAME") }
        let client = try server.client()
        let room = kind.namespaced ? namespace.name(client) : nil
        var session = EditSession(original: try await client.get(kind, namespace: room, name: name))
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(
            "bulkhead-edit-\(UUID().uuidString.prefix(8)).yaml")
        try Self.write(session.text(reasons: []), to: file)
        var keepsFile = false
        defer { if !keepsFile { try? FileManager.default.removeItem(at: file) } }

        var lastRefused: String?
        while true {
            try Editor.open(file.path)
            let written = String(decoding: FileManager.default.contents(atPath: file.path) ?? Data(), as: UTF8.self)
            let text = EditSession.withoutReasons(written)
            if let lastRefused, lastRefused == text {
                keepsFile = true
                throw CommandFailure("the change was refused and you left it as it was; it is kept in \(file.path)")
            }
            if EditSession.isEmpty(written) { return print("Edit cancelled, the file is empty.") }
            if lastRefused == nil, text == EditSession.withoutReasons(session.text(reasons: [])) {
                return print("Edit cancelled, no changes made.")
            }
            do {
                let outcome = try await session.send(text, to: client, kind: kind, namespace: room, name: name)
                guard let stored = outcome else { return print("Edit cancelled, no changes made.") }
                print("\(kind.singular)/\(name) edited")
                let revision = Int64(stored["metadata"]?["resourceVersion"]?.stringValue ?? "") ?? 0
                if wait > 0 { print(try await Enforcement.wait(client, revision: revision, seconds: wait).sentence) }
                return
            } catch let refusal as EditRefusal {
                lastRefused = text
                try Self.write(EditSession.commented(refusal.reasons) + text, to: file)
            } catch {
                keepsFile = true
                Output.error("bulkhead: your change is kept in \(file.path)")
                throw error
            }
        }
    }

    private static func write(_ text: String, to file: URL) throws {
        FileManager.default.createFile(atPath: file.path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
    }
}
