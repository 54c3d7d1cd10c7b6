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
    }

    func create(_ sent: JSONValue, kind: ResourceKind, namespace: String, options: WriteOptions) async throws -> Written {
        let prepared = try ObjectPreparation(kind: kind, options: options).create(sent, namespace: namespace, now: now())
        return try await gate.pass {
            try await references.checkWrite(
                prepared.value, kind: kind, namespace: namespace, name: prepared.name, creating: true)
            let key = key(kind, namespace, prepared.name)
            if options.dryRun {
                guard try await store.get(key) == nil else { throw APIFailure.alreadyExists(kind, prepared.name) }
                return Written(value: prepared.value, warnings: prepared.warnings)
            }
            let stored = try await storing(kind, prepared.name) { try await store.create(key, value: prepared.value) }
            return Written(value: stored.value, warnings: prepared.warnings)
        }
    }

    func replace(
        _ sent: JSONValue, kind: ResourceKind, namespace: String, name: String, options: WriteOptions
    ) async throws -> Written {
        try await gate.pass {
            guard let current = try await store.get(key(kind, namespace, name)) else {
                throw APIFailure.notFound(kind, name)
            }
            return try await write(sent, over: current, kind: kind, options: options)
        }
    }

    func patch(
        _ patch: ObjectPatch, kind: ResourceKind, namespace: String, name: String, options: WriteOptions
    ) async throws -> Written {
        for _ in 1..<Limits.patchAttempts {
            do {
                return try await patchOnce(patch, kind: kind, namespace: namespace, name: name, options: options)
            } catch let failure as APIFailure where failure.reason == "Conflict" {
                // Another process may write to the store; a patch without a version is meant for whatever is there.
                guard patch.patch["metadata"]?["resourceVersion"] == nil, patch.patch["metadata"]?["uid"] == nil,
                    patch.format != .json
                else { throw failure }
            }
        }
        return try await patchOnce(patch, kind: kind, namespace: namespace, name: name, options: options)
    }

    private func patchOnce(
        _ patch: ObjectPatch, kind: ResourceKind, namespace: String, name: String, options: WriteOptions
    ) async throws -> Written {
        try await gate.pass {
            guard let current = try await store.get(key(kind, namespace, name)) else {
                throw APIFailure.notFound(kind, name)
            }
            let patched = try patch.apply(to: current.value, kind: kind, name: name)
            return try await write(patched, over: current, kind: kind, options: options)
        }
    }

    private func write(
        _ sent: JSONValue, over current: StoredObject, kind: ResourceKind, options: WriteOptions
    ) async throws -> Written {
        let prepared = try ObjectPreparation(kind: kind, options: options).update(
            sent, current: current.value, namespace: current.key.namespace, name: current.key.name)
        try await references.checkWrite(
            prepared.value, kind: kind, namespace: current.key.namespace, name: current.key.name, creating: false)
        // As in Kubernetes: a write that changes nothing makes no revision, and so no work on any node.
        if options.dryRun || prepared.value == current.value {
            return Written(value: prepared.value, warnings: prepared.warnings)
        }
        let stored = try await storing(kind, current.key.name) {
            try await store.update(current.key, value: prepared.value, expected: current.revision)
        }
        return Written(value: stored.value, warnings: prepared.warnings)
    }

    /// The last version of the deleted object. A namespace takes everything in it along.
    func delete(kind: ResourceKind, namespace: String, name: String, options: DeleteOptions) async throws -> JSONValue {
        try await gate.pass {
            let key = key(kind, namespace, name)
            guard let current = try await store.get(key) else { throw APIFailure.notFound(kind, name) }
            try checkPreconditions(options, current: current, kind: kind)
            try await references.checkDelete(kind: kind, name: name)
            if options.dryRun { return current.value }
            if kind.isNamespace {
                for object in try await references.contents(ofNamespace: name) {
                    _ = try await storing(kind, name) { try await store.delete(object.key, expected: nil) }
                }
            }
            let expected = options.resourceVersion == nil ? nil : current.revision
            return try await storing(kind, name) { try await store.delete(key, expected: expected) }.value
        }
    }

    private func checkPreconditions(_ options: DeleteOptions, current: StoredObject, kind: ResourceKind) throws {
        let metadata = current.value["metadata"]
        if let uid = options.uid, uid != metadata?["uid"]?.stringValue {
            throw APIFailure.conflict(
                kind, current.key.name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(metadata?["uid"]?.stringValue ?? "")")
        }
        if let version = options.resourceVersion, version != String(current.revision) {
            throw APIFailure.conflict(
                kind, current.key.name,
                "Precondition failed: ResourceVersion in precondition: \(version), ResourceVersion in object meta: \(current.revision)"
            )
        }
    }

    private func key(_ kind: ResourceKind, _ namespace: String, _ name: String) -> StoreKey {
        StoreKey(resource: kind.resource, namespace: kind.namespaced ? namespace : "", name: name)
    }

    private func storing<Value>(
        _ kind: ResourceKind, _ name: String, _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let error as StoreError {
            throw APIFailure.store(error, kind, name)
        }
    }
}
