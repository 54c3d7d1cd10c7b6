import Datastore
import Foundation
import PolicyModel
import Testing

@testable import ControlPlane

/// `limit`, `continue`, `resourceVersion` and `resourceVersionMatch`.
@Suite struct ListTests {
    private static func fill(_ server: RunningServer, _ count: Int) async throws {
        for number in 0..<count {
            var policy = ObjectAPITests.policy("p\(number)")
            policy["metadata"]?["labels"] = ["parity": .string(number % 2 == 0 ? "even" : "odd")]
            #expect(try await server.send("POST", ObjectAPITests.policies, policy).status == 201)
        }
    }

    private static func names(_ list: JSONValue) -> [String] {
        list["items"]?.arrayValue?.compactMap { $0["metadata"]?["name"]?.stringValue } ?? []
    }

    @Test func pagesAreOfOneRevision() async throws {
        try await RunningServer.with { (server) async throws in
            try await Self.fill(server, 7)
            var answer = try await server.send("GET", ObjectAPITests.policies + "?limit=3")
            let revision = answer.json["metadata"]?["resourceVersion"]
            #expect(answer.json["metadata"]?["remainingItemCount"] == 4)
            var names = Self.names(answer.json)
            _ = try await server.send("DELETE", ObjectAPITests.policies + "/p5")
            _ = try await server.send("POST", ObjectAPITests.policies, ObjectAPITests.policy("p55"))
            while let token = answer.json["metadata"]?["continue"]?.stringValue {
                answer = try await server.send("GET", ObjectAPITests.policies + "?limit=3&continue=\(token)")
                #expect(answer.json["metadata"]?["resourceVersion"] == revision)
                names += Self.names(answer.json)
            }
            #expect(names == ["p0", "p1", "p2", "p3", "p4", "p5", "p6"])
        }
    }

    @Test func pagesWithSelectorsHoldWhatIsSelected() async throws {
        try await RunningServer.with { (server) async throws in
            try await Self.fill(server, 8)
            let first = try await server.send("GET", ObjectAPITests.policies + "?limit=3&labelSelector=parity%3Dodd")
            #expect(Self.names(first.json) == ["p1", "p3", "p5"])
            #expect(first.json["metadata"]?["remainingItemCount"] == nil)
            let token = try #require(first.json["metadata"]?["continue"]?.stringValue)
            let second = try await server.send(
                "GET", ObjectAPITests.policies + "?limit=3&labelSelector=parity%3Dodd&continue=\(token)")
            #expect(Self.names(second.json) == ["p7"])
            #expect(second.json["metadata"]?["continue"] == nil)
        }
    }

    @Test func readsAsItWas() async throws {
        try await RunningServer.with { (server) async throws in
            try await Self.fill(server, 2)
            let then = try #require(
                try await server.send("GET", ObjectAPITests.policies).json["metadata"]?["resourceVersion"]?.stringValue)
            _ = try await server.send("DELETE", ObjectAPITests.policies + "/p0")
            let exact = try await server.send(
                "GET", ObjectAPITests.policies + "?resourceVersion=\(then)&resourceVersionMatch=Exact")
            #expect(Self.names(exact.json) == ["p0", "p1"])
            #expect(exact.json["metadata"]?["resourceVersion"]?.stringValue == then)
            let newer = try await server.send(
                "GET", ObjectAPITests.policies + "?resourceVersion=\(then)&resourceVersionMatch=NotOlderThan")
            #expect(Self.names(newer.json) == ["p1"])
        }
    }

    @Test(arguments: [
        ("?resourceVersionMatch=Exact", 422), ("?resourceVersion=0&resourceVersionMatch=Exact", 422),
        ("?resourceVersion=1&resourceVersionMatch=Newest", 422), ("?resourceVersion=x", 400), ("?limit=-1", 400),
        ("?continue=nonsense", 400), ("?resourceVersion=999999", 504),
        ("?resourceVersion=999999&resourceVersionMatch=Exact", 504), ("?sendInitialEvents=true", 422),
        ("?watch=1&sendInitialEvents=true", 422), ("?watch=1&resourceVersionMatch=NotOlderThan", 422),
        ("?watch=1&resourceVersion=999999", 504), ("/p0?resourceVersion=999999", 504), ("/p0?resourceVersion=1", 200),
        ("?resourceVersion=0&limit=1", 200),
    ])
    func theRulesOfResourceVersions(query: String, status: Int) async throws {
        try await RunningServer.with { (server) async throws in
            try await Self.fill(server, 1)
            let answer = try await server.send("GET", ObjectAPITests.policies + query)
            #expect(answer.status == status, "\(answer.text)")
            if status != 200 { #expect(answer.json["kind"] == "Status") }
            if status == 504 {
                #expect(answer.json["details"]?["causes"]?.arrayValue?.first?["reason"] == "ResourceVersionTooLarge")
            }
        }
    }

    /// A page that is asked for after its revision was compacted: 410 with a token to go on all the same.
    @Test func anExpiredTokenSaysHowToGoOn() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/bulkhead-list-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try SQLiteStore(path: folder + "/store.sqlite", loggedEvents: 10)
        func key(_ number: Int) -> StoreKey { StoreKey(resource: Kinds.tier.resource, namespace: "", name: "t\(number)") }
        for number in 0..<5 { _ = try await store.create(key(number), value: ["metadata": ["name": .string("t\(number)")]]) }
        let lister = ObjectLister(store: store)
        func request(_ query: [(name: String, value: String)]) throws -> ListRequest {
            try ListRequest(APIRequest(method: .get, path: [], query: query), kind: Kinds.tier)
        }
        let first = try await lister.list(Kinds.tier, namespace: nil, try request([("limit", "2")]))
        let token = try #require(first.next?.text)
        for _ in 0..<(2 * StoreLimits.writesBetweenCompactions) {
            _ = try await store.update(key(0), value: ["metadata": ["name": "t0"]], expected: nil)
        }
        let expired = await #expect(throws: APIFailure.self) {
            _ = try await lister.list(Kinds.tier, namespace: nil, try request([("limit", "2"), ("continue", token)]))
        }
        #expect(expired?.code == 410)
        #expect(expired?.reason == "Expired")
        let fresh = try #require(expired?.status["metadata"]?["continue"]?.stringValue)
        let rest = try await lister.list(Kinds.tier, namespace: nil, try request([("limit", "9"), ("continue", fresh)]))
        #expect(try rest.values().compactMap { $0["metadata"]?["name"]?.stringValue } == ["t2", "t3", "t4"])
    }

    /// A bookmark moves on with what does not concern the watch, and never behind what was sent.
    @Test func bookmarksMoveOn() async throws {
        try await RunningServer.with { (server) async throws in
            try await Self.fill(server, 1)
            let start = try await server.store.revision()
            let stream = WatchStream(
                store: server.store,
                request: .init(
                    kind: Kinds.networkPolicy, namespace: "default", labels: try LabelRequirements(""),
                    fields: try FieldRequirements(""), after: start, announceInitialEnd: false, bookmarks: true,
                    timeoutSeconds: 1, bookmarkSeconds: 0.2, form: ObjectForm(plain: Kinds.networkPolicy)))
            let (sink, chunks) = LineSink.make()
            let namespace: JSONValue = ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "other"]]
            _ = try await server.send("POST", "/api/v1/namespaces", namespace)
            await stream.run(into: sink)
            sink.finish()
            var revisions: [Int64] = []
            for await chunk in chunks {
                let line = try JSONValue(parsing: chunk)
                #expect(line["type"] == "BOOKMARK")
                revisions.append(Int64(line["object"]?["metadata"]?["resourceVersion"]?.stringValue ?? "") ?? -1)
            }
            #expect(revisions.count >= 2)
            #expect(revisions.allSatisfy { $0 == start + 1 }, "\(revisions), from \(start)")
        }
    }
}
