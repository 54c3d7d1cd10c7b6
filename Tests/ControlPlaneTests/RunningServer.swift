import AsyncHTTPClient
import Datastore
import FlowLogs
import Foundation
import Logging
import NIOCore
import NIOFoundationCompat
import NIOSSL
import PolicyModel
import Synchronization
import Testing

@testable import ControlPlane

/// A server with a real store on a free port, and an HTTPS client that trusts its authority.
struct RunningServer: Sendable {
    struct Answer: Sendable {
        var status: Int
        var headers: [(String, String)]
        var body: [UInt8]

        var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    let ready: APIServer.Ready
    let client: HTTPClient
    let token: String
    let stateDirectory: String
    let node: RecordedNode
    let flows: SQLiteFlowStore
    let store: SQLiteStore

    static func with(
        stateDirectory: String? = nil, listenAddress: String = "127.0.0.1:0", logger: Logger? = nil,
        headSeconds: Double = Limits.headSeconds, bodySeconds: Double = Limits.bodySeconds,
        _ body: @escaping @Sendable (RunningServer) async throws -> Void
    ) async throws {
        let directory =
            stateDirectory ?? FileManager.default.temporaryDirectory.path + "/bulkhead-api-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { if stateDirectory == nil { try? FileManager.default.removeItem(atPath: directory) } }
        let store = try SQLiteStore(path: directory + "/store.sqlite")
        let node = RecordedNode()
        let flows = try SQLiteFlowStore(path: directory + "/flows.sqlite")
        var standard = Logger(label: "test")
        standard.logLevel = ProcessInfo.processInfo.environment["BULKHEAD_API_SERVE"] == nil ? .warning : .debug
        var configuration = APIServer.Configuration(stateDirectory: directory, listenAddress: listenAddress)
        configuration.headSeconds = headSeconds
        configuration.bodySeconds = bodySeconds
        let server = APIServer(
            configuration: configuration, store: store, node: node, flows: flows, logger: logger ?? standard)
        let (readiness, announce) = AsyncStream.makeStream(of: APIServer.Ready.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { announce.finish() }
                try await server.run { announce.yield($0) }
            }
            var iterator = readiness.makeAsyncIterator()
            guard let ready = await iterator.next() else {
                try await group.waitForAll()
                return
            }
            let authority = try NIOSSLCertificate.fromPEMFile(directory + "/ca.crt")
            var configuration = HTTPClient.Configuration()
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .certificates(authority)
            configuration.tlsConfiguration = tls
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            let token = try String(contentsOfFile: directory + "/admin.token", encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let running = RunningServer(
                ready: ready, client: client, token: token, stateDirectory: directory, node: node, flows: flows,
                store: store)
            do {
                try await body(running)
            } catch {
                group.cancelAll()
                try await client.shutdown()
                throw error
            }
            // The server ends first: it must not need its clients to go.
            group.cancelAll()
            try await group.waitForAll()
            try await client.shutdown()
        }
        try store.close()
    }

    /// Begins to read `path`, stops the server while the answer is open, and returns the answer's status.
    static func responseLeftOpen(_ path: String) async throws -> Int {
        let held = Mutex<HTTPClientResponse?>(nil)
        try await with { server in
            let response = try await server.client.execute(try server.request("GET", path), timeout: .seconds(30))
            held.withLock { $0 = response }
        }
        return held.withLock { Int($0?.status.code ?? 0) }
    }

    func request(
        _ method: String, _ path: String, body: [UInt8]? = nil, contentType: String = "application/json",
        accept: String = "application/json", token: String?? = nil
    ) throws -> HTTPClientRequest {
        var request = HTTPClientRequest(url: ready.url + path)
        request.method = .init(rawValue: method)
        request.headers.add(name: "Accept", value: accept)
        if let token = token ?? self.token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "Content-Type", value: contentType)
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        return request
    }

    func send(
        _ method: String, _ path: String, body: [UInt8]? = nil, contentType: String = "application/json",
        accept: String = "application/json", token: String?? = nil
    ) async throws -> Answer {
        let response = try await client.execute(
            try request(method, path, body: body, contentType: contentType, accept: accept, token: token),
            timeout: .seconds(30))
        let buffer = try await response.body.collect(upTo: 64 * 1024 * 1024)
        return Answer(
            status: Int(response.status.code), headers: response.headers.map { ($0.name.lowercased(), $0.value) },
            body: Array(buffer.readableBytesView))
    }

    func send(_ method: String, _ path: String, _ value: JSONValue, contentType: String = "application/json") async throws
        -> Answer
    {
        try await send(method, path, body: value.serialized(), contentType: contentType)
    }

    /// The first `count` lines of a streaming answer.
    func lines(_ path: String, accept: String = "application/json", count: Int, whileRunning: @Sendable () async throws -> Void = {})
        async throws -> [JSONValue]
    {
        let response = try await client.execute(try request("GET", path, accept: accept), timeout: .seconds(30))
        try await whileRunning()
        var lines: [JSONValue] = []
        var rest: [UInt8] = []
        for try await buffer in response.body {
            rest += Array(buffer.readableBytesView)
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                lines.append(try JSONValue(parsing: rest[..<end]))
                rest.removeFirst(end + 1)
            }
            if lines.count >= count { break }
        }
        return lines
    }
}
