import PolicyModel

/// Lets a request through, or says why not.
struct AccessControl: Sendable {
    let directory: UserDirectory

    /// What a request asks for.
    struct Question: Sendable {
        var verb: String
        var kind: ResourceKind
        var namespace: String?
        var name: String?
        var subresource = ""
    }

    func check(_ user: User, _ question: Question) throws(APIFailure) {
        if let refusal = refusal(user, question) { throw refusal }
    }

    /// Why not; nil where the user may.
    private func refusal(_ user: User, _ question: Question) -> APIFailure? {
        let subject = AccessRules.Subject(question.kind)
        guard !AccessRules.verbs(user.role, subject).contains(question.verb) else { return nil }
        return refusal(user, question, but: "", to: Role.allCases.filter { AccessRules.verbs($0, subject).contains(question.verb) })
    }

    private func refusal(_ user: User, _ question: Question, but exception: String, to roles: [Role]) -> APIFailure {
        let kind = question.kind
        let resource = question.subresource.isEmpty ? kind.plural : "\(kind.plural)/\(question.subresource)"
        let scope = question.namespace.map { " in the namespace \"\($0)\"" } ?? (kind.namespaced ? " in every namespace" : "")
        return forbidden(
            "\(kind.resource)\(question.name.map { " \"\($0)\"" } ?? "") is forbidden: User \"\(user.name)\" cannot \(question.verb) resource \"\(resource)\" in API group \"\(kind.group)\"\(scope)\(exception): the role \(user.role.rawValue) may not; \(Self.advice(roles))",
            group: kind.group, kind: kind.plural, name: question.name ?? "")
    }

    /// For a write that the verb allows.
    func rights(_ user: User, _ question: Question) -> WriteRights {
        var creation = question
        creation.verb = "create"
        var rights = WriteRights(creation: refusal(user, creation))
        let subject = AccessRules.Subject(question.kind)
        if AccessRules.changesLabelsOnly(user.role, subject) {
            let roles = Role.allCases.filter {
                AccessRules.verbs($0, subject).contains(question.verb) && !AccessRules.changesLabelsOnly($0, subject)
            }
            rights.content = refusal(user, question, but: " but for labels and annotations", to: roles)
        }
        return rights
    }

    func check(_ user: User, endpoint: String) throws(APIFailure) {
        guard !AccessRules.mayRead(endpoint: endpoint, user.role) else { return }
        let roles = Role.allCases.filter { AccessRules.mayRead(endpoint: endpoint, $0) }
        throw forbidden(
            "\(endpoint) is forbidden: User \"\(user.name)\" cannot read it: the role \(user.role.rawValue) may not; \(Self.advice(roles))",
            group: "bulkhead.io", kind: endpoint, name: "")
    }

    private func forbidden(_ message: String, group: String, kind: String, name: String) -> APIFailure {
        APIFailure(code: 403, reason: "Forbidden", message: message, group: group, kind: kind, name: name)
    }

    private static func advice(_ roles: [Role]) -> String {
        let names = roles.map(\.rawValue)
        return "ask for the role \(names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " or " + (names.last ?? ""))"
    }

    /// The verb of Kubernetes that a request is.
    static func verb(_ request: APIRequest, hasName: Bool) -> String {
        switch request.method {
        case .get, .head: request.flag("watch") ? "watch" : hasName ? "get" : "list"
        case .post: "create"
        case .put: "update"
        case .patch: "patch"
        case .delete: hasName ? "delete" : "deletecollection"
        }
    }

    /// An answer that streams ends when its user may not read any more.
    func guarded(_ answer: APIResponse, _ user: User) -> APIResponse {
        guard case .stream(let produce) = answer.body, user != .administrator else { return answer }
        var answer = answer
        let directory = directory
        answer.body = .stream { sink in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await produce(sink) }
                group.addTask {
                    while directory.isCurrent(user) {
                        guard (try? await Task.sleep(for: .seconds(Limits.accessCheckSeconds))) != nil else { return }
                    }
                }
                await group.next()
                group.cancelAll()
            }
        }
        return answer
    }
}
