import Datastore
import PolicyModel
import Testing

@testable import ControlPlane

@Suite struct WatchTests {
    private func summary(_ line: JSONValue) -> String {
        let object = line["object"]
        return "\(line["type"]?.stringValue ?? "") \(object?["metadata"]?["name"]?.stringValue ?? "")"
    }

    @Test func tellsWhatThereIsAndWhatComes() async throws {
        try await RunningServer.with { (server) async throws in
            _ = try await server.send("POST", ObjectAPITests.policies, ObjectAPITests.policy("first"))
            let lines = try await server.lines(ObjectAPITests.policies + "?watch=true", count: 4) {
                _ = try await server.send("POST", ObjectAPITests.policies, ObjectAPITests.policy("second"))
                _ = try await server.send(
                    "PATCH", ObjectAPITests.policies + "/second", ["spec": ["order": 1]],
                    contentType: "application/merge-patch+json")
                _ = try await server.send("DELETE", ObjectAPITests.policies + "/first")
            }
            #expect(lines.map(summary) == ["ADDED first", "ADDED second", "MODIFIED second", "DELETED first"])
        }
    }

    @Test func goesOnFromAResourceVersion() async throws {
        try await RunningServer.with { (server) async throws in
            _ = try await server.send("POST", ObjectAPITests.policies, ObjectAPITests.policy("first"))
            let list = try await server.send("GET", ObjectAPITests.policies)
            let version = try #require(list.json["metadata"]?["resourceVersion"]?.stringValue)
            _ = try await server.send("POST", ObjectAPITests.policies, ObjectAPITests.policy("second"))
            let lines = try await server.lines(
                ObjectAPITests.policies + "?watch=1&resourceVersion=\(version)", count: 1)
            #expect(lines.map(summary) == ["ADDED second"])
        }
    }

    @Test func followsLabels() async throws {
        try await RunningServer.with { (server) async throws in
            var policy = ObjectAPITests.policy("web")
            policy["metadata"]?["labels"] = ["team": "x"]
            _ = try await server.send("POST", ObjectAPITests.policies, policy)
            _ = try await server.send("POST", ObjectAPITests.policies, ObjectAPITests.policy("other"))
            @Sendable func label(_ name: String, _ value: JSONValue) async throws {
                _ = try await server.send(
                    "PATCH", ObjectAPITests.policies + "/" + name, ["metadata": ["labels": ["team": value]]],
                    contentType: "application/merge-patch+json")
            }
            let lines = try await server.lines(ObjectAPITests.policies + "?watch=true&labelSelector=team%3Dx", count: 4) {
                try await label("web", "y")
                try await label("web", "x")
                try await label("other", "x")
            }
            #expect(lines.map(summary) == ["ADDED web", "DELETED web", "ADDED web", "ADDED other"])
        }
    }

    @Test func announcesTheEndOfTheInitialEvents() async throws {
        try await RunningServer.with { (server) async throws in
            let lines = try await server.lines(
                "/apis/projectcalico.org/v3/tiers?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
                count: 4)
            // The tiers of every world.
            #expect(lines.map { $0["type"] } == ["ADDED", "ADDED", "ADDED", "BOOKMARK"])
            #expect(lines.last?["object"]?["metadata"]?["annotations"]?["k8s.io/initial-events-end"] == "true")
        }
    }

    @Test func endsWhenTheTimeIsUp() async throws {
        try await RunningServer.with { (server) async throws in
            let answer = try await server.send("GET", "/api/v1/namespaces?watch=1&timeoutSeconds=1")
            #expect(answer.status == 200)
            #expect(answer.text.split(separator: "\n").count == 1)
        }
    }

    /// A watch that nobody reads does not hold the server up.
    @Test(.timeLimit(.minutes(1))) func endsWithTheServer() async throws {
        let started = try await RunningServer.responseLeftOpen("/api/v1/namespaces?watch=1")
        #expect(started == 200)
    }

    @Test func sendsTablesWithColumnsOnce() async throws {
        try await RunningServer.with { (server) async throws in
            let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
            let lines = try await server.lines(
                ObjectAPITests.policies + "?watch=1", accept: accept, count: 2
            ) {
                _ = try await server.send("POST", ObjectAPITests.policies, ObjectAPITests.policy("a"))
                _ = try await server.send("POST", ObjectAPITests.policies, ObjectAPITests.policy("b"))
            }
            #expect(lines.map { $0["object"]?["kind"] } == ["Table", "Table"])
            #expect(lines[0]["object"]?["columnDefinitions"]?.arrayValue?.first?["name"] == "Name")
            #expect(lines[1]["object"]?["columnDefinitions"] == .null)
        }
    }

    @Test func cutsOffAReaderThatFallsBehind() async {
        let (sink, chunks) = LineSink.make()
        for _ in 0..<Limits.streamBufferChunks { #expect(sink.send([1])) }
        #expect(!sink.overflowed)
        #expect(!sink.send([1]))
        #expect(sink.overflowed)
        #expect(!sink.send([1]))
        // What was taken is still there to be read.
        var delivered = 0
        for await _ in chunks { delivered += 1 }
        #expect(delivered == Limits.streamBufferChunks)
    }

    @Test func tellsOfEventsThatAreGone() async throws {
        let stream = WatchStream(
            store: CompactedStore(),
            request: .init(
                kind: Kinds.tier, namespace: nil, labels: try LabelRequirements(""), fields: try FieldRequirements(""),
                after: 3, announceInitialEnd: false, bookmarks: false, timeoutSeconds: 60, form: ObjectForm(plain: Kinds.tier)))
        let (sink, chunks) = LineSink.make()
        await stream.run(into: sink)
        sink.finish()
        var lines: [JSONValue] = []
        for await chunk in chunks { lines.append(try JSONValue(parsing: chunk)) }
        #expect(lines.map { $0["type"] } == ["ERROR"])
        #expect(lines.first?["object"]?["code"] == 410)
    }
}

/// A store that has forgotten everything.
private struct CompactedStore: Store {
    func get(_ key: StoreKey) async throws -> StoredObject? { nil }
    func list(resource: String?, namespace: String?) async throws -> (objects: [StoredObject], revision: Int64) { ([], 9) }
    func create(_ key: StoreKey, value: JSONValue) async throws -> StoredObject { throw StoreError.alreadyExists(key) }
    func update(_ key: StoreKey, value: JSONValue, expected: Int64?) async throws -> StoredObject { throw StoreError.notFound(key) }
    func delete(_ key: StoreKey, expected: Int64?) async throws -> StoredObject { throw StoreError.notFound(key) }
    func watch(resource: String?, namespace: String?, after revision: Int64) -> AsyncThrowingStream<[StoreEvent], any Error> {
        AsyncThrowingStream { $0.finish(throwing: StoreError.compacted(oldest: 8)) }
    }
}
