import PolicyModel

/// The documents by which clients find out what the server serves.
struct Discovery: Sendable {
    let catalog: ResourceCatalog

    static let aggregatedContentType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

    /// Whether the client prefers all resources of all groups in one document.
    static func wantsAggregated(_ accept: String) -> Bool {
        for media in AcceptHeader(accept).ranges where media.covers(AcceptHeader.json) {
            if media["as"] == nil { return false }
            if media["as"] == "APIGroupDiscoveryList", media["g"] == "apidiscovery.k8s.io", media["v"] == "v2" { return true }
        }
        return false
    }

    private static func verbs(_ kind: ResourceKind) -> [JSONValue] {
        if kind.isReview { return ["create"] }
        return ["create", "delete"] + (kind.isNamespace ? [] : ["deletecollection"]) + ["get", "list", "patch", "update", "watch"]
    }

    // MARK: - Aggregated

    /// The answer to GET /api (the core group) or /apis (all others).
    func aggregated(core: Bool) -> JSONValue {
        let groups = groupNames.filter { $0.isEmpty == core }
        return .object([
            "kind": .string("APIGroupDiscoveryList"), "apiVersion": .string("apidiscovery.k8s.io/v2"),
            "metadata": .object([:]), "items": .array(groups.map(aggregatedGroup)),
        ])
    }

    private func aggregatedGroup(_ group: String) -> JSONValue {
        var metadata: [String: JSONValue] = ["creationTimestamp": .null]
        if !group.isEmpty { metadata["name"] = .string(group) }
        return .object([
            "metadata": .object(metadata),
            "versions": .array(
                catalog.groupVersions.filter { $0.group == group }.map { groupVersion in
                    .object([
                        "version": .string(groupVersion.version), "freshness": .string("Current"),
                        "resources": .array(catalog.kinds(in: groupVersion).map(aggregatedResource)),
                    ])
                }),
        ])
    }

    private func aggregatedResource(_ kind: ResourceKind) -> JSONValue {
        var members: [String: JSONValue] = [
            "resource": .string(kind.plural),
            "responseKind": .object([
                "group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind),
            ]),
            "scope": .string(kind.namespaced ? "Namespaced" : "Cluster"), "singularResource": .string(kind.singular),
            "verbs": .array(Self.verbs(kind)), "categories": .array(categories(kind)),
        ]
        if !kind.shortNames.isEmpty { members["shortNames"] = .array(kind.shortNames.map { .string($0) }) }
        let subresources = Self.subresources(kind)
        if !subresources.isEmpty {
            members["subresources"] = .array(
                subresources.map { subresource in
                    .object([
                        "subresource": .string(subresource.name),
                        "responseKind": .object([
                            "group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind),
                        ]),
                        "verbs": .array(subresource.verbs.map { .string($0) }),
                    ])
                })
        }
        return .object(members)
    }

    static func subresources(_ kind: ResourceKind) -> [(name: String, verbs: [String])] {
        (kind.hasStatus ? [("status", ["get", "patch", "update"])] : [])
            + (kind.isNamespace ? [("finalize", ["update"])] : [])
    }

    // MARK: - One document a group version

    func coreVersions() -> JSONValue {
        .object([
            "kind": .string("APIVersions"),
            "versions": .array(catalog.groupVersions.filter(\.group.isEmpty).map { .string($0.version) }),
            // Clients stay with the address that they came by.
            "serverAddressByClientCIDRs": .array([]),
        ])
    }

    func groupList() -> JSONValue {
        .object([
            "kind": .string("APIGroupList"), "apiVersion": .string("v1"),
            "groups": .array(groupNames.filter { !$0.isEmpty }.map { .object(groupMembers($0)) }),
        ])
    }

    /// nil when there is no such group.
    func group(_ name: String) -> JSONValue? {
        guard !name.isEmpty, groupNames.contains(name) else { return nil }
        return .object(
            groupMembers(name).merging(["kind": .string("APIGroup"), "apiVersion": .string("v1")]) { $1 })
    }

    func resources(_ groupVersion: ResourceCatalog.GroupVersion) -> JSONValue? {
        guard catalog.groupVersions.contains(groupVersion) else { return nil }
        return .object([
            "kind": .string("APIResourceList"), "apiVersion": .string("v1"),
            "groupVersion": .string(groupVersion.text),
            "resources": .array(
                catalog.kinds(in: groupVersion).flatMap { kind in
                    [resource(kind)]
                        + Self.subresources(kind).map { subresource in
                            .object([
                                "name": .string("\(kind.plural)/\(subresource.name)"), "singularName": "",
                                "namespaced": .bool(kind.namespaced), "kind": .string(kind.kind),
                                "verbs": .array(subresource.verbs.map { .string($0) }),
                            ])
                        }
                }),
        ])
    }

    private func resource(_ kind: ResourceKind) -> JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(kind.plural), "singularName": .string(kind.singular), "namespaced": .bool(kind.namespaced),
            "kind": .string(kind.kind), "verbs": .array(Self.verbs(kind)), "categories": .array(categories(kind)),
        ]
        if !kind.shortNames.isEmpty { members["shortNames"] = .array(kind.shortNames.map { .string($0) }) }
        return .object(members)
    }

    private func groupMembers(_ name: String) -> [String: JSONValue] {
        let versions = catalog.groupVersions.filter { $0.group == name }.map { groupVersion in
            JSONValue.object([
                "groupVersion": .string(groupVersion.text), "version": .string(groupVersion.version),
            ])
        }
        return ["name": .string(name), "versions": .array(versions), "preferredVersion": versions.first ?? .null]
    }

    private var groupNames: [String] {
        var seen: Set<String> = []
        return catalog.groupVersions.map(\.group).filter { seen.insert($0).inserted }
    }

    /// `kubectl get bulkhead` lists everything that decides about traffic; `kubectl get all` what it does in Kubernetes.
    private func categories(_ kind: ResourceKind) -> [JSONValue] {
        if kind.resource == Kinds.service.resource { return ["all"] }
        return kind.isBuiltIn ? [] : ["bulkhead"]
    }
}
