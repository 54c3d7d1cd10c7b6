import Crypto
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOSSL

/// Between the HTTP library and the router.
struct HTTPFrontend: HTTPResponder {
    struct Context: RequestContext {
        var coreContext: CoreRequestContextStorage
        /// The connection, to be closed when its reader is too slow.
        let channel: any Channel

        init(source: ApplicationRequestContextSource) {
            coreContext = .init(source: source)
            channel = source.channel
        }
    }

    let router: APIRouter
    let requests: RequestCounts
    let logger: Logger
    var bodySeconds = Limits.bodySeconds
    let bodies = BodyBudget()

    static let cacheControl = "no-cache, private"

    func respond(to request: Request, context: Context) async throws -> Response {
        let answer: APIResponse
        let start = ContinuousClock.now
        do {
            var translation = try translated(request)
            if translation.authorization == nil {
                translation.certificateDigest = await Self.certificateDigest(context.channel)
            }
            var charged = 0
            defer { bodies.giveBack(charged) }
            if translation.method != .get && translation.method != .head {
                // Strangers' bodies are not even read.
                try router.authenticate(translation)
                let collected = try await body(request)
                charged = collected.charged
                translation.body = collected.bytes
            }
            answer = requests.watching(translation, await router.respond(to: translation))
        } catch let failure as APIFailure {
            answer = failure.response
        }
        requests.answered(request.method.rawValue, code: answer.status, after: start.duration(to: .now))
        logger.debug(
            "request",
            metadata: [
                "method": "\(request.method.rawValue)", "path": "\(request.head.path ?? "")", "status": "\(answer.status)",
            ])
        return response(answer, to: request, channel: context.channel)
    }

    private func translated(_ request: Request) throws -> APIRequest {
        guard let method = APIRequest.Method(rawValue: request.method.rawValue) else {
            throw APIFailure.methodNotAllowed(request.method.rawValue)
        }
        let target = request.head.path ?? "/"
        let pieces = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = try pieces[0].split(separator: "/").map { try Self.decoded($0, plusIsSpace: false) }
        let query = try (pieces.count > 1 ? pieces[1] : "").split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (
                name: try Self.decoded(parts[0], plusIsSpace: true),
                value: parts.count > 1 ? try Self.decoded(parts[1], plusIsSpace: true) : ""
            )
        }
        var translated = APIRequest(
            method: method, path: path, query: query, accept: request.headers[.accept] ?? "",
            contentType: MediaRange(request.headers[.contentType] ?? "").type,
            authorization: request.headers[.authorization], body: [])
        translated.userAgent = request.headers[.userAgent] ?? ""
        translated.impersonates = request.headers.contains { $0.name.canonicalName.hasPrefix(APIRequest.impersonationPrefix) }
        return translated
    }

    /// Of the certificate that the client proved to have; the handshake refused every one that is not our authority's.
    private static func certificateDigest(_ channel: any Channel) async -> String? {
        let bytes = try? await channel.nioSSL_peerCertificate().flatMapThrowing { try $0?.toDERBytes() }.get()
        return bytes.flatMap { $0 }.map { Hexadecimal.text(SHA256.hash(data: $0)) }
    }

    private func body(_ request: Request) async throws -> BodyCollector.Collected {
        let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        guard length <= Limits.bodyBytes else { throw APIFailure.bodyTooLarge }
        return try await BodyCollector(budget: bodies, seconds: bodySeconds).collect(request.body, length: max(0, length))
    }

    static func decoded(_ text: Substring, plusIsSpace: Bool) throws(APIFailure) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+"), plusIsSpace {
                bytes.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%") {
                guard rest.count >= 2, let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                    throw .badRequest("the URL is not percent-encoded correctly: \(text)")
                }
                rest = rest.dropFirst(2)
                bytes.append(code)
            } else {
                bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .badRequest("the URL is not UTF-8: \(text)")
        }
        return decoded
    }

    private func response(_ answer: APIResponse, to request: Request, channel: any Channel) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = answer.contentType
        headers[.cacheControl] = Self.cacheControl
        for header in answer.headers {
            if let name = HTTPField.Name(header.name) { headers[name] = header.value }
        }
        if let name = HTTPField.Name("Warning") {
            for warning in answer.warnings {
                headers.append(HTTPField(name: name, value: "299 - \"\(Self.quoted(warning))\""))
            }
        }
        let status = HTTPResponse.Status(code: answer.status)
        switch answer.body {
        case .bytes(let bytes):
            let response = Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
            return request.method == .head ? response.createHeadResponse() : response
        case .stream(let produce):
            if request.method == .head { return Response(status: status, headers: headers) }
            // The library closes the connection when a stream ends; the client must know before.
            headers[.connection] = "close"
            let body = request.body
            return Response(
                status: status, headers: headers,
                body: ResponseBody { writer in
                    try await StreamDelivery(produce: produce, channel: channel).run(requestBody: body, writer: &writer)
                    try await writer.finish(nil)
                })
        }
    }

    /// Header text may hold no control characters; quotes and backslashes are escaped (RFC 9110, 5.6.4).
    private static func quoted(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars where scalar.value >= 32 && scalar.value != 127 {
            if scalar == "\"" || scalar == "\\" { result.append("\\") }
            result.unicodeScalars.append(scalar)
        }
        return result
    }
}
