import AsyncHTTPClient
import Foundation
import NIOSSL
import PolicyModel
import Testing

@testable import ControlPlane

/// Who gets in, and who may do what.
@Suite struct AccessTests {
    /// The table of the documentation, whole, against the rules: every role, verb and kind.
    @Test func theDocumentedTableIsTheTruth() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: folder.appendingPathComponent("Documentation/Access.md"), encoding: .utf8)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| ") }.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let header = try #require(rows.first)
        let roles = try header.dropFirst().map { try #require(Role(rawValue: $0)) }
        #expect(roles == Role.allCases)
        let words = ["read": AccessRules.reading, "change": AccessRules.changing, "write": AccessRules.writing, "-": []]
        var compared = 0
        func compare(_ kind: ResourceKind, _ row: [String]) throws {
            for (role, cell) in zip(roles, row.dropFirst()) {
                let expected = try cell.split(separator: ",").reduce(into: Set<String>()) { verbs, word in
                    verbs.formUnion(try #require(words[word.trimmingCharacters(in: .whitespaces)]))
                }
                for verb in AccessRules.reading.union(AccessRules.writing) {
                    let allowed = AccessRules.verbs(role, AccessRules.Subject(kind)).contains(verb)
                    #expect(allowed == expected.contains(verb), "\(role) \(verb) \(kind.resource)")
                    compared += 1
                }
            }
        }
        let byKind = Dictionary(rows.dropFirst().map { ($0[0], $0) }) { first, _ in first }
        let other = try #require(byKind["every other kind"])
        for kind in Kinds.all { try compare(kind, byKind[kind.resource] ?? other) }
        // Also the kinds of the table that are not served yet.
        for (name, row) in byKind where name.contains(".") {
            let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
            var kind = Kinds.networkPolicy
            kind.plural = parts[0]
            kind.group = parts[1]
            try compare(kind, row)
        }
        print("compared \(compared) of role, verb and kind")
        #expect(compared >= 5 * 8 * (Kinds.all.count + 11))
        let flows = try #require(byKind["flows (`bulkhead flows`)"])
        for (role, cell) in zip(roles, flows.dropFirst()) {
            #expect(AccessRules.mayRead(endpoint: "flows", role) == (cell == "read"))
            #expect(AccessRules.mayRead(endpoint: "status", role))
        }
    }

    private static func token(_ kubeconfig: String) throws -> String {
        let line = try #require(kubeconfig.split(separator: "\n").first { $0.contains("token: ") })
        return String(try #require(line.split(separator: " ").last))
    }

    /// Every role against the real server, on every verb that HTTP knows.
    @Test func rolesAreEnforcedOnReadsWritesAndWatches() async throws {
        try await RunningServer.with { (server) async throws in
            let users = UserRegistry(stateDirectory: server.stateDirectory)
            let policies = ObjectAPITests.policies
            _ = try await server.send("POST", policies, ObjectAPITests.policy("there"))
            for role in Role.allCases {
                let token = try Self.token(
                    try users.add(name: "a-\(role.rawValue)", role: role, credential: .token, now: Date()))
                let verbs = AccessRules.verbs(role, .policies)
                func status(_ method: String, _ path: String, _ body: JSONValue? = nil, type: String = "application/json")
                    async throws -> RunningServer.Answer
                {
                    try await server.send(
                        method, path, body: body?.serialized(), contentType: type, token: .some(token))
                }
                let name = "made-by-\(role.rawValue)"
                let asked: [(verb: String, answer: RunningServer.Answer)] = [
                    ("list", try await status("GET", policies)), ("get", try await status("GET", policies + "/there")),
                    ("watch", try await status("GET", policies + "?watch=1&timeoutSeconds=1&resourceVersion=1")),
                    ("create", try await status("POST", policies, ObjectAPITests.policy(name))),
                    ("update", try await status("PUT", policies + "/there", ObjectAPITests.policy("there"))),
                    (
                        "patch",
                        try await status(
                            "PATCH", policies + "/there", ["spec": ["order": 3]], type: "application/merge-patch+json")
                    ),
                    (
                        "patch",
                        try await status(
                            "PATCH", policies + "/there/status", ["status": ["a": 3]], type: "application/merge-patch+json")
                    ),
                    ("deletecollection", try await status("DELETE", policies + "?labelSelector=a%3Dnone")),
                    ("delete", try await status("DELETE", policies + "/" + name)),
                ]
                for (verb, answer) in asked {
                    #expect((answer.status == 403) == !verbs.contains(verb), "\(role) \(verb): \(answer.status)")
                    guard answer.status == 403 else { continue }
                    #expect(
                        answer.json["message"]?.stringValue?.contains(
                            "User \"a-\(role.rawValue)\" cannot \(verb) resource \"networkpolicies") == true)
                    #expect(answer.json["message"]?.stringValue?.hasSuffix("ask for the role author or admin") == true)
                }
                let flows = try await status("GET", "/apis/bulkhead.io/v1alpha1/flows?limit=1")
                #expect((flows.status == 403) == (role == .viewer))
                #expect(try await status("GET", "/api").status == 200)
            }
            #expect(users.list().map(\.name) == Role.allCases.map { "a-\($0.rawValue)" }.sorted())
        }
    }

    @Test func certificatesLetUsersInUntilTheyAreRemoved() async throws {
        try await RunningServer.with { (server) async throws in
            let users = UserRegistry(stateDirectory: server.stateDirectory)
            let kubeconfig = try users.add(name: "anna", role: .viewer, credential: .certificate, now: Date())
            #expect(kubeconfig.contains("server: \(server.ready.url)"))
            func data(_ name: String) throws -> [UInt8] {
                let line = try #require(kubeconfig.split(separator: "\n").first { $0.contains(name + ": ") })
                let text = try #require(line.split(separator: " ").last)
                let data = try #require(Data(base64Encoded: String(text)))
                return Array(data)
            }
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(try data("certificate-authority-data")))
            tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(try data("client-certificate-data")).map { .certificate($0) }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: try data("client-key-data"), format: .pem))
            var configuration = HTTPClient.Configuration()
            configuration.tlsConfiguration = tls
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            func get(_ path: String) async throws -> (status: Int, text: String) {
                let response = try await client.execute(HTTPClientRequest(url: server.ready.url + path), timeout: .seconds(20))
                return (Int(response.status.code), String(buffer: try await response.body.collect(upTo: 1 << 20)))
            }
            do {
                #expect(try await get("/api/v1/namespaces").status == 200)
                #expect(try await get("/apis/bulkhead.io/v1alpha1/flows").status == 403)
                try users.remove(name: "anna")
                let after = try await get("/api/v1/namespaces")
                #expect(after.status == 401)
                #expect(after.text.contains("belongs to no user of this server any more"))
            } catch {
                try await client.shutdown()
                throw error
            }
            try await client.shutdown()
        }
    }

    /// A responder says who a workload is. Where it is, whether it is there, and what goes with it, he does not.
    @Test func aResponderChangesNothingButLabelsOfWorkloads() async throws {
        try await RunningServer.with { (server) async throws in
            let endpoints = "/apis/projectcalico.org/v3/namespaces/default/workloadendpoints"
            let endpoint: JSONValue = [
                "metadata": ["name": "web", "labels": ["app": "web"]],
                "spec": ["node": "n", "interfaceName": "veth0", "ipNetworks": ["10.0.0.1/32"]],
            ]
            #expect(try await server.send("POST", endpoints, endpoint).status == 201)
            let registry = UserRegistry(stateDirectory: server.stateDirectory)
            let token = try Self.token(try registry.add(name: "rita", role: .responder, credential: .token, now: Date()))
            func patch(_ name: String, _ type: String, _ patch: JSONValue) async throws -> RunningServer.Answer {
                try await server.send(
                    "PATCH", "\(endpoints)/\(name)", body: patch.serialized(), contentType: "application/\(type)", token: .some(token))
            }
            let merge = "merge-patch+json"
            #expect(try await patch("web", merge, ["metadata": ["labels": ["quarantine": "true"], "annotations": ["a": "b"]]]).status == 200)
            let refused: [JSONValue] = [
                ["spec": ["ipNetworks": ["10.0.0.2/32"]]], ["spec": ["profiles": ["open"]]], ["metadata": ["finalizers": ["a.b/c"]]],
                [
                    "metadata": [
                        "ownerReferences": [["apiVersion": "v1", "kind": "ConfigMap", "name": "absent", "uid": "1"]]
                    ]
                ],
            ]
            for change in refused {
                let answer = try await patch("web", merge, change)
                #expect(answer.status == 403, "\(change): \(answer.text)")
                #expect(answer.json["message"]?.stringValue?.hasSuffix(
                    " but for labels and annotations: the role responder may not; ask for the role admin") == true)
            }
            var other = endpoint
            other["apiVersion"] = "projectcalico.org/v3"
            other["kind"] = "WorkloadEndpoint"
            other["metadata"]?["name"] = "made"
            let made = try await server.send(
                "PATCH", endpoints + "/made?fieldManager=rita", body: other.serialized(), contentType: "application/apply-patch+yaml",
                token: .some(token))
            #expect(made.status == 403 && made.json["message"]?.stringValue?.contains("cannot create") == true, "\(made.text)")
            #expect(try await server.send("GET", endpoints).json["items"]?.arrayValue?.count == 1)
        }
    }

    /// `kubectl auth whoami` and `can-i` say what the server does.
    @Test func usersMayAskWhatTheyMay() async throws {
        try await RunningServer.with { (server) async throws in
            let registry = UserRegistry(stateDirectory: server.stateDirectory)
            for role in Role.allCases {
                let token = try Self.token(
                    try registry.add(name: "a-\(role.rawValue)", role: role, credential: .token, now: Date()))
                func ask(_ group: String, _ plural: String, _ spec: JSONValue) async throws -> JSONValue {
                    let answer = try await server.send(
                        "POST", "/apis/\(group)/v1/\(plural)", body: JSONValue.object(["spec": spec]).serialized(), token: .some(token))
                    #expect(answer.status == 201, "\(answer.text)")
                    return answer.json["status"] ?? .null
                }
                let myself = try await ask("authentication.k8s.io", "selfsubjectreviews", [:])
                #expect(myself["userInfo"]?["username"] == .string("a-\(role.rawValue)"))
                var asked = 0
                for kind in Kinds.all {
                    for verb in AccessRules.reading.union(AccessRules.writing) {
                        let answer = try await ask(
                            "authorization.k8s.io", "selfsubjectaccessreviews",
                            ["resourceAttributes": ["group": .string(kind.group), "resource": .string(kind.plural), "verb": .string(verb)]])
                        let may = AccessRules.verbs(role, AccessRules.Subject(kind)).contains(verb)
                        #expect(answer["allowed"] == .bool(may), "\(role) \(verb) \(kind.resource)")
                        asked += 1
                    }
                }
                #expect(asked == 8 * Kinds.all.count)
                let questions: [(attributes: JSONValue, allowed: Bool)] = [
                    (["group": "*", "resource": "*", "verb": "*"], role == .admin), (["resource": "pods", "verb": "get"], role == .admin),
                    (["group": "*", "resource": "secrets", "verb": "get"], role == .admin),
                    (["group": "bulkhead.io", "resource": "flows", "verb": "get"], role != .viewer),
                ]
                for (attributes, allowed) in questions {
                    let answer = try await ask("authorization.k8s.io", "selfsubjectaccessreviews", ["resourceAttributes": attributes])
                    #expect(answer["allowed"] == .bool(allowed), "\(role) \(attributes)")
                }
                let rules = try await ask("authorization.k8s.io", "selfsubjectrulesreviews", ["namespace": "default"])
                let secrets = rules["resourceRules"]?.arrayValue?.contains { $0["resources"] == ["secrets"] }
                #expect(secrets == (role == .admin))
            }
            #expect(try await server.send("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", [:]).status == 422)
            #expect(try await server.send("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").status == 405)
        }
    }

    @Test func aWatchEndsWithItsUser() async throws {
        try await RunningServer.with { (server) async throws in
            let users = UserRegistry(stateDirectory: server.stateDirectory)
            let token = try Self.token(try users.add(name: "anna", role: .viewer, credential: .token, now: Date()))
            let response = try await server.client.execute(
                try server.request("GET", "/api/v1/namespaces?watch=1&timeoutSeconds=600", token: .some(token)),
                timeout: .seconds(600))
            #expect(response.status.code == 200)
            try users.remove(name: "anna")
            // Ends long before the time that the watch asked for, or this test does not end.
            for try await _ in response.body {}
        }
    }

    @Test func refusalsSayWhatToDo() async throws {
        try await RunningServer.with { (server) async throws in
            let none = try await server.send("GET", "/api", token: .some(nil))
            #expect(none.status == 401)
            #expect(none.json["message"]?.stringValue?.contains("no credentials were sent; use a kubeconfig") == true)
            let wrong = try await server.send("GET", "/api", token: .some("guess"))
            #expect(wrong.status == 401)
            #expect(wrong.json["message"]?.stringValue?.contains("bulkhead user add NAME --role ROLE") == true)
            let users = UserRegistry(stateDirectory: server.stateDirectory)
            _ = try users.add(name: "twice", role: .viewer, credential: .token, now: Date())
            #expect(throws: UserRegistry.Failure.exists("twice")) {
                try users.add(name: "twice", role: .admin, credential: .token, now: Date())
            }
            for name in ["", "../x", "a/b", "-a", ".a", "bulkhead-admin", String(repeating: "a", count: 64)] {
                #expect(throws: UserRegistry.Failure.name(name)) {
                    try users.add(name: name, role: .viewer, credential: .token, now: Date())
                }
            }
            #expect(throws: UserRegistry.Failure.unknown("nobody")) { try users.remove(name: "nobody") }
            #expect(throws: UserRegistry.Failure.noServer("/nonexistent/kubeconfig")) {
                try UserRegistry(stateDirectory: "/nonexistent").add(
                    name: "a", role: .viewer, credential: .token, now: Date())
            }
            // The folder keeps nothing that lets anybody in.
            let record = try String(contentsOfFile: server.stateDirectory + "/users/twice.json", encoding: .utf8)
            #expect(record.contains("tokenSHA256"))
        }
    }
}
