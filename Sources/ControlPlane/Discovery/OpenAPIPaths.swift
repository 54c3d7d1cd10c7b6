import PolicyModel

/// The operations on each kind, as OpenAPI describes them.
struct OpenAPIPaths: Sendable {
    let versionThree: Bool

    private var prefix: String { versionThree ? "#/components/schemas/" : "#/definitions/" }

    func paths(_ kinds: [ResourceKind]) -> [String: JSONValue] {
        var paths: [String: JSONValue] = [:]
        for kind in kinds {
            let root = kind.group.isEmpty ? "/api/\(kind.version)" : "/apis/\(kind.group)/\(kind.version)"
            let collection = kind.namespaced ? "\(root)/namespaces/{namespace}/\(kind.plural)" : "\(root)/\(kind.plural)"
            let scope = kind.namespaced ? [pathParameter("namespace")] : []
            if kind.isReview {
                paths[collection] = .object([
                    "post": operation(kind, "post", parameters: writeParameters, body: ["application/json", "application/yaml"])
                ])
                continue
            }
            paths[collection] = .object([
                "parameters": .array(scope),
                "get": operation(kind, "list", parameters: listParameters, answer: "List"),
                "post": operation(kind, "post", parameters: writeParameters, body: ["application/json", "application/yaml"]),
            ])
            if !kind.isNamespace {
                paths[collection]?["delete"] = operation(kind, "deletecollection", parameters: listParameters, answer: "List")
            }
            paths["\(collection)/{name}"] = .object([
                "parameters": .array(scope + [pathParameter("name")]),
                "get": operation(kind, "get", parameters: []),
                "put": operation(kind, "put", parameters: writeParameters, body: ["application/json", "application/yaml"]),
                "patch": operation(kind, "patch", parameters: writeParameters + [force], body: patchTypes(kind)),
                "delete": operation(kind, "delete", parameters: [queryParameter("dryRun", "string", "All: check, and change nothing.")]),
            ])
            if kind.hasStatus {
                paths["\(collection)/{name}/status"] = .object([
                    "parameters": .array(scope + [pathParameter("name")]),
                    "get": operation(kind, "get", parameters: [], part: "Status"),
                    "put": operation(
                        kind, "put", parameters: writeParameters, body: ["application/json", "application/yaml"], part: "Status"),
                    "patch": operation(
                        kind, "patch", parameters: writeParameters + [force], body: patchTypes(kind), part: "Status"),
                ])
            }
            if kind.namespaced {
                paths["\(root)/\(kind.plural)"] = .object([
                    "get": operation(kind, "list", parameters: listParameters, answer: "List")
                ])
            }
        }
        return paths
    }

    private func patchTypes(_ kind: ResourceKind) -> [String] {
        ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"]
            + (kind.isBuiltIn ? ["application/strategic-merge-patch+json"] : [])
    }

    private func operation(
        _ kind: ResourceKind, _ action: String, parameters: [JSONValue], answer suffix: String = "", body: [String] = [],
        part: String = ""
    ) -> JSONValue {
        let schema = JSONValue.object(["$ref": .string(prefix + OpenAPISchemas.name(kind) + suffix)])
        let scope = kind.namespaced ? "Namespaced" : ""
        var members: [String: JSONValue] = [
            "operationId": .string("\(action)\(scope)\(kind.kind)\(part)_\(kind.group)_\(kind.version)"),
            "x-kubernetes-action": .string(action),
            "x-kubernetes-group-version-kind": OpenAPISchemas.groupVersionKind(kind),
        ]
        var parameters = parameters
        let isPatch = action == "patch"
        let bodySchema: JSONValue = isPatch ? .object(["type": .string("object")]) : schema
        if versionThree {
            if !body.isEmpty {
                members["requestBody"] = .object([
                    "required": .bool(true),
                    "content": .object(Dictionary(body.map { ($0, .object(["schema": bodySchema])) }) { $1 }),
                ])
            }
            members["responses"] = .object([
                "200": .object([
                    "description": .string("OK"),
                    "content": .object(["application/json": .object(["schema": schema])]),
                ])
            ])
        } else {
            members["produces"] = .array([.string("application/json")])
            if !body.isEmpty {
                members["consumes"] = .array(body.map { .string($0) })
                parameters.append(
                    .object([
                        "name": .string("body"), "in": .string("body"), "required": .bool(true), "schema": bodySchema,
                    ]))
            }
            members["responses"] = .object([
                "200": .object(["description": .string("OK"), "schema": schema])
            ])
        }
        members["parameters"] = .array(parameters)
        return .object(members)
    }

    private var writeParameters: [JSONValue] {
        [
            queryParameter("dryRun", "string", "All: check, and change nothing."),
            queryParameter("fieldManager", "string", "Name of the program that writes: it owns what it writes (metadata.managedFields)."),
            queryParameter(
                "fieldValidation", "string",
                "What happens to unknown fields: Strict refuses (the default of this server), Warn drops them with a warning, Ignore drops them."
            ),
        ]
    }

    private var force: JSONValue { queryParameter("force", "boolean", "For server-side apply: take over fields that others own.") }

    private var listParameters: [JSONValue] {
        [
            queryParameter("labelSelector", "string", "Only objects whose labels match."),
            queryParameter("fieldSelector", "string", "Only objects whose fields match: metadata.name, metadata.namespace, and of Kubernetes' own kinds those that it selects by."),
            queryParameter("watch", "boolean", "Stream changes instead of listing."),
            queryParameter("limit", "integer", "At most so many objects; the answer says in metadata.continue where to go on."),
            queryParameter("continue", "string", "Goes on with a list where metadata.continue of the answer before says."),
            queryParameter(
                "resourceVersion", "string", "For a list: how fresh it must be. For a watch: changes after this revision."),
            queryParameter(
                "resourceVersionMatch", "string", "What resourceVersion means for a list: Exact or NotOlderThan."),
            queryParameter("timeoutSeconds", "integer", "For a watch: how long it lasts."),
            queryParameter("allowWatchBookmarks", "boolean", "For a watch: send bookmarks too."),
            queryParameter("sendInitialEvents", "boolean", "For a watch: first send what there is, then a bookmark."),
        ]
    }

    private func queryParameter(_ name: String, _ type: String, _ description: String) -> JSONValue {
        parameter(name, in: "query", type: type, description: description, required: false)
    }

    private func pathParameter(_ name: String) -> JSONValue {
        parameter(name, in: "path", type: "string", description: "The \(name).", required: true)
    }

    private func parameter(_ name: String, in place: String, type: String, description: String, required: Bool) -> JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(name), "in": .string(place), "description": .string(description),
        ]
        if required { members["required"] = .bool(true) }
        if versionThree {
            members["schema"] = .object(["type": .string(type), "uniqueItems": .bool(true)])
        } else {
            members["type"] = .string(type)
            members["uniqueItems"] = .bool(true)
        }
        return .object(members)
    }
}
