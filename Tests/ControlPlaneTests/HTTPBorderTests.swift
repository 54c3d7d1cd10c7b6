import PolicyModel
import Testing

@testable import ControlPlane

/// What comes before any object: authentication, limits, malformed input.
@Suite struct HTTPBorderTests {
    @Test func refusesWithoutTheToken() async throws {
        try await RunningServer.with { (server) async throws in
            let guesses: [String?] = [nil, "", "wrong", String(server.token.dropLast()), server.token + "0"]
            for guess in guesses {
                let answer = try await server.send("GET", "/version", token: .some(guess))
                #expect(answer.status == 401)
                #expect(answer.json["kind"] == "Status")
                #expect(answer.json["reason"] == "Unauthorized")
            }
            #expect(try await server.send("GET", "/version").status == 200)
        }
    }

    @Test(arguments: ["{", "[]", "\"text\"", "nul", "{\"a\":1,}", "\u{0}", "{\"metadata\":[]}", ""])
    func answersMalformedBodiesWithAStatus(body: String) async throws {
        try await RunningServer.with { (server) async throws in
            for type in ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"] {
                let answer = try await server.send(
                    "POST", ObjectAPITests.policies, body: Array(body.utf8), contentType: type)
                #expect((400..<500).contains(answer.status), "\(type): \(answer.text)")
                #expect(answer.json["kind"] == "Status")
            }
            #expect(try await server.send("GET", "/healthz").text == "ok")
        }
    }

    @Test func refusesHugeBodiesAndUnknownTypes() async throws {
        try await RunningServer.with { (server) async throws in
            let huge = [UInt8](repeating: UInt8(ascii: " "), count: Limits.bodyBytes + 1)
            #expect(try await server.send("POST", ObjectAPITests.policies, body: huge).status == 413)
            let text = try await server.send("POST", ObjectAPITests.policies, body: Array("x".utf8), contentType: "text/plain")
            #expect(text.status == 415)
        }
    }

    @Test func refusesYAMLThatExplodes() async throws {
        var yaml = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        for (name, before) in zip("bcdefgh", "abcdefg") {
            let references = Array(repeating: "*\(before)", count: 10).joined(separator: ",")
            yaml += "\(name): &\(name) [\(references)]\n"
        }
        do {
            _ = try BodyDecoding.yaml(Array(yaml.utf8))
            Issue.record("a document of 100,000,000 values was accepted")
        } catch {
            #expect(error.code == 400)
        }
    }

    @Test func answersUnknownPathsAndMethods() async throws {
        try await RunningServer.with { (server) async throws in
            for path in ["/nothing", "/api/v2", "/api/v1/pods", "/apis/none", "/apis/projectcalico.org/v9/tiers", "/apis/bulkhead.io/v1alpha1/x"] {
                #expect(try await server.send("GET", path).status == 404, "\(path)")
            }
            #expect(try await server.send("PUT", "/api/v1/namespaces", [:]).status == 405)
            #expect(try await server.send("POST", "/version", [:]).status == 405)
        }
    }

    @Test func setsAnswersOutForPeople() async throws {
        try await RunningServer.with { (server) async throws in
            for path in ["/api/v1/namespaces/default", "/api/v1/namespaces", "/api/v1/namespaces/none", "/apis"] {
                let plain = try await server.send("GET", path)
                let pretty = try await server.send("GET", path + "?pretty=true")
                #expect(!plain.text.contains("\n") && pretty.text.contains("\n  \"") && pretty.json == plain.json)
                #expect(pretty.status == plain.status)
            }
        }
    }

    @Test func decodesURLs() throws {
        #expect(try HTTPFrontend.decoded("a%2Fb+%C3%A9", plusIsSpace: true) == "a/b é")
        #expect(try HTTPFrontend.decoded("a+b", plusIsSpace: false) == "a+b")
        for text: Substring in ["%zz", "%2", "%", "%ff"] {
            #expect(throws: APIFailure.self) { () throws in _ = try HTTPFrontend.decoded(text, plusIsSpace: true) }
        }
    }
}
