import PolicyModel

/// What a store that keeps no history, no index and no texts can say by listing and encoding everything.
extension Store {
    /// Only of the revision that it is at.
    public func page(_ query: StoreQuery) async throws -> StorePage {
        let (all, revision) = try await list(resource: query.resource, namespace: query.namespace)
        if let wanted = query.revision, wanted != revision {
            throw wanted > revision ? StoreError.tooNew(current: revision) : StoreError.compacted(oldest: revision)
        }
        let behind = all.filter { object in
            guard let after = query.after else { return true }
            return (object.key.resource, object.key.namespace, object.key.name) > (after.resource, after.namespace, after.name)
        }
        let objects = query.limit.map { Array(behind.prefix($0)) } ?? behind
        return StorePage(objects: objects, revision: revision, remaining: behind.count - objects.count)
    }

    public func documents(_ query: StoreQuery) async throws -> StoreDocumentPage {
        let page = try await page(query)
        return StoreDocumentPage(
            documents: page.objects.map(StoredDocument.init), revision: page.revision, remaining: page.remaining)
    }

    public func document(_ key: StoreKey) async throws -> StoredDocument? { try await get(key).map(StoredDocument.init) }

    public func knownDocument(_ key: StoreKey) -> StoredDocument? { nil }

    public func revision() async throws -> Int64 { try await list(resource: nil, namespace: nil).revision }

    public func dependents(ofOwner uid: String) async throws -> [StoredObject] {
        try await list(resource: nil, namespace: nil).objects.filter { object in
            (object.value["metadata"]?["ownerReferences"]?.arrayValue ?? []).contains { $0["uid"]?.stringValue == uid }
        }
    }

    /// As early as a watch.
    public func follow(after revision: Int64, _ body: @escaping @Sendable ([StoreEvent]) -> Void) async throws {
        for try await events in watch(resource: nil, namespace: nil, after: revision) { body(events) }
        guard Task.isCancelled else { throw StoreError.failed("The watch ended.") }
    }

    /// Knows of nothing that it is quiet.
    public func quietRevision(resource: String?, namespace: String?, after revision: Int64) async throws -> Int64 { revision }
}
