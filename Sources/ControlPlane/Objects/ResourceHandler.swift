import Datastore
import PolicyModel

/// Answers requests for the objects of one kind.
struct ResourceHandler: Sendable {
    struct Target: Sendable {
        var kind: ResourceKind
        /// nil: every namespace, or a kind without.
        var namespace: String?
        /// nil: the collection.
        var name: String?
    }

    let store: any Store
    let writer: ObjectWriter
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    func respond(to request: APIRequest, target: Target) async throws -> APIResponse {
        switch (request.method, target.name) {
        case (.get, nil), (.head, nil):
            return request.flag("watch") ? try watch(request, target) : try await list(request, target)
        case (.get, let name?), (.head, let name?):
            if request.flag("watch") { return try watch(request, target) }
            return try await get(request, target, name: name)
        case (.post, nil): return try await create(request, target)
        case (.put, let name?): return try await replace(request, target, name: name)
        case (.patch, let name?): return try await patch(request, target, name: name)
        case (.delete, let name?): return try await delete(request, target, name: name)
        case (.delete, nil): return try await deleteCollection(request, target)
        case (.post, _), (.put, nil), (.patch, nil): throw APIFailure.methodNotAllowed(request.method.rawValue)
        }
    }

    // MARK: - Reading

    private func get(_ request: APIRequest, _ target: Target, name: String) async throws -> APIResponse {
        let kind = target.kind
        let key = StoreKey(resource: kind.resource, namespace: target.namespace ?? "", name: name)
        guard let object = try await store.get(key) else { throw APIFailure.notFound(kind, name) }
        return try render(object.value, request, kind: kind)
    }

    private func list(_ request: APIRequest, _ target: Target) async throws -> APIResponse {
        let kind = target.kind
        let labels = try LabelRequirements(request.parameter("labelSelector") ?? "")
        let fields = try FieldRequirements(request.parameter("fieldSelector") ?? "")
        let (objects, revision) = try await store.list(resource: kind.resource, namespace: target.namespace)
        let values = objects.filter { object in
            fields.match(name: object.key.name, namespace: object.key.namespace)
                && (labels.selectsEverything || labels.match(object.value["metadata"]?["labels"]?.objectValue ?? [:]))
        }.map(\.value)
        if TableRendering.isWanted(request.accept) {
            let table = try TableRendering(kind: kind, request: request, now: now)
            return .json(table.table(values, resourceVersion: String(revision)))
        }
        return .json(
            .object([
                "kind": .string("\(kind.kind)List"), "apiVersion": .string(kind.apiVersion),
                "metadata": .object(["resourceVersion": .string(String(revision))]), "items": .array(values),
            ]))
    }

    private func watch(_ request: APIRequest, _ target: Target) throws -> APIResponse {
        var fields = try FieldRequirements(request.parameter("fieldSelector") ?? "")
        if let name = target.name { fields.require(name: name) }
        let sendInitial = request.parameter("sendInitialEvents").map { $0 == "true" || $0 == "1" }
        var after: Int64?
        let versionText = request.parameter("resourceVersion") ?? ""
        if sendInitial != true, !versionText.isEmpty, versionText != "0" {
            guard let revision = Int64(versionText), revision >= 0 else {
                throw APIFailure.badRequest("invalid resource version \"\(versionText)\"")
            }
            after = revision
        }
        var timeout = Limits.watchSeconds
        if let text = request.parameter("timeoutSeconds"), !text.isEmpty {
            guard let seconds = Double(text), seconds >= 0 else {
                throw APIFailure.badRequest("invalid timeoutSeconds \"\(text)\"")
            }
            if seconds > 0 { timeout = min(seconds, Limits.watchSeconds) }
        }
        let stream = WatchStream(
            store: store,
            request: .init(
                kind: target.kind, namespace: target.namespace,
                labels: try LabelRequirements(request.parameter("labelSelector") ?? ""), fields: fields, after: after,
                announceInitialEnd: sendInitial == true, bookmarks: request.flag("allowWatchBookmarks"),
                timeoutSeconds: timeout,
                table: TableRendering.isWanted(request.accept)
                    ? try TableRendering(kind: target.kind, request: request, now: now) : nil))
        return APIResponse(body: .stream { sink in await stream.run(into: sink) })
    }

    // MARK: - Writing

    private func create(_ request: APIRequest, _ target: Target) async throws -> APIResponse {
        let body = try BodyDecoding.decode(request.body, contentType: request.contentType)
        let namespace = try namespaceOfWrite(target)
        let written = try await writer.create(
            body, kind: target.kind, namespace: namespace, options: try WriteOptions(request))
        return try render(written.value, request, kind: target.kind, status: 201, warnings: written.warnings)
    }

    private func replace(_ request: APIRequest, _ target: Target, name: String) async throws -> APIResponse {
        let body = try BodyDecoding.decode(request.body, contentType: request.contentType)
        let written = try await writer.replace(
            body, kind: target.kind, namespace: try namespaceOfWrite(target), name: name,
            options: try WriteOptions(request))
        return try render(written.value, request, kind: target.kind, warnings: written.warnings)
    }

    private func patch(_ request: APIRequest, _ target: Target, name: String) async throws -> APIResponse {
        let written = try await writer.patch(
            try ObjectPatch(request, kind: target.kind), kind: target.kind,
            namespace: try namespaceOfWrite(target), name: name, options: try WriteOptions(request))
        return try render(written.value, request, kind: target.kind, warnings: written.warnings)
    }

    private func delete(_ request: APIRequest, _ target: Target, name: String) async throws -> APIResponse {
        let kind = target.kind
        let deleted = try await writer.delete(
            kind: kind, namespace: try namespaceOfWrite(target), name: name,
            options: try DeleteOptions(request))
        var details: [String: JSONValue] = ["name": .string(name), "kind": .string(kind.plural)]
        if !kind.group.isEmpty { details["group"] = .string(kind.group) }
        details["uid"] = deleted["metadata"]?["uid"]
        return .json(
            .object([
                "kind": .string("Status"), "apiVersion": .string("v1"), "status": .string("Success"),
                "metadata": .object(["resourceVersion": deleted["metadata"]?["resourceVersion"] ?? .string("")]),
                "details": .object(details),
            ]))
    }

    private func deleteCollection(_ request: APIRequest, _ target: Target) async throws -> APIResponse {
        let kind = target.kind
        let labels = try LabelRequirements(request.parameter("labelSelector") ?? "")
        let fields = try FieldRequirements(request.parameter("fieldSelector") ?? "")
        let options = try DeleteOptions(request)
        let (objects, revision) = try await store.list(resource: kind.resource, namespace: target.namespace)
        var deleted: [JSONValue] = []
        for object in objects
        where fields.match(name: object.key.name, namespace: object.key.namespace)
            && labels.match(object.value["metadata"]?["labels"]?.objectValue ?? [:])
        {
            do {
                deleted.append(
                    try await writer.delete(
                        kind: kind, namespace: object.key.namespace, name: object.key.name, options: options))
            } catch let failure as APIFailure where failure.reason == "NotFound" {
                continue
            }
        }
        return .json(
            .object([
                "kind": .string("\(kind.kind)List"), "apiVersion": .string(kind.apiVersion),
                "metadata": .object(["resourceVersion": .string(String(revision))]), "items": .array(deleted),
            ]))
    }

    /// Kubernetes has no writes across namespaces.
    private func namespaceOfWrite(_ target: Target) throws(APIFailure) -> String {
        guard target.kind.namespaced else { return "" }
        guard let namespace = target.namespace else {
            throw .methodNotAllowed("a write without a namespace in its path")
        }
        return namespace
    }

    private func render(
        _ value: JSONValue, _ request: APIRequest, kind: ResourceKind, status: Int = 200, warnings: [String] = []
    ) throws(APIFailure) -> APIResponse {
        guard TableRendering.isWanted(request.accept) else { return .json(value, status: status, warnings: warnings) }
        let table = try TableRendering(kind: kind, request: request, now: now)
        let version = value["metadata"]?["resourceVersion"]?.stringValue ?? ""
        return .json(table.table([value], resourceVersion: version), status: status, warnings: warnings)
    }
}
