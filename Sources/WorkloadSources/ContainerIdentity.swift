import Foundation
import PolicyModel

/// What a container is called and how it is labelled.
public struct ContainerIdentity: Sendable, Hashable {
    /// The label that names the Bulkhead namespace of a container; without it: `default`.
    public static let namespaceLabel = "io.bulkhead.namespace"

    /// The labels that Bulkhead gives: the last part of the image's name, and its tag.
    public static let imageLabel = "io.bulkhead.image"
    public static let imageTagLabel = "io.bulkhead.image-tag"
    /// And the name of the network that an endpoint is on.
    public static let networkLabel = "io.bulkhead.network"

    public var name: String
    public var labels: [String: String]
    /// `registry.example.org/shop/web:1.2`; empty when it is not known.
    public var image: String

    public init(name: String, labels: [String: String], image: String = "") {
        self.name = name
        self.labels = labels
        self.image = image
    }

    public func namespace() throws(WorkloadSourceError) -> String {
        guard let namespace = labels[Self.namespaceLabel] else { return "default" }
        guard LabelText.isName(namespace) else {
            throw WorkloadSourceError(
                "The label \(Self.namespaceLabel)=\(namespace) of container \(name) is not a namespace's name: use lower case "
                    + "letters, digits and '-', beginning and ending with a letter or digit, at most 63.")
        }
        return namespace
    }

    /// The container's name as an object's name: lower case, what is not allowed replaced by `-`.
    public func endpointName() throws(WorkloadSourceError) -> String {
        let name = Self.objectName(name)
        guard !name.isEmpty else {
            throw WorkloadSourceError("No endpoint can be named after container \(self.name): give it a name with a letter or digit.")
        }
        return name
    }

    /// Empty where nothing of the text can be in a name.
    static func objectName(_ text: String) -> String {
        let mapped = text.lowercased().unicodeScalars.map { scalar -> Character in
            let allowed = ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "." || scalar == "-"
            return allowed ? Character(scalar) : "-"
        }
        // No part between dots may begin or end with a hyphen, or be empty.
        let parts = String(mapped).split(separator: ".").map { part in
            String(part.drop { $0 == "-" }.reversed().drop { $0 == "-" }.reversed())
        }
        return String(parts.filter { !$0.isEmpty }.joined(separator: ".").prefix(253))
    }

    /// The labels that Kubernetes would take, and the keys of those that it would not.
    public func usableLabels() -> (labels: [String: String], skipped: [String]) {
        var usable = labels.filter { LabelText.isKey($0.key) && LabelText.isValue($0.value) }
        let name = image.split(separator: "@").first?.split(separator: "/").last?.split(separator: ":").map(String.init) ?? []
        for (key, value) in zip([Self.imageLabel, Self.imageTagLabel], name) where LabelText.isValue(value) { usable[key] = value }
        return (usable, labels.keys.filter { usable[$0] == nil }.sorted())
    }

    /// From the engine's own record of the container's life: the hook cannot ask `podman inspect`, which waits for the
    /// lock that the starting container holds.
    /// - Parameter events: `podman events --format json`, one object a line; the newest says how it is called now.
    init?(podmanEvents events: String, containerID: String) {
        var found: ContainerIdentity?
        for line in events.split(separator: "\n") {
            guard let event = try? JSONValue(parsing: String(line)), event["ID"]?.stringValue == containerID,
                let name = event["Name"]?.stringValue, !name.isEmpty
            else { continue }
            let labels = event["Attributes"]?.objectValue?.compactMapValues(\.stringValue)
            found = ContainerIdentity(
                name: name, labels: labels ?? found?.labels ?? [:], image: event["Image"]?.stringValue ?? found?.image ?? "")
        }
        guard let found else { return nil }
        self = found
    }
}
