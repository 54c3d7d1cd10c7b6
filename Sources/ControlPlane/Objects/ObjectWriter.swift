import Datastore
import PolicyModel

/// Creates, replaces, patches and deletes objects by the conventions of the Kubernetes API.
struct ObjectWriter: Sendable {
    let store: any Store
    let references: References
    let gate: WriteGate
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    struct Written: Sendable {
        var value: JSONValue
        var warnings: [String] = []
        var created = false
        /// The write took the last finalizer of an object that was being deleted.
        var deleted = false
    }

    func create(_ sent: JSONValue, kind: ResourceKind, namespace: String, options: WriteOptions) async throws -> Written {
        let generated = sent["metadata"]?["name"]?.stringValue ?? "" == ""
        for _ in 1..<Limits.writeAttempts {
            do {
                return try await createOnce(sent, kind: kind, namespace: namespace, options: options)
            } catch let failure as APIFailure where generated && failure.reason == "AlreadyExists" {
                // Two objects drew the same end of a generated name.
                continue
            }
        }
        return try await createOnce(sent, kind: kind, namespace: namespace, options: options)
    }

    private func createOnce(
        _ sent: JSONValue, kind: ResourceKind, namespace: String, options: WriteOptions
    ) async throws -> Written {
        // That the object is not there yet, the store itself makes sure of.
        func create() async throws -> Written {
            try await createInside(sent, kind: kind, namespace: namespace, options: options, managed: nil)
        }
        let written =
            kind.namespaced ? try await gate.pass(.relying, WriteGate.namespace(namespace), create) : try await create()
        await follow(written, kind: kind, options: options)
        return written
    }

    /// With the namespace relied on. `managed`: who owns what, where the caller knows already.
    private func createInside(
        _ sent: JSONValue, kind: ResourceKind, namespace: String, options: WriteOptions, managed: ManagedFields?
    ) async throws -> Written {
        var prepared = try ObjectPreparation(kind: kind, options: options).create(sent, namespace: namespace, now: now())
        let managed =
            managed
            ?? ownership(kind, .update, options, subresource: "").afterUpdate(
                of: nil, to: prepared.value, sent: sent["metadata"]?["managedFields"])
        prepared.value["metadata"]?["managedFields"] = managed.json
        let key = key(kind, namespace, prepared.name)
        let (value, name, warnings) = (prepared.value, prepared.name, prepared.warnings)
        return try await relyingOnTier(of: value, kind: kind) {
            try await references.checkWrite(value, kind: kind, namespace: namespace, name: name, creating: true)
            if options.dryRun {
                guard try await store.get(key) == nil else { throw APIFailure.alreadyExists(kind, name) }
                return Written(value: value, warnings: warnings, created: true)
            }
            let stored = try await storing(kind, name) { try await store.create(key, value: value) }
            return Written(value: stored.value, warnings: warnings, created: true)
        }
    }

    /// The tier that a policy names stays while it is checked and the policy is written.
    private func relyingOnTier<Value: Sendable>(
        of value: JSONValue, kind: ResourceKind, _ body: () async throws -> Value
    ) async throws -> Value {
        guard kind.namesTier, let tier = references.tierKey(of: value) else { return try await body() }
        return try await gate.pass(.relying, tier, body)
    }

    func replace(
        _ sent: JSONValue, kind: ResourceKind, namespace: String, name: String, subresource: String = "",
        options: WriteOptions
    ) async throws -> Written {
        try await retrying {
            let key = key(kind, namespace, name)
            let written = try await gate.change(key) {
                guard let current = try await store.get(key) else { throw APIFailure.notFound(kind, name) }
                return try await write(sent, over: current, kind: kind, subresource: subresource, options: options, managed: nil)
            }
            await follow(written, kind: kind, options: options)
            return written
        }
    }

    func patch(
        _ patch: ObjectPatch, kind: ResourceKind, namespace: String, name: String, subresource: String = "",
        options: WriteOptions
    ) async throws -> Written {
        try await retrying {
            let written = try await gate.change(key(kind, namespace, name)) {
                try await patchInside(
                    patch, kind: kind, namespace: namespace, name: name, subresource: subresource, options: options)
            }
            await follow(written, kind: kind, options: options)
            return written
        }
    }

    /// The gate keeps requests apart, but not the server's own writes, as of a policy's status: whoever meets one of those
    /// begins anew. Demands on the version or the UID are checked again with the new object, and refused there.
    func retrying<Value>(_ body: () async throws -> Value) async throws -> Value {
        for _ in 1..<Limits.writeAttempts {
            do {
                return try await body()
            } catch let failure as APIFailure where failure.isRace {
                continue
            }
        }
        return try await body()
    }

    private func patchInside(
        _ patch: ObjectPatch, kind: ResourceKind, namespace: String, name: String, subresource: String,
        options: WriteOptions
    ) async throws -> Written {
        let current = try await store.get(key(kind, namespace, name))
        if patch.format == .apply {
            return try await apply(
                patch.patch, to: current, kind: kind, namespace: namespace, name: name, subresource: subresource,
                options: options)
        }
        guard let current else { throw APIFailure.notFound(kind, name) }
        let patched = try patch.apply(to: current.value, kind: kind, name: name)
        return try await write(patched, over: current, kind: kind, subresource: subresource, options: options, managed: nil)
    }

    /// Server-side apply; makes the object where there is none.
    private func apply(
        _ configuration: JSONValue, to current: StoredObject?, kind: ResourceKind, namespace: String, name: String,
        subresource: String, options: WriteOptions
    ) async throws -> Written {
        guard configuration["metadata"]?["managedFields"]?.arrayValue?.isEmpty ?? true else {
            throw APIFailure.badRequest("metadata.managedFields must be nil")
        }
        guard current != nil || subresource.isEmpty else { throw APIFailure.notFound(kind, name) }
        if current == nil, let refusal = options.rights.creation { throw refusal }
        let sentName = configuration["metadata"]?["name"]?.stringValue ?? ""
        guard sentName.isEmpty || sentName == name else {
            throw APIFailure.badRequest(
                "the name of the object (\(sentName)) does not match the name on the URL (\(name))")
        }
        let applied: (value: JSONValue, managed: ManagedFields)
        do {
            applied = try ownership(kind, .apply, options, subresource: subresource).apply(
                configuration, to: current?.value, force: options.force)
        } catch {
            throw APIFailure.applyConflict(error)
        }
        var value = applied.value
        if value["metadata"] == nil { value["metadata"] = .object([:]) }
        value["metadata"]?["name"] = .string(name)
        // What says which object is meant is checked as in any write.
        for member in ["apiVersion", "kind"] { if let sent = configuration[member] { value[member] = sent } }
        for member in ["namespace", "uid", "resourceVersion"] {
            if let sent = configuration["metadata"]?[member] { value["metadata"]?[member] = sent }
        }
        guard let current else {
            return try await createInside(
                value, kind: kind, namespace: namespace, options: options, managed: applied.managed)
        }
        return try await write(
            value, over: current, kind: kind, subresource: subresource, options: options, managed: applied.managed)
    }

    private func write(
        _ sent: JSONValue, over current: StoredObject, kind: ResourceKind, subresource: String, options: WriteOptions,
        managed: ManagedFields?
    ) async throws -> Written {
        var prepared = try ObjectPreparation(kind: kind, options: options).update(
            sent, current: current.value, namespace: current.key.namespace, name: current.key.name,
            subresource: subresource)
        if let refusal = options.rights.content, !ObjectPreparation.areAlikeButForLabels(prepared.value, current.value) {
            throw refusal
        }
        let managed =
            managed
            ?? ownership(kind, .update, options, subresource: subresource).afterUpdate(
                of: current.value, to: prepared.value, sent: sent["metadata"]?["managedFields"])
        prepared.value["metadata"]?["managedFields"] = managed.json
        let (value, warnings) = (prepared.value, prepared.warnings)
        return try await relyingOnTier(of: value, kind: kind) {
            try await references.checkWrite(
                value, kind: kind, namespace: current.key.namespace, name: current.key.name, creating: false)
            // As in Kubernetes: a write that changes nothing makes no revision, and so no work on any node.
            if options.dryRun || value == current.value { return Written(value: value, warnings: warnings) }
            if !kind.isNamespace, value["metadata"]?["deletionTimestamp"] != nil, ObjectPreparation.finalizers(value).isEmpty {
                // The last one who held the object back has let go.
                let deleted = try await storing(kind, current.key.name) {
                    try await store.delete(current.key, expected: current.revision)
                }
                var last = value
                last["metadata"]?["resourceVersion"] = .string(String(deleted.revision))
                return Written(value: last, warnings: warnings, deleted: true)
            }
            let stored = try await storing(kind, current.key.name) {
                try await store.update(current.key, value: value, expected: current.revision)
            }
            return Written(value: stored.value, warnings: warnings)
        }
    }

    private func ownership(
        _ kind: ResourceKind, _ operation: ManagedFields.Operation, _ options: WriteOptions, subresource: String
    ) -> FieldOwnership {
        FieldOwnership(
            kind: kind, manager: options.manager(operation, kind, subresource: subresource), time: Timestamps.seconds(now()))
    }

    func key(_ kind: ResourceKind, _ namespace: String, _ name: String) -> StoreKey {
        StoreKey(resource: kind.resource, namespace: kind.namespaced ? namespace : "", name: name)
    }

    func storing<Value>(
        _ kind: ResourceKind, _ name: String, _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let error as StoreError {
            throw APIFailure.store(error, kind, name)
        }
    }
}
