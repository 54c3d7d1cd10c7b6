import KubernetesClient
import PolicyModel

/// What happened to an object, as Events tell it.
enum ObjectEvents {
    /// The oldest first.
    static func list(of object: JSONValue, kind: ResourceKind, _ client: KubernetesClient) async throws -> [JSONValue] {
        let metadata = object["metadata"]
        guard let name = metadata?["name"]?.stringValue else { return [] }
        var selector = "involvedObject.kind=\(kind.kind),involvedObject.name=\(name)"
        if let uid = metadata?["uid"]?.stringValue { selector += ",involvedObject.uid=\(uid)" }
        // Of what belongs to no namespace they may be in any.
        let list = try await client.list(
            Kinds.event, namespace: kind.namespaced ? metadata?["namespace"]?.stringValue : nil,
            query: ["fieldSelector": selector])
        return (list["items"]?.arrayValue ?? []).sorted { lastSeen($0) < lastSeen($1) }
    }

    /// RFC 3339; empty where the event does not say.
    static func lastSeen(_ event: JSONValue) -> String {
        for time in [
            event["series"]?["lastObservedTime"], event["lastTimestamp"], event["eventTime"], event["metadata"]?["creationTimestamp"],
        ] {
            if let text = time?.stringValue { return text }
        }
        return ""
    }
}
