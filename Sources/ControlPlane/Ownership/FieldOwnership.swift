import PolicyModel

/// Server-side apply, and the bookkeeping of who owns what after any other write
/// (kubernetes.io/docs/reference/using-api/server-side-apply). No I/O.
struct FieldOwnership: Sendable {
    let kind: ResourceKind
    let manager: ManagedFields.Manager
    /// RFC 3339.
    let time: String

    private var shape: FieldShape { FieldShape(kind: kind) }

    /// Belongs to the server or says which object it is; nobody owns it.
    private static let unowned: Set<String> = ServerOwnedMetadata.names.union(["name", "namespace", "generateName"])

    /// What of an object can be owned through this (sub)resource.
    private func ownable(_ value: JSONValue?) -> JSONValue? {
        guard var members = value?.objectValue else { return nil }
        if !manager.subresource.isEmpty { return members["status"].map { .object(["status": $0]) } ?? .object([:]) }
        members["apiVersion"] = nil
        members["kind"] = nil
        members["status"] = nil
        if case .object(var metadata)? = members["metadata"] {
            for name in Self.unowned { metadata[name] = nil }
            members["metadata"] = metadata.isEmpty ? nil : .object(metadata)
        }
        return .object(members)
    }

    // MARK: - Updates

    /// Who owns what after `new` replaced `old` (nil: it is created).
    ///
    /// `sent` are the entries that the client sent along: tools that hand ownership over write them.
    func afterUpdate(of old: JSONValue?, to new: JSONValue, sent: JSONValue?) -> ManagedFields {
        if let sent = sent?.arrayValue, sent == [.object([:])] { return ManagedFields() }
        var managed = ManagedFields(object: old ?? .null)
        if let sent, case let given = ManagedFields(object: .object(["metadata": .object(["managedFields": sent])])),
            !given.entries.isEmpty
        {
            managed = given
        }
        let changes = FieldChanges.between(ownable(old) ?? .object([:]), ownable(new) ?? .object([:]), shape)
        managed.take(changes.changed.union(changes.removed), except: manager)
        let own = (managed.fields(of: manager) ?? FieldSet()).subtracting(changes.removed).union(changes.changed)
        managed.set(own, of: manager, time: time)
        return managed
    }

    // MARK: - Apply

    struct Conflict: Error {
        /// By the manager and the fields of it that the configuration would change.
        var entries: [(entry: ManagedFields.Entry, fields: FieldSet)]
    }

    /// The object that an applied configuration makes of `live` (nil: there is none yet), before defaults.
    ///
    /// What the manager applied before and leaves out now goes away unless somebody else owns it too.
    /// - Throws: `Conflict` where the configuration changes what others own and `force` is not given.
    func apply(
        _ configuration: JSONValue, to live: JSONValue?, force: Bool
    ) throws(Conflict) -> (value: JSONValue, managed: ManagedFields) {
        let applied = ownable(Self.withoutNulls(configuration)) ?? .object([:])
        var managed = ManagedFields(object: live ?? .null)
        let before = managed.fields(of: manager) ?? FieldSet()
        let own = FieldChanges.fields(of: applied, shape)

        var merged = FieldMerge.merge(applied, into: live ?? .object([:]), shape)
        let given = before.subtracting(own)
        let kept = managed.others(than: manager).union(own)
        if !given.isEmpty {
            merged = FieldMerge.remove(given, from: merged, keeping: kept, shape) ?? .object([:])
        }
        let changes = FieldChanges.between(ownable(live) ?? .object([:]), ownable(merged) ?? .object([:]), shape)
        let conflicts = managed.conflicts(of: manager, with: changes.changed)
        if !conflicts.isEmpty, !force { throw Conflict(entries: conflicts) }
        managed.take(changes.changed.union(changes.removed), except: manager)
        managed.set(own, of: manager, time: time)
        return (merged, managed)
    }

    private static func withoutNulls(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members): .object(members.filter { !$0.value.isNull }.mapValues(withoutNulls))
        case .array(let elements): .array(elements.map(withoutNulls))
        default: value
        }
    }
}

extension APIFailure {
    /// As Kubernetes says it; kubectl makes its advice of the causes.
    static func applyConflict(_ conflict: FieldOwnership.Conflict) -> APIFailure {
        let found = conflict.entries.flatMap { part in
            part.fields.readablePaths.map { (manager: readable(part.entry), path: $0) }
        }
        var text = "Apply failed with \(found.count) conflict\(found.count == 1 ? "" : "s"): "
        if found.count == 1, let only = found.first {
            text += "conflict with \(only.manager): \(only.path)"
        } else {
            var lines: [String] = []
            for part in conflict.entries {
                lines.append("conflicts with \(readable(part.entry)):")
                lines += part.fields.readablePaths.map { "- \($0)" }
            }
            text += lines.joined(separator: "\n")
        }
        return APIFailure(
            code: 409, reason: "Conflict", message: text,
            causes: found.map { Cause(field: $0.path, reason: "FieldManagerConflict", message: "conflict with \($0.manager)") })
    }

    private static func readable(_ entry: ManagedFields.Entry) -> String {
        var text = "\"\(entry.manager.name)\""
        if !entry.manager.subresource.isEmpty { text += " with subresource \"\(entry.manager.subresource)\"" }
        if entry.manager.operation == .update {
            text += " using \(entry.manager.apiVersion)"
            if let time = entry.time { text += " at \(time)" }
        }
        return text
    }
}
