import Datastore
import PolicyModel

/// Deletion as Kubernetes has it: finalizers hold an object back, owners take along what they own, a namespace what it holds.
extension ObjectWriter {
    struct Deletion: Sendable {
        /// The last version, or the one that is waiting for its finalizers.
        var value: JSONValue
        var gone: Bool
    }

    static let foregroundFinalizer = "foregroundDeletion"
    static let orphanFinalizer = "orphan"
    /// The one that Kubernetes puts into `spec.finalizers` of a namespace: the server's own duty here.
    static let namespaceFinalizer = "kubernetes"

    /// Returns when everything that can go has gone.
    func delete(kind: ResourceKind, namespace: String, name: String, options: DeleteOptions) async throws -> Deletion {
        let begun = try await retrying {
            try await gate.change(self.key(kind, namespace, name)) {
                try await beginDeletion(kind: kind, namespace: namespace, name: name, options: options)
            }
        }
        if options.dryRun { return begun }
        await followDeletion(begun, kind: kind, namespace: namespace, name: name)
        if begun.gone { return begun }
        // What held it back may be done by now.
        let key = key(kind, namespace, name)
        guard let current = try await store.get(key), current.value["metadata"]?["uid"] == begun.value["metadata"]?["uid"]
        else { return Deletion(value: begun.value, gone: true) }
        return Deletion(value: current.value, gone: false)
    }

    private func beginDeletion(
        kind: ResourceKind, namespace: String, name: String, options: DeleteOptions
    ) async throws -> Deletion {
        let key = key(kind, namespace, name)
        guard let current = try await store.get(key) else { throw APIFailure.notFound(kind, name) }
        try checkPreconditions(options, current: current, kind: kind)
        try await references.checkDelete(kind: kind, name: name)
        if options.dryRun { return Deletion(value: current.value, gone: true) }
        var finalizers = ObjectPreparation.finalizers(current.value)
        if options.propagation != .background, let uid = current.value["metadata"]?["uid"]?.stringValue,
            try await !store.dependents(ofOwner: uid).isEmpty
        {
            let own = options.propagation == .foreground ? Self.foregroundFinalizer : Self.orphanFinalizer
            finalizers.removeAll { $0 == Self.foregroundFinalizer || $0 == Self.orphanFinalizer }
            finalizers.append(own)
        }
        let expected = options.resourceVersion == nil ? nil : current.revision
        guard !finalizers.isEmpty || kind.isNamespace else {
            return Deletion(
                value: try await storing(kind, name) { try await store.delete(key, expected: expected) }.value, gone: true)
        }
        var value = current.value
        if value["metadata"]?["deletionTimestamp"] == nil {
            value["metadata"]?["deletionTimestamp"] = .string(Timestamps.seconds(now()))
            value["metadata"]?["deletionGracePeriodSeconds"] = 0
        }
        if !finalizers.isEmpty { value["metadata"]?["finalizers"] = .array(finalizers.map { .string($0) }) }
        if kind.isNamespace {
            if value["status"] == nil { value["status"] = .object([:]) }
            value["status"]?["phase"] = "Terminating"
        }
        if value == current.value { return Deletion(value: value, gone: false) }
        let marked = value
        let stored = try await storing(kind, name) { try await store.update(key, value: marked, expected: current.revision) }
        return Deletion(value: stored.value, gone: false)
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

    // MARK: - What follows

    /// After a write: what it set free, and what it should not have outlived.
    func follow(_ written: Written, kind: ResourceKind, options: WriteOptions) async {
        guard !options.dryRun else { return }
        if kind.resource == Kinds.workloadEndpoint.resource, !written.deleted { await open(written.value) }
        let metadata = written.value["metadata"]
        if written.deleted {
            await followDeletion(
                Deletion(value: written.value, gone: true), kind: kind,
                namespace: metadata?["namespace"]?.stringValue ?? "", name: metadata?["name"]?.stringValue ?? "")
        } else if kind.isNamespace, metadata?["deletionTimestamp"] != nil {
            try? await settleNamespace(metadata?["name"]?.stringValue ?? "")
        } else if let owners = metadata?["ownerReferences"]?.arrayValue, !owners.isEmpty {
            try? await collect(written.value, kind: kind)
        }
    }

    /// Errors end it early: the deletion itself is done, and `resume` takes up the rest at the next start.
    func followDeletion(_ deletion: Deletion, kind: ResourceKind, namespace: String, name: String) async {
        do {
            if deletion.gone {
                try await collectDependents(of: deletion.value, kind: kind)
                try await settleOwners(of: deletion.value)
                if kind.namespaced { try await settleNamespace(namespace) }
                return
            }
            let finalizers = ObjectPreparation.finalizers(deletion.value)
            if finalizers.contains(Self.orphanFinalizer) {
                try await orphanDependents(of: deletion.value)
                try await removeFinalizer(Self.orphanFinalizer, kind: kind, namespace: namespace, name: name)
            }
            if finalizers.contains(Self.foregroundFinalizer) {
                for dependent in try await dependents(of: deletion.value) {
                    await deleteQuietly(dependent, propagation: .foreground)
                }
                try await settleOwner(kind: kind, namespace: namespace, name: name)
            }
            if kind.isNamespace { try await emptyNamespace(name) }
        } catch {
            return
        }
    }

    private func dependents(of owner: JSONValue) async throws -> [StoredObject] {
        guard let uid = owner["metadata"]?["uid"]?.stringValue else { return [] }
        return try await store.dependents(ofOwner: uid)
    }

    func deleteQuietly(_ object: StoredObject, propagation: DeleteOptions.Propagation) async {
        var options = DeleteOptions()
        options.uid = object.value["metadata"]?["uid"]?.stringValue
        options.propagation = propagation
        if let kind = references.catalog.kinds.first(where: { $0.resource == object.key.resource }) {
            // Already waiting for its own finalizers: nothing new is to be said to it.
            if object.value["metadata"]?["deletionTimestamp"] != nil, propagation == .background { return }
            _ = try? await delete(kind: kind, namespace: object.key.namespace, name: object.key.name, options: options)
        } else {
            // Of a kind that a newer version wrote.
            _ = try? await store.delete(object.key, expected: object.revision)
        }
    }

    // MARK: - Owners

    /// What an object that is gone owned goes too, unless it has another owner.
    private func collectDependents(of owner: JSONValue, kind: ResourceKind) async throws {
        for dependent in try await dependents(of: owner) {
            guard let dependentKind = references.catalog.kinds.first(where: { $0.resource == dependent.key.resource }) else {
                continue
            }
            try await collect(dependent.value, kind: dependentKind)
        }
    }

    /// Deletes an object whose owners are all gone; takes references to owners that are gone out of others.
    private func collect(_ value: JSONValue, kind: ResourceKind) async throws {
        let namespace = value["metadata"]?["namespace"]?.stringValue ?? ""
        let name = value["metadata"]?["name"]?.stringValue ?? ""
        let key = key(kind, namespace, name)
        let abandoned: StoredObject? = try await gate.change(key) {
            guard let current = try await store.get(key), current.value["metadata"]?["uid"] == value["metadata"]?["uid"]
            else { return nil }
            let references = current.value["metadata"]?["ownerReferences"]?.arrayValue ?? []
            var present: [JSONValue] = []
            for reference in references {
                if try await isPresent(reference, for: current.key) { present.append(reference) }
            }
            if present.count == references.count { return nil }
            if present.isEmpty { return current }
            var changed = current.value
            changed["metadata"]?["ownerReferences"] = .array(present)
            _ = try await store.update(key, value: changed, expected: current.revision)
            return nil
        }
        if let abandoned { await deleteQuietly(abandoned, propagation: .background) }
    }

    /// Owners of kinds that are not served here count as present: nobody here knows better. So does one of a namespace whose
    /// dependent belongs to none, as in Kubernetes: the reference does not say in which namespace it is.
    private func isPresent(_ reference: JSONValue, for dependent: StoreKey) async throws -> Bool {
        guard let owner = owner(reference, namespace: dependent.namespace),
            !owner.kind.namespaced || !dependent.namespace.isEmpty
        else { return true }
        guard let found = try await store.get(owner.key) else { return false }
        return found.value["metadata"]?["uid"] == reference["uid"]
    }

    private func owner(_ reference: JSONValue, namespace: String) -> (kind: ResourceKind, key: StoreKey)? {
        guard let kindName = reference["kind"]?.stringValue, let version = reference["apiVersion"]?.stringValue,
            let name = reference["name"]?.stringValue,
            let kind = references.catalog.kinds.first(where: { $0.kind == kindName && $0.apiVersion == version })
        else { return nil }
        let stored = KindView(kind).kind
        return (stored, key(stored, namespace, name))
    }

    private func orphanDependents(of owner: JSONValue) async throws {
        let uid = owner["metadata"]?["uid"]
        for dependent in try await dependents(of: owner) {
            try await gate.change(dependent.key) {
                guard let current = try await store.get(dependent.key) else { return }
                var value = current.value
                let rest = (value["metadata"]?["ownerReferences"]?.arrayValue ?? []).filter { $0["uid"] != uid }
                value["metadata"]?["ownerReferences"] = rest.isEmpty ? nil : .array(rest)
                _ = try await store.update(dependent.key, value: value, expected: current.revision)
            }
        }
    }

    /// Owners that wait for the object that is gone.
    private func settleOwners(of value: JSONValue) async throws {
        let namespace = value["metadata"]?["namespace"]?.stringValue ?? ""
        for reference in value["metadata"]?["ownerReferences"]?.arrayValue ?? [] {
            guard let owner = owner(reference, namespace: namespace) else { continue }
            try await settleOwner(kind: owner.kind, namespace: owner.key.namespace, name: owner.key.name)
        }
    }

    /// An owner that is deleted in the foreground goes when nothing blocks it any more.
    private func settleOwner(kind: ResourceKind, namespace: String, name: String) async throws {
        guard let owner = try await store.get(key(kind, namespace, name)),
            owner.value["metadata"]?["deletionTimestamp"] != nil,
            ObjectPreparation.finalizers(owner.value).contains(Self.foregroundFinalizer)
        else { return }
        let uid = owner.value["metadata"]?["uid"]
        let isBlocked = try await dependents(of: owner.value).contains { dependent in
            (dependent.value["metadata"]?["ownerReferences"]?.arrayValue ?? []).contains {
                $0["uid"] == uid && $0["blockOwnerDeletion"] == true
            }
        }
        if !isBlocked {
            try await removeFinalizer(Self.foregroundFinalizer, kind: kind, namespace: namespace, name: name)
        }
    }

    private func removeFinalizer(_ finalizer: String, kind: ResourceKind, namespace: String, name: String) async throws {
        let key = key(kind, namespace, name)
        let gone: Deletion? = try await gate.change(key) {
            guard let current = try await store.get(key) else { return nil }
            let rest = ObjectPreparation.finalizers(current.value).filter { $0 != finalizer }
            if rest.isEmpty, !kind.isNamespace, current.value["metadata"]?["deletionTimestamp"] != nil {
                return Deletion(value: try await store.delete(current.key, expected: current.revision).value, gone: true)
            }
            var value = current.value
            value["metadata"]?["finalizers"] = rest.isEmpty ? nil : .array(rest.map { .string($0) })
            _ = try await store.update(current.key, value: value, expected: current.revision)
            return nil
        }
        if let gone { await followDeletion(gone, kind: kind, namespace: namespace, name: name) }
        if kind.isNamespace { try await settleNamespace(name) }
    }

    // MARK: - Namespaces

    private func emptyNamespace(_ name: String) async throws {
        for object in try await store.list(resource: nil, namespace: name).objects {
            if object.key.resource == Kinds.workloadEndpoint.resource { try await close(object) }
            await deleteQuietly(object, propagation: .background)
        }
        try await settleNamespace(name)
    }

    /// A namespace that is being deleted goes when it is empty and nobody holds it back.
    private func settleNamespace(_ name: String) async throws {
        guard let kind = references.catalog.kinds.first(where: \.isNamespace), !name.isEmpty else { return }
        let key = key(kind, "", name)
        guard let seen = try await store.get(key), seen.value["metadata"]?["deletionTimestamp"] != nil else { return }
        let gone: Deletion? = try await gate.change(key) {
            guard let current = try await store.get(key), current.value["metadata"]?["deletionTimestamp"] != nil,
                ObjectPreparation.finalizers(current.value).isEmpty,
                (current.value["spec"]?["finalizers"]?.arrayValue ?? []).allSatisfy({ $0 == .string(Self.namespaceFinalizer) }),
                try await store.page(StoreQuery(resource: nil, namespace: name, limit: 1)).objects.isEmpty
            else { return nil }
            return Deletion(value: try await store.delete(key, expected: current.revision).value, gone: true)
        }
        if let gone { await followDeletion(gone, kind: kind, namespace: "", name: name) }
    }

    // MARK: - At the start

    /// Goes on with deletions that the end of the process before interrupted.
    func resume() async throws {
        for object in try await store.list(resource: nil, namespace: nil).objects {
            guard let kind = references.catalog.kinds.first(where: { $0.resource == object.key.resource }) else { continue }
            if object.value["metadata"]?["deletionTimestamp"] != nil {
                await followDeletion(
                    Deletion(value: object.value, gone: false), kind: kind, namespace: object.key.namespace,
                    name: object.key.name)
            } else if let owners = object.value["metadata"]?["ownerReferences"]?.arrayValue, !owners.isEmpty {
                try await collect(object.value, kind: kind)
            }
        }
    }
}
