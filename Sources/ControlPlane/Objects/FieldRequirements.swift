import PolicyModel

/// A `fieldSelector` query parameter: `metadata.name` and `metadata.namespace` of every kind, and the fields that Kubernetes
/// can select of its own kinds.
struct FieldRequirements: Sendable, Hashable {
    private struct Requirement: Sendable, Hashable {
        var path: [String]
        var value: String
        var negated: Bool
    }

    private var requirements: [Requirement] = []

    private static let selectable: [String: Set<String>] = [
        "Event": [
            "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
            "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
            "reportingComponent", "source", "type",
        ],
        "Namespace": ["status.phase"], "Secret": ["type"], "Service": ["spec.clusterIP", "spec.type"],
    ]

    init(_ text: String, kind: ResourceKind? = nil) throws(APIFailure) {
        for part in text.split(separator: ",", omittingEmptySubsequences: true) {
            let negated = part.contains("!=")
            let pieces = part.replacing("!=", with: "=").replacing("==", with: "=")
                .split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pieces.count == 2 else {
                throw .badRequest("unable to parse fieldSelector \"\(text)\": write metadata.name=VALUE")
            }
            let name = String(pieces[0])
            let others = kind.flatMap { $0.isBuiltIn ? Self.selectable[$0.kind] : nil } ?? []
            guard name == "metadata.name" || name == "metadata.namespace" || others.contains(name) else {
                let known = ["metadata.name", "metadata.namespace"] + others.sorted()
                throw .badRequest("field label not supported: \(name); selectable are \(known.joined(separator: ", "))")
            }
            requirements.append(
                Requirement(
                    path: name.split(separator: ".").map(String.init), value: String(pieces[1]), negated: negated))
        }
    }

    var selectsEverything: Bool { requirements.isEmpty }

    /// Only the object of this name, whatever else is selected.
    mutating func require(name: String) {
        requirements.append(Requirement(path: ["metadata", "name"], value: name, negated: false))
    }

    func match(_ value: JSONValue, name: String, namespace: String) -> Bool {
        requirements.allSatisfy { requirement in
            let found: String =
                switch requirement.path {
                case ["metadata", "name"]: name
                case ["metadata", "namespace"]: namespace
                default: Self.text(value, requirement.path)
                }
            return (found == requirement.value) != requirement.negated
        }
    }

    /// What is absent counts as empty, as in Kubernetes.
    private static func text(_ value: JSONValue, _ path: [String]) -> String {
        // An event's source is the component in it.
        let path = path == ["source"] ? ["source", "component"] : path
        return path.reduce(Optional(value)) { $0?[$1] }?.stringValue ?? ""
    }
}
