import PolicyModel

/// Answers what users ask of their own rights.
struct SelfReviews: Sendable {
    let catalog: ResourceCatalog

    private struct Answer {
        var isAllowed: Bool
        var reason: String
    }

    func respond(to request: APIRequest, kind: ResourceKind, user: User) throws(APIFailure) -> APIResponse {
        guard request.method == .post else { throw .methodNotAllowed(request.method.rawValue) }
        var review = try BodyDecoding.decode(request.body, contentType: request.contentType)
        guard case .object = review else { throw .badRequest("the body must be one \(kind.kind) object") }
        review["apiVersion"] = .string(kind.apiVersion)
        review["kind"] = .string(kind.kind)
        if review["metadata"] == nil { review["metadata"] = .object([:]) }
        review["status"] = try status(of: review["spec"], kind: kind, user: user)
        return .json(review, status: 201)
    }

    private func status(of spec: JSONValue?, kind: ResourceKind, user: User) throws(APIFailure) -> JSONValue {
        switch kind.kind {
        case Kinds.selfSubjectReview.kind:
            return [
                "userInfo": [
                    "username": .string(user.name), "groups": [.string("bulkhead:\(user.role.rawValue)"), "system:authenticated"],
                ]
            ]
        case Kinds.selfSubjectRulesReview.kind: return rules(user.role)
        default:
            let answer: Answer
            if let attributes = spec?["resourceAttributes"] {
                answer = self.answer(resource: attributes, user.role)
            } else if let attributes = spec?["nonResourceAttributes"] {
                answer = self.answer(path: attributes, user.role)
            } else {
                throw .invalid(
                    kind, "",
                    [
                        FieldError(
                            path: "spec.resourceAttributes", message: "is required where there are no nonResourceAttributes",
                            reason: .required)
                    ])
            }
            return ["allowed": .bool(answer.isAllowed), "reason": .string(answer.reason)]
        }
    }

    private func answer(resource attributes: JSONValue, _ role: Role) -> Answer {
        let asked = { (member: String) in attributes[member]?.stringValue ?? "" }
        let (group, resource, verb) = (asked("group"), asked("resource"), asked("verb"))
        let kinds = catalog.kinds.filter { kind in
            (group == "*" || kind.group == group) && (resource == "*" || kind.plural == resource)
        }
        let isAllowed: Bool
        if group == BulkheadEndpoints.groupVersion.group, BulkheadEndpoints.names.contains(resource) {
            isAllowed = verb == "get" && AccessRules.mayRead(endpoint: resource, role)
        } else {
            // Everything, what is not served, and what is no verb of ours: the administrators'.
            isAllowed =
                role == .admin
                || group != "*" && !kinds.isEmpty
                    && kinds.allSatisfy { AccessRules.verbs(role, AccessRules.Subject($0)).contains(verb) }
        }
        return Answer(isAllowed: isAllowed, reason: reason(isAllowed, role))
    }

    private func answer(path attributes: JSONValue, _ role: Role) -> Answer {
        let path = (attributes["path"]?.stringValue ?? "").split(separator: "/").first.map(String.init) ?? ""
        let isAllowed = attributes["verb"] == "get" && (Self.openPaths.contains(path) || path == "metrics") || role == .admin
        return Answer(isAllowed: isAllowed, reason: reason(isAllowed, role))
    }

    private func reason(_ isAllowed: Bool, _ role: Role) -> String { "the role \(role.rawValue) \(isAllowed ? "may" : "may not")" }

    /// Open to every user.
    private static let openPaths = ["api", "apis", "healthz", "livez", "openapi", "readyz", "version"]

    private func rules(_ role: Role) -> JSONValue {
        var rules: [JSONValue] = catalog.kinds.compactMap { kind in
            let verbs = AccessRules.verbs(role, AccessRules.Subject(kind)).sorted()
            guard !verbs.isEmpty else { return nil }
            let resources = [kind.plural] + Discovery.subresources(kind).map { "\(kind.plural)/\($0.name)" }
            return [
                "apiGroups": [.string(kind.group)], "resources": .array(resources.map { .string($0) }),
                "verbs": .array(verbs.map { .string($0) }),
            ]
        }
        let endpoints = BulkheadEndpoints.names.filter { AccessRules.mayRead(endpoint: $0, role) }
        rules.append([
            "apiGroups": [.string(BulkheadEndpoints.groupVersion.group)], "resources": .array(endpoints.map { .string($0) }),
            "verbs": ["get"],
        ])
        let paths = Self.openPaths.flatMap { ["/\($0)", "/\($0)/*"] } + ["/metrics"]
        return [
            "resourceRules": .array(rules), "incomplete": false,
            "nonResourceRules": [["nonResourceURLs": .array(paths.map { .string($0) }), "verbs": ["get"]]],
        ]
    }
}
