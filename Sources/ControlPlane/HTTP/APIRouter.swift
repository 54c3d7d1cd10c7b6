import Datastore
import PolicyModel

/// Finds who answers a request.
struct APIRouter: Sendable {
    let catalog: ResourceCatalog
    let discovery: Discovery
    let openAPI: OpenAPIDocuments
    let resources: ResourceHandler
    let bulkhead: BulkheadEndpoints
    let health: HealthChecks
    let requests: RequestCounts
    let access: AccessControl

    /// The version of Kubernetes whose conventions the API keeps, for kubectl's check of version skew.
    static let kubernetesMinor = "37"
    static let version = "v1.37.0+bulkhead"

    /// Throws 401 when nobody we know asks.
    func authenticate(_ request: APIRequest) throws(APIFailure) {
        _ = try access.directory.user(authorization: request.authorization, certificateDigest: request.certificateDigest)
    }

    /// Never throws: what goes wrong becomes a Status.
    func respond(to request: APIRequest) async -> APIResponse {
        let answer = await answer(to: request)
        return request.flag("pretty") ? answer.pretty() : answer
    }

    private func answer(to request: APIRequest) async -> APIResponse {
        if let answer = await health.respond(to: request) { return answer }
        do {
            let user = try access.directory.user(
                authorization: request.authorization, certificateDigest: request.certificateDigest)
            // Whoever wants to try what another may do must not do it with his own rights.
            guard !request.impersonates else { throw APIFailure.impersonation }
            return access.guarded(try await route(request, user), user)
        } catch let failure as APIFailure {
            return failure.response
        } catch let error as StoreError {
            return APIFailure.internalError("the store failed: \(error)").response
        } catch {
            return APIFailure.internalError("\(error)").response
        }
    }

    private func route(_ request: APIRequest, _ user: User) async throws -> APIResponse {
        switch request.path.first {
        case "api": return try await routeCore(request, user)
        case "apis": return try await routeGroups(request, user)
        case "metrics" where request.path.count == 1:
            try requireReading(request)
            try access.check(user, endpoint: "metrics")
            let text = MetricsDocument.text(await bulkhead.node.report(), requests.snapshot)
            return APIResponse(contentType: PrometheusText.contentType, body: .bytes(Array(text.utf8)))
        case "version" where request.path.count == 1:
            try requireReading(request)
            return .json(versionDocument)
        case "openapi": return try routeOpenAPI(request)
        case nil:
            try requireReading(request)
            let paths = ["/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
            return .json(.object(["paths": .array(paths.map { .string($0) })]))
        default: throw APIFailure.unknownPath
        }
    }

    private func requireReading(_ request: APIRequest) throws(APIFailure) {
        guard request.method == .get || request.method == .head else {
            throw .methodNotAllowed(request.method.rawValue)
        }
    }

    private var versionDocument: JSONValue {
        .object([
            "major": .string("1"), "minor": .string(Self.kubernetesMinor), "gitVersion": .string(Self.version),
            "gitCommit": .string(""), "gitTreeState": .string(""), "buildDate": .string(""), "goVersion": .string(""),
            "compiler": .string("swiftc"), "platform": .string("linux"),
        ])
    }

    // MARK: - Discovery

    private func routeCore(_ request: APIRequest, _ user: User) async throws -> APIResponse {
        guard request.path.count > 1 else {
            try requireReading(request)
            if Discovery.wantsAggregated(request.accept) { return aggregated(core: true) }
            return .json(discovery.coreVersions())
        }
        return try await routeVersion(
            request, user, .init(group: "", version: request.path[1]), rest: Array(request.path.dropFirst(2)))
    }

    private func routeGroups(_ request: APIRequest, _ user: User) async throws -> APIResponse {
        switch request.path.count {
        case 1:
            try requireReading(request)
            if Discovery.wantsAggregated(request.accept) { return aggregated(core: false) }
            return .json(discovery.groupList())
        case 2:
            try requireReading(request)
            guard let group = discovery.group(request.path[1]) else { throw APIFailure.unknownPath }
            return .json(group)
        default:
            let groupVersion = ResourceCatalog.GroupVersion(group: request.path[1], version: request.path[2])
            let rest = Array(request.path.dropFirst(3))
            if let plural = rest.first, rest.count == 1, let kind = catalog.review(groupVersion, plural: plural) {
                return try SelfReviews(catalog: catalog).respond(to: request, kind: kind, user: user)
            }
            if groupVersion == BulkheadEndpoints.groupVersion, let endpoint = rest.first, rest.count == 1,
                BulkheadEndpoints.names.contains(endpoint)
            {
                try requireReading(request)
                try access.check(user, endpoint: endpoint)
                return try await bulkhead.respond(to: request, endpoint: endpoint)
            }
            return try await routeVersion(request, user, groupVersion, rest: rest)
        }
    }

    private func aggregated(core: Bool) -> APIResponse {
        APIResponse(
            contentType: Discovery.aggregatedContentType, headers: [("Vary", "Accept")],
            body: .bytes(discovery.aggregated(core: core).serialized()))
    }

    private func routeOpenAPI(_ request: APIRequest) throws -> APIResponse {
        try requireReading(request)
        let rest = request.path.dropFirst()
        let accept = AcceptHeader(request.accept)
        if rest == ["v2"] {
            let forms = [AcceptHeader.json, OpenAPIProtobuf.contentType, OpenAPIProtobuf.newContentType]
            let form = try accept.choice(of: forms)
            // Not even to those who ask by the older name: it has an @, which is no character of a media type.
            return APIResponse(
                contentType: form == AcceptHeader.json ? form : OpenAPIProtobuf.newContentType, headers: [("Vary", "Accept")],
                body: .bytes(form == AcceptHeader.json ? openAPI.versionTwo : openAPI.versionTwoProtobuf))
        }
        _ = try accept.choice(of: [AcceptHeader.json])
        if rest == ["v3"] { return APIResponse(body: .bytes(openAPI.index)) }
        guard rest.first == "v3", let document = openAPI.documents[rest.dropFirst().joined(separator: "/")] else {
            throw APIFailure.unknownPath
        }
        return APIResponse(body: .bytes(document))
    }

    // MARK: - Objects

    /// `rest` is what follows the version: `tiers/NAME`, `namespaces/NS/networkpolicies/NAME`.
    private func routeVersion(
        _ request: APIRequest, _ user: User, _ groupVersion: ResourceCatalog.GroupVersion, rest: [String]
    ) async throws -> APIResponse {
        guard let plural = rest.first else {
            try requireReading(request)
            guard let document = discovery.resources(groupVersion) else { throw APIFailure.unknownPath }
            return .json(document)
        }
        guard var target = target(groupVersion, rest: rest, plural: plural) else { throw APIFailure.unknownPath }
        _ = try AcceptHeader(request.accept).choice(of: [AcceptHeader.json])
        let question = AccessControl.Question(
            verb: AccessControl.verb(request, hasName: target.name != nil), kind: target.asked, namespace: target.namespace,
            name: target.name, subresource: target.subresource)
        try access.check(user, question)
        if request.method == .put || request.method == .patch { target.rights = access.rights(user, question) }
        return try await resources.respond(to: request, target: target)
    }

    private func target(
        _ groupVersion: ResourceCatalog.GroupVersion, rest: [String], plural: String
    ) -> ResourceHandler.Target? {
        if plural == "namespaces", (3...5).contains(rest.count),
            let kind = catalog.kind(groupVersion, plural: rest[2]), kind.namespaced
        {
            return target(kind, namespace: rest[1], rest: Array(rest.dropFirst(3)))
        }
        guard let kind = catalog.kind(groupVersion, plural: plural), rest.count <= (kind.namespaced ? 1 : 3) else {
            return nil
        }
        return target(kind, namespace: nil, rest: Array(rest.dropFirst()))
    }

    /// `rest`: the name and the subresource, where there are any.
    private func target(_ kind: ResourceKind, namespace: String?, rest: [String]) -> ResourceHandler.Target? {
        var target = ResourceHandler.Target(asked: kind, namespace: namespace, name: rest.first)
        guard rest.count == 2 else { return target }
        target.subresource = rest[1]
        switch rest[1] {
        case "status": return kind.hasStatus ? target : nil
        case "finalize": return kind.isNamespace ? target : nil
        default: return nil
        }
    }
}
