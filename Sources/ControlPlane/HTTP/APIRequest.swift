/// One request as the handlers see it, free of the HTTP library.
struct APIRequest: Sendable {
    enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    var method: Method
    /// Percent-decoded, without empty segments.
    var path: [String]
    /// Percent-decoded, in the order of the request.
    var query: [(name: String, value: String)]
    var accept: String
    /// Without parameters, in lower case; empty when the request names none.
    var contentType: String
    var authorization: String?
    /// SHA-256 of the client's certificate, hexadecimal, where the connection has a valid one.
    var certificateDigest: String?
    var userAgent = ""
    /// Whether the client wants to act as another user (`Impersonate-User` and its like).
    var impersonates = false
    var body: [UInt8]

    /// What the names of headers begin with that ask to act as another user; lower case.
    static let impersonationPrefix = "impersonate-"

    init(
        method: Method, path: [String], query: [(name: String, value: String)] = [], accept: String = "",
        contentType: String = "", authorization: String? = nil, body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.accept = accept
        self.contentType = contentType
        self.authorization = authorization
        self.body = body
    }

    /// The last value of a query parameter; nil when it is absent.
    func parameter(_ name: String) -> String? {
        query.last { $0.name == name }?.value
    }

    /// Whether a query parameter says yes, as Kubernetes reads it: `true`, `1`, or present without a value.
    func flag(_ name: String) -> Bool {
        guard let value = parameter(name) else { return false }
        return !["0", "false", "f", "F", "FALSE", "False"].contains(value)
    }
}
