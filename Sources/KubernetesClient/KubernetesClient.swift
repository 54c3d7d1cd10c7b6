import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import PolicyModel

/// A client of the Kubernetes API: objects are `JSONValue`s, kinds are `ResourceKind`s.
///
/// Copies share their connections. Errors are `KubernetesError`s, whose description is a sentence for a person.
public struct KubernetesClient: Sendable {
    public enum PatchType: String, Sendable {
        case merge = "application/merge-patch+json"
        case strategic = "application/strategic-merge-patch+json"
        case json = "application/json-patch+json"
        case apply = "application/apply-patch+yaml"
    }

    /// How long a request may take that is not a stream.
    public static let defaultTimeoutSeconds: Int64 = 30
    /// How long connecting may take.
    public static let connectTimeoutSeconds: Int64 = 10
    /// An answer that is larger means that something is wrong; a list of 100,000 objects has some 200 MB.
    public static let maximumAnswerBytes = 512 * 1024 * 1024

    public let configuration: Kubeconfig
    /// Told what a server warns of (RFC 7234, `Warning: 299`), a sentence each.
    public var warn: @Sendable (String) -> Void = { _ in }
    private let connection: SharedConnection
    private let timeoutSeconds: Int64

    /// - Throws: `KubeconfigError` when a certificate or key cannot be read.
    public init(
        _ configuration: Kubeconfig, timeoutSeconds: Int64 = KubernetesClient.defaultTimeoutSeconds
    ) throws(KubeconfigError) {
        self.configuration = configuration
        self.timeoutSeconds = timeoutSeconds
        connection = SharedConnection(tls: try Self.tls(configuration))
    }

    // MARK: Objects

    /// - Parameter namespace: nil or empty for kinds without one.
    public func get(_ kind: ResourceKind, namespace: String? = nil, name: String) async throws -> JSONValue {
        try await request(.GET, Self.path(kind, namespace: namespace, name: name))
    }

    /// The list object: `items`, `metadata.resourceVersion`.
    ///
    /// - Parameter namespace: nil: of all namespaces.
    public func list(
        _ kind: ResourceKind, namespace: String? = nil, query: [String: String] = [:]
    ) async throws -> JSONValue {
        try await request(.GET, Self.path(kind, namespace: namespace), query: query)
    }

    public func create(
        _ kind: ResourceKind, namespace: String? = nil, object: JSONValue, query: [String: String] = [:]
    ) async throws -> JSONValue {
        try await request(.POST, Self.path(kind, namespace: namespace), query: query, body: object.serialized())
    }

    public func update(
        _ kind: ResourceKind, namespace: String? = nil, name: String, object: JSONValue, query: [String: String] = [:]
    ) async throws -> JSONValue {
        let path = Self.path(kind, namespace: namespace, name: name)
        return try await request(.PUT, path, query: query, body: object.serialized())
    }

    public func patch(
        _ kind: ResourceKind, namespace: String? = nil, name: String, patch: JSONValue, type: PatchType = .merge,
        query: [String: String] = [:]
    ) async throws -> JSONValue {
        try await request(
            .PATCH, Self.path(kind, namespace: namespace, name: name), query: query, body: patch.serialized(),
            contentType: type.rawValue)
    }

    /// The `Status`, or the object where the server answers with it.
    @discardableResult
    public func delete(
        _ kind: ResourceKind, namespace: String? = nil, name: String, options: JSONValue? = nil,
        query: [String: String] = [:]
    ) async throws -> JSONValue {
        let path = Self.path(kind, namespace: namespace, name: name)
        return try await request(.DELETE, path, query: query, body: options?.serialized())
    }

    // MARK: Anything else

    /// The bytes of a GET of any path.
    public func raw(_ path: String, query: [String: String] = [:]) async throws -> [UInt8] {
        try await exchange(.GET, path, query: query, body: nil, contentType: Self.json)
    }

    /// The lines of a GET that goes on, such as a watch; errors of the server are thrown here, before the first line.
    public func lines(
        _ path: String, query: [String: String] = [:], accept: String = "application/json"
    ) async throws -> LineSequence {
        do {
            var request = try makeRequest(.GET, path, query: query, body: nil, contentType: Self.json)
            request.headers.replaceOrAdd(name: "Accept", value: accept)
            let response = try await connection.client.execute(request, deadline: .distantFuture)
            if response.status.code >= 400 {
                let body = try await Self.collect(response, server: configuration.server)
                throw KubernetesError.refusal(
                    code: Int(response.status.code), body: body, server: configuration.server)
            }
            return LineSequence(body: response.body, configuration: configuration)
        } catch {
            throw KubernetesError.describe(error, configuration: configuration)
        }
    }

    /// One exchange of JSON with any path.
    ///
    /// - Parameter waitSeconds: how long the server may take beyond the client's own limit, because it was asked to wait.
    public func request(
        _ method: HTTPMethod, _ path: String, query: [String: String] = [:], body: [UInt8]? = nil,
        contentType: String = "application/json", accept: String = "application/json", waitSeconds: Double = 0
    ) async throws -> JSONValue {
        let answer = try await exchange(
            method, path, query: query, body: body, contentType: contentType, accept: accept, waitSeconds: waitSeconds)
        do {
            return try JSONValue(parsing: answer)
        } catch {
            throw KubernetesError.unexpectedAnswer(
                "\(configuration.server)\(path) answered with something that is not JSON (\(error)).")
        }
    }

    /// `/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME`, escaped.
    public static func path(_ kind: ResourceKind, namespace: String? = nil, name: String? = nil) -> String {
        var parts = kind.group.isEmpty ? ["api", kind.version] : ["apis", kind.group, kind.version]
        if kind.namespaced, let namespace, !namespace.isEmpty { parts += ["namespaces", namespace] }
        parts.append(kind.plural)
        if let name { parts.append(name) }
        return parts.map { "/" + escape($0) }.joined()
    }

    // MARK: Parts

    private static let json = "application/json"

    private func exchange(
        _ method: HTTPMethod, _ path: String, query: [String: String], body: [UInt8]?, contentType: String,
        accept: String = json, waitSeconds: Double = 0
    ) async throws -> [UInt8] {
        do {
            var request = try makeRequest(method, path, query: query, body: body, contentType: contentType)
            request.headers.replaceOrAdd(name: "Accept", value: accept)
            let response = try await connection.client.execute(
                request, timeout: .seconds(timeoutSeconds) + .milliseconds(Int64(waitSeconds * 1000)))
            let answer = try await Self.collect(response, server: configuration.server)
            for warning in response.headers["Warning"] { warn(Self.text(ofWarning: warning)) }
            guard response.status.code < 400 else {
                throw KubernetesError.refusal(
                    code: Int(response.status.code), body: answer, server: configuration.server)
            }
            return answer
        } catch {
            throw KubernetesError.describe(error, configuration: configuration)
        }
    }

    /// `299 - "text"`, with `\"` and `\\` inside.
    static func text(ofWarning header: String) -> String {
        guard let start = header.firstIndex(of: "\""), let end = header.lastIndex(of: "\""), start < end else { return header }
        var text = ""
        var isEscaped = false
        for character in header[header.index(after: start)..<end] {
            isEscaped = character == "\\" && !isEscaped
            if !isEscaped { text.append(character) }
        }
        return text
    }

    private static func collect(_ response: HTTPClientResponse, server: String) async throws -> [UInt8] {
        do {
            var body = try await response.body.collect(upTo: maximumAnswerBytes)
            return body.readBytes(length: body.readableBytes) ?? []
        } catch is NIOTooManyBytesError {
            throw KubernetesError.unexpectedAnswer("\(server) answered with more than \(maximumAnswerBytes) bytes.")
        }
    }

    private func makeRequest(
        _ method: HTTPMethod, _ path: String, query: [String: String], body: [UInt8]?, contentType: String
    ) throws -> HTTPClientRequest {
        let parameters = query.sorted { $0.key < $1.key }.map { "\(Self.escape($0.key))=\(Self.escape($0.value))" }
        let suffix = parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
        var request = HTTPClientRequest(url: configuration.server + path + suffix)
        request.method = method
        request.headers.add(name: "Accept", value: Self.json)
        request.headers.add(name: "User-Agent", value: "bulkhead")
        if let token = configuration.token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "Content-Type", value: contentType)
            request.body = .bytes(body)
        }
        return request
    }

    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

    private static func escape(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? text
    }

    private static func tls(_ configuration: Kubeconfig) throws(KubeconfigError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if configuration.skipsVerification { tls.certificateVerification = .none }
        if let pem = configuration.authorityPEM {
            tls.trustRoots = .certificates(try certificates(pem, "certificate-authority", configuration))
        }
        if let certificate = configuration.clientCertificatePEM, let key = configuration.clientKeyPEM {
            tls.certificateChain = try certificates(certificate, "client-certificate", configuration).map { .certificate($0) }
            do {
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
            } catch {
                throw KubeconfigError("The kubeconfig \(configuration.path) has a client-key that is not a key in PEM.")
            }
        }
        return tls
    }

    private static func certificates(
        _ pem: String, _ name: String, _ configuration: Kubeconfig
    ) throws(KubeconfigError) -> [NIOSSLCertificate] {
        do {
            let found = try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8))
            if !found.isEmpty { return found }
        } catch {}
        throw KubeconfigError("The kubeconfig \(configuration.path) has a \(name) that holds no certificate in PEM.")
    }
}

/// Connections that end with their last user.
private final class SharedConnection: Sendable {
    let client: HTTPClient

    init(tls: TLSConfiguration) {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(KubernetesClient.connectTimeoutSeconds)))
        // A server that is not there is to be named at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit {
        // Keeps the client alive until it is done; nobody is left to hear of a failure.
        client.shutdown { _ in }
    }
}
