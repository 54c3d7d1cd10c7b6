import ArgumentParser
import PolicyModel

/// `KIND [NAME]...` or `KIND/NAME`, as kubectl writes it.
enum ResourceArguments {
    static func kind(_ text: String) throws -> ResourceKind {
        if let found = Kinds.find(userText: text) { return found }
        let known = Kinds.all.map(\.plural).sorted().joined(separator: ", ")
        // No wrong usage: which kinds there are is the server's business, as with kubectl.
        throw CommandFailure("no kind is called \"\(text)\"; there are \(known)")
    }

    /// The kind and the names, which `KIND/NAME` holds both of.
    static func parse(_ text: String, _ names: [String]) throws -> (kind: ResourceKind, names: [String]) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return (try kind(text), names) }
        guard names.isEmpty, !parts[1].isEmpty else {
            throw ValidationError("\(text): write KIND/NAME alone, or KIND NAME...")
        }
        return (try kind(parts[0]), [parts[1]])
    }

    /// For shells.
    static let completion = CompletionKind.list(Kinds.all.map(\.plural).sorted())
}
