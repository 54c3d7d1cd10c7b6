import PolicyModel

/// One answer as the handlers make it, free of the HTTP library.
struct APIResponse: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        /// Runs until it returns or is cancelled; the connection ends with it.
        case stream(@Sendable (LineSink) async -> Void)
    }

    var status: Int
    var contentType: String
    /// Texts for `Warning: 299` headers; kubectl shows them.
    var warnings: [String]
    var headers: [(name: String, value: String)]
    var body: Body

    init(
        status: Int = 200, contentType: String = "application/json", warnings: [String] = [],
        headers: [(name: String, value: String)] = [], body: Body
    ) {
        self.status = status
        self.contentType = contentType
        self.warnings = warnings
        self.headers = headers
        self.body = body
    }

    static func json(_ value: JSONValue, status: Int = 200, warnings: [String] = []) -> APIResponse {
        APIResponse(status: status, warnings: warnings, body: .bytes(value.serialized()))
    }

    /// The same, JSON set out for people; what streams stays one object a line.
    func pretty() -> APIResponse {
        guard contentType == AcceptHeader.json, case .bytes(let bytes) = body, let value = try? JSONValue(parsing: bytes) else {
            return self
        }
        var answer = self
        answer.body = .bytes(value.serialized(pretty: true))
        return answer
    }

    static func text(_ text: String) -> APIResponse {
        APIResponse(contentType: "text/plain; charset=utf-8", body: .bytes(Array(text.utf8)))
    }
}
