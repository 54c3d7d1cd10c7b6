import Datastore
import PolicyModel

/// A refusal, as the Kubernetes `Status` object says it.
struct APIFailure: Error, Sendable {
    struct Cause: Sendable, Hashable {
        var field: String
        var reason: String
        var message: String
    }

    var code: Int
    /// A `metav1.StatusReason`.
    var reason: String
    var message: String
    var group = ""
    /// The plural resource name, as Kubernetes puts into `details.kind` except for validation.
    var kind = ""
    var name = ""
    var causes: [Cause] = []
    var retryAfterSeconds: Int?
    /// With which an expired list may go on, at the price of a mixture.
    var continueToken: String?
    /// The object changed between its reading and its writing: the same request may succeed when it is tried again.
    var isRace = false

    var status: JSONValue {
        var details: [String: JSONValue] = [:]
        if !name.isEmpty { details["name"] = .string(name) }
        if !group.isEmpty { details["group"] = .string(group) }
        if !kind.isEmpty { details["kind"] = .string(kind) }
        if let retryAfterSeconds { details["retryAfterSeconds"] = .integer(Int64(retryAfterSeconds)) }
        if !causes.isEmpty {
            details["causes"] = .array(
                causes.map { cause in
                    var members: [String: JSONValue] = [
                        "reason": .string(cause.reason), "message": .string(cause.message),
                    ]
                    if !cause.field.isEmpty { members["field"] = .string(cause.field) }
                    return .object(members)
                })
        }
        var members: [String: JSONValue] = [
            "kind": .string("Status"), "apiVersion": .string("v1"),
            "metadata": .object(continueToken.map { ["continue": .string($0)] } ?? [:]), "status": .string("Failure"), "message": .string(message), "reason": .string(reason),
            "code": .integer(Int64(code)),
        ]
        if !details.isEmpty { members["details"] = .object(details) }
        return .object(members)
    }

    var response: APIResponse {
        var response = APIResponse.json(status, status: code)
        if let retryAfterSeconds { response.headers.append(("Retry-After", String(retryAfterSeconds))) }
        return response
    }
}

extension APIFailure {
    static func unauthorized(_ message: String) -> APIFailure {
        APIFailure(code: 401, reason: "Unauthorized", message: "Unauthorized: \(message)")
    }

    static let impersonation = APIFailure(
        code: 403, reason: "Forbidden",
        message: "acting as another user (--as, Impersonate-User) is not supported: use a kubeconfig of that user")

    static func badRequest(_ message: String) -> APIFailure {
        APIFailure(code: 400, reason: "BadRequest", message: message)
    }

    static let unknownPath = APIFailure(
        code: 404, reason: "NotFound", message: "the server could not find the requested resource")

    static func methodNotAllowed(_ method: String) -> APIFailure {
        APIFailure(
            code: 405, reason: "MethodNotAllowed", message: "\(method) is not allowed on the requested resource")
    }

    static let bodyTooLarge = APIFailure(
        code: 413, reason: "RequestEntityTooLarge",
        message: "the request body exceeds \(Limits.bodyBytes) bytes; split it into smaller objects")

    static func slowBody(seconds: Double) -> APIFailure {
        APIFailure(code: 408, reason: "Timeout", message: "the request body did not arrive within \(text(seconds)) s")
    }

    static func slowHead(seconds: Double) -> APIFailure {
        APIFailure(
            code: 408, reason: "Timeout", message: "the request line and the headers did not arrive within \(text(seconds)) s")
    }

    private static func text(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? String(Int64(seconds)) : String(seconds)
    }

    static let tooManyBodies = APIFailure(
        code: 429, reason: "TooManyRequests",
        message: "the server holds \(Limits.bodiesBytes) bytes of other requests; try again", retryAfterSeconds: 1)

    static func notAcceptable(_ offered: [String]) -> APIFailure {
        APIFailure(
            code: 406, reason: "NotAcceptable",
            message: "only the following media types are accepted: \(offered.joined(separator: ", "))")
    }

    static func unsupportedMediaType(_ message: String) -> APIFailure {
        APIFailure(code: 415, reason: "UnsupportedMediaType", message: message)
    }

    static func notFound(_ kind: ResourceKind, _ name: String) -> APIFailure {
        APIFailure(
            code: 404, reason: "NotFound", message: "\(kind.resource) \"\(name)\" not found", group: kind.group,
            kind: kind.plural, name: name)
    }

    static func alreadyExists(_ kind: ResourceKind, _ name: String) -> APIFailure {
        APIFailure(
            code: 409, reason: "AlreadyExists", message: "\(kind.resource) \"\(name)\" already exists",
            group: kind.group, kind: kind.plural, name: name)
    }

    static func conflict(_ kind: ResourceKind, _ name: String, _ why: String) -> APIFailure {
        APIFailure(
            code: 409, reason: "Conflict",
            message: "Operation cannot be fulfilled on \(kind.resource) \"\(name)\": \(why)", group: kind.group,
            kind: kind.plural, name: name)
    }

    static func modifiedMeanwhile(_ kind: ResourceKind, _ name: String) -> APIFailure {
        conflict(
            kind, name,
            "the object has been modified; please apply your changes to the latest version and try again")
    }

    private static func race(_ kind: ResourceKind, _ name: String) -> APIFailure {
        var failure = modifiedMeanwhile(kind, name)
        failure.isRace = true
        return failure
    }

    static func forbidden(_ kind: ResourceKind, _ name: String, _ why: String) -> APIFailure {
        APIFailure(
            code: 403, reason: "Forbidden", message: "\(kind.resource) \"\(name)\" is forbidden: \(why)",
            group: kind.group, kind: kind.plural, name: name)
    }

    static func invalid(_ kind: ResourceKind, _ name: String, _ errors: [FieldError]) -> APIFailure {
        let lines = errors.map { error in
            // "not enforced yet: PATH" already holds the path.
            error.reason == .notEnforcedYet || error.path.isEmpty ? error.message : "\(error.path): \(error.message)"
        }
        let text = lines.count == 1 ? lines[0] : "[" + lines.joined(separator: ", ") + "]"
        let kindText = kind.group.isEmpty ? kind.kind : "\(kind.kind).\(kind.group)"
        return APIFailure(
            code: 422, reason: "Invalid", message: "\(kindText) \"\(name)\" is invalid: \(text)", group: kind.group,
            kind: kind.kind, name: name,
            causes: errors.map { Cause(field: $0.path, reason: $0.reason.rawValue, message: $0.message) })
    }

    /// As Kubernetes refuses fields that no kind has (`fieldValidation=Strict`).
    static func strictDecoding(_ kind: ResourceKind, _ errors: [FieldError]) -> APIFailure {
        let text = errors.map(\.message).joined(separator: ", ")
        return APIFailure(
            code: 400, reason: "BadRequest",
            message:
                "\(kind.kind) in version \"\(kind.version)\" cannot be handled as a \(kind.kind): strict decoding error: \(text)",
            group: kind.group, kind: kind.kind,
            causes: errors.map { Cause(field: $0.path, reason: $0.reason.rawValue, message: $0.message) })
    }

    static func expired(_ message: String) -> APIFailure {
        APIFailure(code: 410, reason: "Expired", message: message)
    }

    /// Of a read that wants to be fresher than the store is; clients list anew.
    static func tooLargeResourceVersion(_ revision: Int64, current: Int64) -> APIFailure {
        APIFailure(
            code: 504, reason: "Timeout", message: "Too large resource version: \(revision), current: \(current)",
            causes: [Cause(field: "", reason: "ResourceVersionTooLarge", message: "Too large resource version")],
            retryAfterSeconds: 1)
    }

    private static func options(_ kind: String, _ field: String, _ reason: String, _ message: String) -> APIFailure {
        APIFailure(
            code: 422, reason: "Invalid", message: "\(kind).meta.k8s.io \"\" is invalid: \(field): \(message)",
            group: "meta.k8s.io", kind: kind, causes: [Cause(field: field, reason: reason, message: message)])
    }

    static func listOptions(_ field: String, _ reason: String, _ message: String) -> APIFailure {
        options("ListOptions", field, "FieldValue" + reason, message)
    }

    static func patchOptions(_ field: String, _ reason: String, _ message: String) -> APIFailure {
        options("PatchOptions", field, reason, message)
    }

    static func timeout(_ message: String) -> APIFailure {
        APIFailure(code: 504, reason: "Timeout", message: message)
    }

    static func internalError(_ message: String) -> APIFailure {
        APIFailure(code: 500, reason: "InternalError", message: "Internal error occurred: \(message)")
    }

    static func serviceUnavailable(_ message: String) -> APIFailure {
        APIFailure(code: 503, reason: "ServiceUnavailable", message: message)
    }

    /// What the store's refusal of a write or read of `name` means to a client.
    static func store(_ error: StoreError, _ kind: ResourceKind, _ name: String) -> APIFailure {
        switch error {
        case .notFound: notFound(kind, name)
        case .alreadyExists: alreadyExists(kind, name)
        case .conflict: race(kind, name)
        case .compacted(let oldest): expired("too old resource version (the oldest kept is \(oldest))")
        case .tooNew(let current): tooLargeResourceVersion(current + 1, current: current)
        case .failed(let message): internalError(message)
        }
    }
}
