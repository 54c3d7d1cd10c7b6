import PolicyModel
import Testing

@testable import ControlPlane

/// What clients get that do not want whole objects.
@Suite struct ObjectFormTests {
    private static func accept(_ form: String) -> String { "application/json;as=\(form);g=meta.k8s.io;v=v1" }

    @Test func metadataAlone() async throws {
        try await RunningServer.with { (server) async throws in
            let policies = ObjectAPITests.policies
            let created = try await server.send("POST", policies, ObjectAPITests.policy("web"))
            let one = try await server.send("GET", policies + "/web", accept: Self.accept("PartialObjectMetadata")).json
            #expect(one["kind"] == "PartialObjectMetadata" && one["apiVersion"] == "meta.k8s.io/v1" && one["spec"] == nil)
            #expect(one["metadata"] == created.json["metadata"])
            // As client-go's informers of metadata ask.
            let list = try await server.send(
                "GET", policies,
                accept: "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
                    + Self.accept("PartialObjectMetadataList") + ",application/json"
            ).json
            #expect(list["kind"] == "PartialObjectMetadataList")
            #expect(list["items"]?.arrayValue?.map { $0["kind"] } == ["PartialObjectMetadata"])
            #expect(list["metadata"]?["resourceVersion"] != nil)
            let lines = try await server.lines(
                policies + "?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
                accept: Self.accept("PartialObjectMetadata"), count: 2)
            #expect(lines.map { $0["type"] } == ["ADDED", "BOOKMARK"])
            #expect(lines.allSatisfy { $0["object"]?["kind"] == "PartialObjectMetadata" && $0["object"]?["spec"] == nil })
            #expect(lines[1]["object"]?["metadata"]?["annotations"]?["k8s.io/initial-events-end"] == "true")
        }
    }

    /// Each policy's row says what it does, from the status that the server writes.
    @Test func tablesOfPoliciesShowTheirStatus() async throws {
        try await RunningServer.with { (server) async throws in
            let path = ObjectAPITests.policies + "/web"
            #expect(try await server.send("POST", ObjectAPITests.policies, ObjectAPITests.policy("web")).status == 201)
            func cell(_ name: String) async throws -> JSONValue? {
                let table = try await server.send("GET", path, accept: Self.accept("Table")).json
                let names = table["columnDefinitions"]?.arrayValue?.map { $0["name"] } ?? []
                let place = try #require(names.firstIndex(of: .string(name)))
                return table["rows"]?.arrayValue?.first?["cells"]?.arrayValue?[place]
            }
            #expect(try await cell("Endpoints") == "<none>")
            #expect(try await cell("In-Force") == "<none>")
            let status: JSONValue = ["endpoints": ["all": 3], "inForceSince": "2020-01-01T00:00:00.000Z", "observedGeneration": 1]
            #expect(
                try await server.send("PATCH", path + "/status", ["status": status], contentType: "application/merge-patch+json").status
                    == 200)
            #expect(try await cell("Endpoints") == "3")
            #expect(try await cell("In-Force")?.stringValue?.contains("y") == true)
            // Of a generation that is not in force yet nothing is said.
            _ = try await server.send("PATCH", path, ["spec": ["order": 4]], contentType: "application/merge-patch+json")
            #expect(try await cell("In-Force") == "<none>")
        }
    }

    @Test func theFirstFormThatIsKnownIsTaken() async throws {
        try await RunningServer.with { (server) async throws in
            let path = "/api/v1/namespaces/default"
            for (accept, kind) in [
                ("application/json", "Namespace"), ("", "Namespace"), ("*/*", "Namespace"),
                (Self.accept("Other") + "," + Self.accept("Table"), "Table"),
                ("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", "Namespace"),
            ] {
                #expect(try await server.send("GET", path, accept: accept).json["kind"] == .string(kind), "\(accept)")
            }
            for accept in [Self.accept("Other"), "application/json;as=Table;v=v2;g=meta.k8s.io", "text/plain"] {
                #expect(try await server.send("GET", path, accept: accept).status == 406, "\(accept)")
            }
        }
    }
}
