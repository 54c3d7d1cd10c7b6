import KubernetesClient
import PolicyModel

/// An object for people.
struct ObjectDescription {
    let kind: ResourceKind
    let object: JSONValue
    /// The node's status document.
    let node: JSONValue
    /// What happened to it, the oldest first.
    let events: [JSONValue]

    var text: String {
        let metadata = object["metadata"] ?? .null
        var lines = [line("Name", metadata["name"]?.stringValue ?? "")]
        if kind.namespaced { lines.append(line("Namespace", metadata["namespace"]?.stringValue ?? "")) }
        lines.append(line("Kind", "\(kind.kind) (\(kind.apiVersion))"))
        lines += pairs("Labels", metadata["labels"])
        var annotations = metadata["annotations"]?.objectValue ?? [:]
        // What apply remembers is the object once more.
        annotations[ApplyPatch.annotation] = nil
        lines += pairs("Annotations", .object(annotations))
        lines.append(line("Created", metadata["creationTimestamp"]?.stringValue ?? "<unknown>"))
        lines.append(line("Revision", metadata["resourceVersion"]?.stringValue ?? ""))
        lines += enforcement
        for part in ["spec", "status"] {
            guard let value = object[part], value != .object([:]) else { continue }
            lines.append("\(part.prefix(1).uppercased() + part.dropFirst()):")
            lines += YAMLDocuments.text(value).split(separator: "\n").map { "  " + $0 }
        }
        if !events.isEmpty {
            lines.append("Events:")
            lines += eventTable.render().split(separator: "\n").map { "  " + $0 }
        }
        return lines.joined(separator: "\n")
    }

    private var eventTable: TextTable {
        var table = TextTable("LAST SEEN", "TYPE", "REASON", "FROM", "MESSAGE")
        table.widthLimit = TextTable.maximumWidth - 2
        for event in events {
            let source = event["reportingComponent"]?.stringValue ?? event["source"]?["component"]?.stringValue ?? ""
            table.append(
                ObjectEvents.lastSeen(event), event["type"]?.stringValue ?? "", event["reason"]?.stringValue ?? "", source,
                event["message"]?.stringValue ?? "")
        }
        return table
    }

    /// What the node says of it.
    private var enforcement: [String] {
        if kind.kind == Kinds.workloadEndpoint.kind {
            let name = object["metadata"]?["name"]?.stringValue
            let namespace = object["metadata"]?["namespace"]?.stringValue
            guard
                let found = node["endpoints"]?.arrayValue?.first(where: {
                    $0["name"]?.stringValue == name && $0["namespace"]?.stringValue == namespace
                })
            else { return [line("Policed", "by another node")] }
            if found["policed"] == .bool(true) { return [line("Policed", "yes")] }
            return [line("Policed", "no: \(found["message"]?.stringValue ?? "")")]
        }
        guard let version = Int64(object["metadata"]?["resourceVersion"]?.stringValue ?? "") else { return [] }
        guard let kernel = node["kernelRevision"]?.integerValue else { return [line("In force", "no: nothing is in the kernel yet")] }
        return [line("In force", kernel >= version ? "yes" : "not yet: the kernel has revision \(kernel)")]
    }

    private func line(_ name: String, _ value: String) -> String {
        "\(name):" + String(repeating: " ", count: max(1, 13 - name.count - 1)) + value
    }

    private func pairs(_ name: String, _ value: JSONValue?) -> [String] {
        let pairs = (value?.objectValue ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.stringValue ?? $0.value.text())" }
        guard let first = pairs.first else { return [line(name, "<none>")] }
        return [line(name, first)] + pairs.dropFirst().map { String(repeating: " ", count: 13) + $0 }
    }
}
