import AsyncHTTPClient
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import PolicyModel

/// Why a request failed.
public enum KubernetesError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What a server says in a `Status` object.
    public struct Status: Sendable, Hashable {
        public struct Cause: Sendable, Hashable {
            /// The path of the field; empty if none.
            public var field: String
            /// As `FieldValueInvalid`.
            public var reason: String
            public var message: String

            public init(field: String, reason: String, message: String) {
                self.field = field
                self.reason = reason
                self.message = message
            }
        }

        /// The HTTP status.
        public var code: Int
        /// As `NotFound`, `Conflict`; empty where the server gave none.
        public var reason: String
        public var message: String
        public var causes: [Cause]

        public init(code: Int, reason: String, message: String, causes: [Cause] = []) {
            self.code = code
            self.reason = reason
            self.message = message
            self.causes = causes
        }
    }

    /// The server refused the request.
    case refused(Status)
    /// No answer came; the sentence says why and what to do.
    case unreachable(String)
    /// An answer came that is not one of a Kubernetes API.
    case unexpectedAnswer(String)

    public var description: String {
        switch self {
        case .refused(let status): status.message
        case .unreachable(let sentence), .unexpectedAnswer(let sentence): sentence
        }
    }

    public var status: Status? {
        guard case .refused(let status) = self else { return nil }
        return status
    }

    public var isNotFound: Bool { status?.code == 404 }
    public var isConflict: Bool { status?.code == 409 && status?.reason != "AlreadyExists" }
    public var alreadyExists: Bool { status?.reason == "AlreadyExists" }
    /// The events that a watch asked for are no longer kept: list again.
    public var isGone: Bool { status?.code == 410 }
}

extension KubernetesError {
    /// The error that an answer with an HTTP status of 400 or more means.
    static func refusal(code: Int, body: [UInt8], server: String) -> KubernetesError {
        if let status = (try? JSONValue(parsing: body)), status["kind"]?.stringValue == "Status" {
            return .refused(Status(status, code: code))
        }
        if code == 401 { return .refused(unauthorized) }
        let text = String(decoding: body.prefix(200), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        let detail = text.isEmpty ? "" : ": \(text)"
        return .refused(Status(code: code, reason: "", message: "\(server) answered with HTTP status \(code)\(detail)"))
    }

    private static let unauthorized = Status(
        code: 401, reason: "Unauthorized", message: "Unauthorized: the server does not know this token.")

    /// The error that a failed exchange means.
    static func describe(_ error: any Error, configuration: Kubeconfig) -> any Error {
        if error is KubernetesError || error is CancellationError { return error }
        let server = configuration.server
        let file = configuration.path.isEmpty ? "" : " Its address comes from \(configuration.path)."
        switch error {
        case let error as NIOConnectionError:
            // An address needs no look-up, so without an attempt it was the name that failed.
            guard let attempt = error.connectionErrors.first else {
                return unreachable("The name of the server \(server) cannot be resolved.\(file)")
            }
            return describe(attempt.error, configuration: configuration)
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            return unreachable("Nothing listens at \(server): is `bulkhead up` running?\(file)")
        case let error as IOError:
            let reason = String(cString: strerror(error.errnoCode))
            return unreachable("The server \(server) cannot be reached: \(reason).\(file)")
        case let error as HTTPClientError where error == .connectTimeout || error == .tlsHandshakeTimeout:
            return unreachable("The server \(server) does not answer: is it running, and the network up?\(file)")
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            return unreachable("The server \(server) did not answer in time.")
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            return unreachable("The server \(server) closed the connection: was it stopped?")
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return unreachable(tlsSentence("\(error)", server: server, path: configuration.path))
        default:
            return unreachable("The request to \(server) failed: \(error).")
        }
    }

    private static func tlsSentence(_ detail: String, server: String, path: String) -> String {
        let upper = detail.uppercased()
        let file = path.isEmpty ? "the kubeconfig" : path
        if upper.contains("CERTIFICATE_VERIFY_FAILED") {
            return "The certificate of \(server) is not signed by the authority in \(file): is it the kubeconfig of this "
                + "server? A server that was set up anew has a new authority."
        }
        if upper.contains("HOSTNAME") {
            return "The certificate of \(server) is made for another name or address."
        }
        if upper.contains("WRONG_VERSION_NUMBER") || upper.contains("HTTP_REQUEST") {
            return "The server at \(server) does not speak TLS."
        }
        return "The TLS connection to \(server) failed: \(detail)."
    }
}

extension KubernetesError.Status {
    /// - Parameter code: used where the object has none.
    init(_ object: JSONValue, code: Int) {
        let causes = object["details"]?["causes"]?.arrayValue ?? []
        self.init(
            code: object["code"]?.integerValue.map(Int.init(clamping:)) ?? code,
            reason: object["reason"]?.stringValue ?? "",
            message: object["message"]?.stringValue ?? "The server refused the request with HTTP status \(code).",
            causes: causes.map {
                Cause(
                    field: $0["field"]?.stringValue ?? "", reason: $0["reason"]?.stringValue ?? "",
                    message: $0["message"]?.stringValue ?? "")
            })
    }
}
