import KubernetesClient
import PolicyModel

/// Why an edited object has to be edited again.
struct EditRefusal: Error {
    var reasons: [String]
}

/// One object from its fetching to the change that its editing makes.
struct EditSession {
    let original: JSONValue
    /// The version whose changes by others the person knows of: what is sent again after that overwrites them.
    private var known: JSONValue

    init(original: JSONValue) {
        self.original = original
        known = original
    }

    /// What only the server writes: to change it would change nothing.
    private static let hidden = [
        "managedFields", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
        "deletionGracePeriodSeconds", "selfLink",
    ]

    private var shown: JSONValue {
        var object = original
        for member in Self.hidden { object["metadata"]?[member] = nil }
        object["status"] = nil
        return object
    }

    func text(reasons: [String]) -> String { Self.commented(reasons) + YAMLDocuments.text(shown) }

    static func commented(_ reasons: [String]) -> String {
        let introduction = [
            "Edit the object below. Lines that begin with '#' are left out; a file without changes changes nothing.",
        ]
        return (introduction + reasons).flatMap { $0.split(separator: "\n") }.map { "# \($0)\n" }.joined() + "#\n"
    }

    static func withoutReasons(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).drop { $0.hasPrefix("#") }.joined(separator: "\n")
    }

    /// Whether nothing is left: as good as leaving the file as it was.
    static func isEmpty(_ text: String) -> Bool {
        text.split(separator: "\n").allSatisfy { $0.hasPrefix("#") || $0.allSatisfy(\.isWhitespace) }
    }

    /// - Returns: the object as it is now; nil when nothing changed.
    /// - Throws: `EditRefusal` where another edit can mend it.
    mutating func send(
        _ text: String, to client: KubernetesClient, kind: ResourceKind, namespace: String?, name: String
    ) async throws -> JSONValue? {
        let edited = try Self.read(text)
        for member in ["apiVersion", "kind"] where edited[member] != shown[member] {
            throw EditRefusal(reasons: ["\(member) cannot be edited: make another object with apply"])
        }
        for member in ["name", "namespace"] where edited["metadata"]?[member] != shown["metadata"]?[member] {
            throw EditRefusal(reasons: ["metadata.\(member) cannot be edited: make another object with apply"])
        }
        for member in Self.hidden where edited["metadata"]?[member] != nil {
            throw EditRefusal(reasons: ["metadata.\(member) is written by the server alone: leave it out"])
        }
        guard edited["status"] == nil else { throw EditRefusal(reasons: ["status is written by the server alone: leave it out"]) }
        guard let patch = MergeDifference.patch(from: shown, to: edited) else { return nil }
        var current = known
        while true {
            // Only what was seen may be changed: the server refuses when somebody was faster.
            var bound = patch
            if bound["metadata"]?.objectValue == nil { bound["metadata"] = .object([:]) }
            bound["metadata"]?["resourceVersion"] = current["metadata"]?["resourceVersion"]
            do {
                return try await client.patch(kind, namespace: namespace, name: name, patch: bound)
            } catch let error as KubernetesError where error.isConflict {
                current = try await client.get(kind, namespace: namespace, name: name)
                let meanwhile = MergeDifference.patch(from: known, to: current) ?? .object([:])
                let both = MergeDifference.commonFields(patch, meanwhile)
                guard both.isEmpty else {
                    known = current
                    throw EditRefusal(reasons: both.map { field in
                        "\(field) was changed by somebody else meanwhile, to \(MergeDifference.value(field, in: current)): "
                            + "change it again to overwrite that, or cancel"
                    })
                }
            } catch let error as KubernetesError where (400..<500).contains(error.status?.code ?? 0) && !error.isNotFound {
                let sentences = error.status.map(ObjectFailure.sentences) ?? []
                throw EditRefusal(reasons: sentences.isEmpty ? ["\(error)"] : sentences.map(\.sentence))
            }
        }
    }

    private static func read(_ text: String) throws -> JSONValue {
        let documents: [YAMLDocument]
        do {
            documents = try YAMLDocuments.parse(text)
        } catch {
            throw EditRefusal(reasons: ["line \(error.line) below these: \(error.message)"])
        }
        guard documents.count == 1, let only = documents.first, case .object = only.value else {
            throw EditRefusal(reasons: ["the file must hold this one object"])
        }
        return only.value
    }
}
