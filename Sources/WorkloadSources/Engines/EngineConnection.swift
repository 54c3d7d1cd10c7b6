import AsyncHTTPClient
import Foundation
import NIOCore
import PolicyModel

/// Docker's HTTP API over its unix socket, which podman's service speaks too (Docker Engine API v1.40).
struct EngineConnection: Sendable {
    /// Every engine since Docker 19.03 and podman 3 knows it.
    private static let version = "/v1.40"
    private static let timeoutSeconds: Int64 = 20
    /// Thousands of containers have some megabytes.
    private static let maximumAnswerBytes = 64 * 1024 * 1024

    let socketPath: String
    let client: HTTPClient

    /// What an answer other than success said.
    struct Refusal: Error, CustomStringConvertible {
        var status: UInt
        var description: String
    }

    func get(_ path: String, query: [String: String] = [:]) async throws -> JSONValue {
        let response = try await client.execute(try request(path, query), timeout: .seconds(Self.timeoutSeconds))
        var body = try await response.body.collect(upTo: Self.maximumAnswerBytes)
        let bytes = body.readBytes(length: body.readableBytes) ?? []
        guard response.status.code < 400 else {
            let message = (try? JSONValue(parsing: bytes))?["message"]?.stringValue
            throw Refusal(status: response.status.code, description: message ?? "\(path) answered with \(response.status.code)")
        }
        return try JSONValue(parsing: bytes)
    }

    /// Everything that happens from now on, an object each; ends when the engine ends.
    func events() async throws -> AsyncThrowingStream<JSONValue, any Error> {
        let filters = JSONValue.object(["type": ["container", "network"]]).text()
        let response = try await client.execute(
            try request("/events", ["filters": filters]), deadline: .distantFuture)
        guard response.status.code < 400 else {
            throw Refusal(status: response.status.code, description: "/events answered with \(response.status.code)")
        }
        return AsyncThrowingStream { continuation in
            let reading = Task {
                do {
                    var rest: [UInt8] = []
                    for try await var chunk in response.body {
                        rest += chunk.readBytes(length: chunk.readableBytes) ?? []
                        while let end = rest.firstIndex(of: 0x0a) {
                            let line = Array(rest[..<end])
                            rest.removeSubrange(...end)
                            if !line.isEmpty { continuation.yield(try JSONValue(parsing: line)) }
                        }
                        guard rest.count <= Self.maximumAnswerBytes else {
                            throw WorkloadSourceError("The engine at \(socketPath) sent an event without an end.")
                        }
                    }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in reading.cancel() }
        }
    }

    private func request(_ path: String, _ query: [String: String]) throws -> HTTPClientRequest {
        let unreserved = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        func escape(_ text: String) -> String { text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? text }
        let parameters = query.sorted { $0.key < $1.key }.map { "\(escape($0.key))=\(escape($0.value))" }.joined(separator: "&")
        var request = HTTPClientRequest(
            url: "http+unix://\(escape(socketPath))\(Self.version)\(path)" + (parameters.isEmpty ? "" : "?\(parameters)"))
        request.headers.add(name: "Host", value: "localhost")
        return request
    }
}
