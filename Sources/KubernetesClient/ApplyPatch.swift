import PolicyModel

/// `kubectl apply`, on the client's side: the object's last applied form is kept in an annotation, so that a field which
/// the file no longer holds is removed while fields that others set stay.
public enum ApplyPatch {
    /// kubectl's own annotation: both tools may apply the same object in turn.
    public static let annotation = "kubectl.kubernetes.io/last-applied-configuration"

    /// `object` with the annotation that says what it looked like when it was applied.
    public static func annotated(_ object: JSONValue) -> JSONValue {
        var plain = object
        plain["metadata"]?["annotations"]?[annotation] = nil
        var result = plain
        if result["metadata"]?["annotations"]?.objectValue == nil { result["metadata"]?["annotations"] = .object([:]) }
        result["metadata"]?["annotations"]?[annotation] = .string(plain.text())
        return result
    }

    /// The JSON merge patch (RFC 7386) that brings `current` to `wanted`; nil when nothing would change.
    public static func patch(current: JSONValue, wanted: JSONValue) -> JSONValue? {
        let lastText = current["metadata"]?["annotations"]?[annotation]?.stringValue ?? "{}"
        let last = (try? JSONValue(parsing: lastText)) ?? .object([:])
        return difference(last: last, wanted: annotated(wanted), current: current)
    }

    private static func difference(last: JSONValue, wanted: JSONValue, current: JSONValue) -> JSONValue? {
        guard case .object(let wantedMembers) = wanted, case .object(let currentMembers) = current else {
            return wanted == current ? nil : wanted
        }
        var members: [String: JSONValue] = [:]
        for (name, value) in wantedMembers {
            guard let present = currentMembers[name] else {
                members[name] = value
                continue
            }
            if let inner = difference(last: last[name] ?? .null, wanted: value, current: present) { members[name] = inner }
        }
        for name in last.objectValue?.keys ?? [:].keys where wantedMembers[name] == nil && currentMembers[name] != nil {
            members[name] = .null
        }
        return members.isEmpty ? nil : .object(members)
    }
}

extension KubernetesClient {
    public enum ApplyOutcome: String, Sendable {
        case created, configured, unchanged
    }

    /// Creates the object, or changes what it must; the object as the server holds it then.
    ///
    /// - Parameter object: with `metadata.name`, and a namespace where its kind has one.
    /// - Parameter query: of the write, such as `dryRun=All`.
    public func apply(
        _ object: JSONValue, kind: ResourceKind, query: [String: String] = [:]
    ) async throws -> (object: JSONValue, outcome: ApplyOutcome) {
        let name = object["metadata"]?["name"]?.stringValue ?? ""
        let namespace = object["metadata"]?["namespace"]?.stringValue
        let current: JSONValue
        do {
            current = try await get(kind, namespace: namespace, name: name)
        } catch let error as KubernetesError where error.isNotFound {
            let created = try await create(kind, namespace: namespace, object: ApplyPatch.annotated(object), query: query)
            return (created, .created)
        }
        guard let patch = ApplyPatch.patch(current: current, wanted: object) else { return (current, .unchanged) }
        return (try await self.patch(kind, namespace: namespace, name: name, patch: patch, query: query), .configured)
    }
}
