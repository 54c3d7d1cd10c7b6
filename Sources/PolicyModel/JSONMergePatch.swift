/// JSON Merge Patch (RFC 7386).
public enum JSONMergePatch {
    /// The document after the patch: members of the patch replace, null removes, objects are merged, all else is replaced
    /// whole. Cannot fail.
    public static func apply(_ patch: JSONValue, to document: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members = document.objectValue ?? [:]
        for (name, change) in changes {
            members[name] = change.isNull ? nil : apply(change, to: members[name] ?? .null)
        }
        return .object(members)
    }
}
