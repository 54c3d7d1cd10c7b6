import Datastore
import PolicyModel

/// Answers requests for the objects of one kind.
struct ResourceHandler: Sendable {
    struct Target: Sendable {
        /// As the client knows it.
        var asked: ResourceKind
        /// nil: every namespace, or a kind without.
        var namespace: String?
        /// nil: the collection.
        var name: String?
        /// `status`, `finalize`; empty: the object itself.
        var subresource = ""
        var rights = WriteRights()

        var view: KindView { KindView(asked) }
        /// As it is stored.
        var kind: ResourceKind { view.kind }
    }

    let store: any Store
    let writer: ObjectWriter
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    func respond(to request: APIRequest, target: Target) async throws -> APIResponse {
        do {
            return try await answer(target.view.stored(request), target)
        } catch let failure as APIFailure {
            throw target.view.shown(failure)
        }
    }

    private func answer(_ request: APIRequest, _ target: Target) async throws -> APIResponse {
        if !target.subresource.isEmpty { return try await respondToSubresource(request, target) }
        switch (request.method, target.name) {
        case (.get, nil), (.head, nil):
            return request.flag("watch") ? try await watch(request, target) : try await list(request, target)
        case (.get, let name?), (.head, let name?):
            if request.flag("watch") { return try await watch(request, target) }
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

    private func respondToSubresource(_ request: APIRequest, _ target: Target) async throws -> APIResponse {
        guard let name = target.name else { throw APIFailure.unknownPath }
        switch (request.method, target.subresource) {
        case (.get, "status"), (.head, "status"): return try await get(request, target, name: name)
        case (.put, _): return try await replace(request, target, name: name)
        case (.patch, "status"): return try await patch(request, target, name: name)
        default: throw APIFailure.methodNotAllowed(request.method.rawValue)
        }
    }

    private func get(_ request: APIRequest, _ target: Target, name: String) async throws -> APIResponse {
        let kind = target.kind
        let key = StoreKey(resource: kind.resource, namespace: target.namespace ?? "", name: name)
        if let text = request.parameter("resourceVersion"), !text.isEmpty {
            try await ObjectLister(store: store).requireRevision(try ListRequest.revision(text))
        }
        guard let document = try await store.document(key) else { throw APIFailure.notFound(kind, name) }
        let form = try form(request, target)
        return form.isStoredText ? APIResponse(body: .bytes(document.json)) : .json(form.one(try document.decoded().value))
    }

    private func list(_ request: APIRequest, _ target: Target) async throws -> APIResponse {
        let kind = target.kind
        let result = try await ObjectLister(store: store).list(
            kind, namespace: target.namespace, try ListRequest(request, kind: kind))
        let form = try form(request, target)
        if form.isStoredText { return APIResponse(body: .bytes(result.json(kind))) }
        return .json(form.list(try result.values(), metadata: result.metadata))
    }

    private func watch(_ request: APIRequest, _ target: Target) async throws -> APIResponse {
        var fields = try FieldRequirements(request.parameter("fieldSelector") ?? "", kind: target.kind)
        if let name = target.name { fields.require(name: name) }
        let start = try await watchStart(request)
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
                labels: try LabelRequirements(request.parameter("labelSelector") ?? ""), fields: fields,
                after: start.after, announceInitialEnd: start.announcesEnd,
                bookmarks: request.flag("allowWatchBookmarks"), timeoutSeconds: timeout,
                form: try form(request, target)))
        return APIResponse(body: .stream { sink in await stream.run(into: sink) })
    }

    /// `after` nil: first everything there is.
    private func watchStart(_ request: APIRequest) async throws -> (after: Int64?, announcesEnd: Bool) {
        let match = request.parameter("resourceVersionMatch") ?? ""
        let text = request.parameter("resourceVersion") ?? ""
        let revision = text.isEmpty ? 0 : try ListRequest.revision(text)
        var initial: Bool?
        switch request.parameter("sendInitialEvents") ?? "" {
        case "": break
        case "true", "1": initial = true
        case "false", "0": initial = false
        case let other: throw APIFailure.badRequest("invalid sendInitialEvents \"\(other)\": true or false")
        }
        if initial != nil, match != "NotOlderThan" {
            throw APIFailure.listOptions(
                "resourceVersionMatch", "Forbidden", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
        }
        if initial == nil, !match.isEmpty {
            throw APIFailure.listOptions(
                "resourceVersionMatch", "Forbidden",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
        }
        try await ObjectLister(store: store).requireRevision(revision)
        if initial == true { return (nil, true) }
        if revision > 0 { return (revision, false) }
        if initial == false { return (try await store.revision(), false) }
        return (nil, false)
    }

    // MARK: - Writing

    private func create(_ request: APIRequest, _ target: Target) async throws -> APIResponse {
        let form = try form(request, target)
        let body = try body(request, target)
        let namespace = try namespaceOfWrite(target)
        let written = try await writer.create(
            body, kind: target.kind, namespace: namespace, options: try WriteOptions(request))
        return .json(form.one(written.value), status: 201, warnings: written.warnings)
    }

    private func replace(_ request: APIRequest, _ target: Target, name: String) async throws -> APIResponse {
        let form = try form(request, target)
        let written = try await writer.replace(
            try body(request, target), kind: target.kind, namespace: try namespaceOfWrite(target), name: name,
            subresource: target.subresource == "status" ? "status" : "",
            options: try WriteOptions(request, rights: target.rights))
        return .json(form.one(written.value), warnings: written.warnings)
    }

    private func patch(_ request: APIRequest, _ target: Target, name: String) async throws -> APIResponse {
        let form = try form(request, target)
        let patch = try target.view.stored(try ObjectPatch(request, kind: target.kind))
        if patch.format == .apply {
            guard request.parameter("fieldManager") ?? "" != "" else {
                throw APIFailure.patchOptions("fieldManager", "FieldValueRequired", "Required value: is required for apply patch")
            }
        } else if request.parameter("force") ?? "" != "" {
            throw APIFailure.patchOptions("force", "FieldValueForbidden", "Forbidden: may not be specified for non-apply patch")
        }
        let written = try await writer.patch(
            patch, kind: target.kind, namespace: try namespaceOfWrite(target), name: name,
            subresource: target.subresource, options: try WriteOptions(request, rights: target.rights))
        return .json(form.one(written.value), status: written.created ? 201 : 200, warnings: written.warnings)
    }

    private func delete(_ request: APIRequest, _ target: Target, name: String) async throws -> APIResponse {
        let kind = target.kind
        let form = try form(request, target)
        let deletion = try await writer.delete(
            kind: kind, namespace: try namespaceOfWrite(target), name: name,
            options: try DeleteOptions(request))
        // What waits for its finalizers is still there to be looked at.
        guard deletion.gone else { return .json(form.one(deletion.value)) }
        let deleted = deletion.value
        var details: [String: JSONValue] = ["name": .string(name), "kind": .string(kind.plural)]
        if !target.asked.group.isEmpty { details["group"] = .string(target.asked.group) }
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
        // As in Kubernetes: nobody means to end everything there is.
        guard !kind.isNamespace else { throw APIFailure.methodNotAllowed(request.method.rawValue) }
        let form = try form(request, target)
        let selection = try ListRequest(request, kind: kind)
        let options = try DeleteOptions(request)
        if kind.namespaced { _ = try namespaceOfWrite(target) }
        let result = try await ObjectLister(store: store).list(kind, namespace: target.namespace, selection)
        var deleted: [JSONValue] = []
        for value in try result.values() {
            let metadata = value["metadata"]
            do {
                deleted.append(
                    try await writer.delete(
                        kind: kind, namespace: metadata?["namespace"]?.stringValue ?? "",
                        name: metadata?["name"]?.stringValue ?? "", options: options
                    ).value)
            } catch let failure as APIFailure where failure.reason == "NotFound" {
                continue
            }
        }
        return .json(form.list(deleted, metadata: result.metadata))
    }

    /// Kubernetes has no writes across namespaces.
    private func namespaceOfWrite(_ target: Target) throws(APIFailure) -> String {
        guard target.kind.namespaced else { return "" }
        guard let namespace = target.namespace else {
            throw .methodNotAllowed("a write without a namespace in its path")
        }
        return namespace
    }

    private func form(_ request: APIRequest, _ target: Target) throws(APIFailure) -> ObjectForm {
        try ObjectForm(request, view: target.view, now: now)
    }

    private func body(_ request: APIRequest, _ target: Target) throws(APIFailure) -> JSONValue {
        try target.view.stored(BodyDecoding.decode(request.body, contentType: request.contentType))
    }
}
