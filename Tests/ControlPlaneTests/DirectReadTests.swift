import Datastore
import Foundation
import PolicyModel
import Testing

@testable import ControlPlane

/// Gets that are answered before the HTTP library sees them.
@Suite struct DirectReadTests {
    private static func get(_ path: String, _ server: RunningServer, token: String? = nil, _ headers: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(token ?? server.token)\r\n\(headers)\r\n"
    }

    /// The short way and the long one give the same; a query takes the long one.
    @Test func answersLikeTheRouter() async throws {
        try await RunningServer.with { (server) async throws in
            #expect(try await server.send("POST", ObjectAPITests.policies, ObjectAPITests.policy("web")).status == 201)
            for path in [ObjectAPITests.policies + "/web", "/api/v1/namespaces/default", "/apis/projectcalico.org/v3/tiers/default"] {
                let requests = [path + "?long=1", path, path].map { Self.get($0, server) }.joined()
                let answers = try await RawConnection.exchange(server, [requests], count: 3).answers
                #expect(answers.map(\.status) == [200, 200, 200])
                #expect(Set(answers.map(\.body)).count == 1)
                for header in ["content-type", "content-length", "cache-control", "server"] {
                    #expect(Set(answers.map { $0.header(header) }).count == 1, "\(header)")
                }
                for answer in answers { #expect(answer.header("date")?.hasSuffix(" GMT") == true) }
            }
        }
    }

    /// Whatever goes which way, answers come in the order of the requests.
    @Test func keepsTheOrderOfRequests() async throws {
        try await RunningServer.with { (server) async throws in
            let known = "/api/v1/namespaces/default"
            let paths = (0..<60).map { [known, "/version", known, known + "?a=b", "/api/v1/namespaces/none", known][$0 % 6] }
            let answers = try await RawConnection.exchange(
                server, [paths.map { Self.get($0, server) }.joined()], count: paths.count
            ).answers
            for (path, answer) in zip(paths, answers) {
                switch path {
                case "/version": #expect(answer.json["minor"] == "37")
                case "/api/v1/namespaces/none": #expect(answer.status == 404)
                default: #expect(answer.json["kind"] == "Namespace")
                }
            }
            #expect(answers.count == paths.count)
        }
    }

    /// What is in memory for one is not for everybody.
    @Test func asksWhoIsAsking() async throws {
        try await RunningServer.with { (server) async throws in
            let path = "/api/v1/namespaces/default/secrets/key"
            let secret: JSONValue = [
                "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "key"], "data": ["a": "Yg=="],
            ]
            #expect(try await server.send("POST", "/api/v1/namespaces/default/secrets", secret).status == 201)
            let registry = UserRegistry(stateDirectory: server.stateDirectory)
            let text = try registry.add(name: "eve", role: .viewer, credential: .token, now: Date())
            let token = try #require(text.split(separator: "token: ").last?.split(separator: "\n").first).description
            let space = "/api/v1/namespaces/default"
            let requests = [
                Self.get(path, server), Self.get(path, server), Self.get(path, server, token: token),
                Self.get(path, server, token: "unknown"), Self.get(space, server, token: token),
                "GET \(space) HTTP/1.1\r\nHost: x\r\n\r\n",
            ]
            let answers = try await RawConnection.exchange(server, [requests.joined()], count: 6).answers
            #expect(answers.map(\.status) == [200, 200, 403, 401, 200, 401])
            try registry.remove(name: "eve")
            let later = try await RawConnection.exchange(server, [Self.get(space, server, token: token)], count: 1).answers
            #expect(later.map(\.status) == [401])
        }
    }

    /// A change is seen by the next get, also one that was sent before the change was answered to somebody else.
    /// `kubectl --as`: nobody gets more or less than is his by asking as somebody else.
    @Test func doesNotActAsOthers() async throws {
        try await RunningServer.with { (server) async throws in
            let path = "/api/v1/namespaces/default"
            let headers = ["Impersonate-User: eve\r\n", "impersonate-group: system:masters\r\n", "Impersonate-Extra-scopes: all\r\n"]
            let requests = headers.flatMap { [Self.get(path, server, token: nil, $0), Self.get(path + "?a=b", server, token: nil, $0)] }
                .joined() + Self.get(path, server)
            let answers = try await RawConnection.exchange(server, [requests], count: 7).answers
            #expect(answers.map(\.status) == [403, 403, 403, 403, 403, 403, 200])
            #expect(answers.first?.json["message"]?.stringValue?.contains("Impersonate-User") == true)
        }
    }

    @Test func followsWrites() async throws {
        try await RunningServer.with { (server) async throws in
            let path = ObjectAPITests.policies + "/web"
            #expect(try await server.send("POST", ObjectAPITests.policies, ObjectAPITests.policy("web")).status == 201)
            for order in 1...20 {
                #expect(try await server.send("GET", path).status == 200)
                let spec: JSONValue = ["selector": "all()", "order": .integer(Int64(order))]
                #expect(try await server.send("PUT", path, ObjectAPITests.policy("web", spec: spec)).status == 200)
                #expect(try await server.send("GET", path).json["spec"]?["order"] == .integer(Int64(order)))
            }
            #expect(try await server.send("DELETE", path).status == 200)
            #expect(try await server.send("GET", path).status == 404)
        }
    }

    @Test(.timeLimit(.minutes(1))) func aHeadThatDoesNotArriveIsRefusedWithAStatus() async throws {
        try await RunningServer.with(headSeconds: 0.3) { (server) async throws in
            let known = Self.get("/api/v1/namespaces/default", server)
            // Known ones are answered at once, others by the library; what begins comes later, or with the request before.
            let other = Self.get("/version", server)
            for parts in [
                ["GET /version HTTP/1.1\r\nHo"], [known, "G"], [known + known, "POST /"], [known + "G"], [known + known + "POST / HTTP/1.1\r\n"],
                [other + "G"], [other, "GET / HTTP/1.1\r\n"], [other + known + "P"],
            ] {
                let (answers, isClosed) = try await RawConnection.exchange(
                    server, parts, pause: .milliseconds(50), count: 1, untilClosed: true)
                #expect(isClosed)
                let last = try #require(answers.last)
                #expect(last.status == 408 && last.json["kind"] == "Status" && last.json["reason"] == "Timeout")
                #expect(last.json["message"] == "the request line and the headers did not arrive within 0.3 s")
                #expect(last.header("connection") == "close")
                #expect(answers.dropLast().allSatisfy { $0.status == 200 })
            }
        }
    }

    @Test func aBodyThatDoesNotArriveIsRefusedWithAStatus() async throws {
        try await RunningServer.with(bodySeconds: 0.3) { (server) async throws in
            let head =
                "POST \(ObjectAPITests.policies) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(server.token)\r\n"
                + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
            let (answers, isClosed) = try await RawConnection.exchange(server, [head], count: 1, untilClosed: true)
            #expect(isClosed)
            #expect(answers.map(\.status) == [408])
            #expect(answers.last?.json["message"] == "the request body did not arrive within 0.3 s")
            #expect(try await server.send("GET", "/healthz").text == "ok")
        }
    }

    @Test func datesAreThoseOfHTTP() {
        #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.text(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
    }
}
