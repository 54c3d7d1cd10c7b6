import PolicyModel
import Testing

@testable import ControlPlane

/// Events in both of their groups: the same objects under two sets of names.
@Suite struct EventTests {
    private static let core = "/api/v1/namespaces/default/events"
    private static let grouped = "/apis/events.k8s.io/v1/namespaces/default/events"

    private static func event(_ name: String) -> JSONValue {
        [
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": ["name": .string(name), "namespace": "default"],
            "eventTime": "2026-01-02T03:04:05.000006Z", "reportingController": "example.com/tool", "reportingInstance": "tool-1",
            "action": "Checked", "reason": "Slow", "regarding": ["kind": "Namespace", "name": "default", "apiVersion": "v1"],
            "note": "It took long.", "type": "Warning",
        ]
    }

    @Test func oneEventIsSeenThroughBothGroups() async throws {
        try await RunningServer.with { (server) async throws in
            let created = try await server.send("POST", Self.grouped, Self.event("one"))
            #expect(created.status == 201, "\(created.text)")
            #expect(created.json["apiVersion"] == "events.k8s.io/v1" && created.json["note"] == "It took long.")
            let old = try await server.send("GET", Self.core + "/one").json
            #expect(old["apiVersion"] == "v1" && old["message"] == "It took long." && old["note"] == nil)
            #expect(old["involvedObject"]?["name"] == "default" && old["reportingComponent"] == "example.com/tool")
            let new = try await server.send("GET", Self.grouped + "/one").json
            #expect(new == created.json)
            #expect(new["metadata"]?["uid"] == old["metadata"]?["uid"])

            // One that an older client writes.
            let written = try await server.send(
                "POST", Self.core,
                [
                    "metadata": ["name": "two"], "involvedObject": ["kind": "Namespace", "name": "default"], "count": 3,
                    "source": ["component": "old"], "firstTimestamp": "2026-01-02T03:04:05Z", "reason": "Fast",
                ])
            #expect(written.status == 201)
            let list = try await server.send("GET", Self.grouped).json
            #expect(list["kind"] == "EventList" && list["apiVersion"] == "events.k8s.io/v1")
            let two = try #require(list["items"]?.arrayValue?.first { $0["metadata"]?["name"] == "two" })
            #expect(two["deprecatedCount"] == 3 && two["deprecatedSource"]?["component"] == "old")
            #expect(two["regarding"]?["kind"] == "Namespace" && two["deprecatedFirstTimestamp"] == "2026-01-02T03:04:05Z")

            func names(_ query: String) async throws -> [JSONValue] {
                try await server.send("GET", Self.grouped + "?fieldSelector=" + query).json["items"]?.arrayValue?
                    .compactMap { $0["metadata"]?["name"] } ?? []
            }
            #expect(try await names("reportingController%3Dexample.com/tool,regarding.kind%3DNamespace") == ["one"])
            #expect(try await names("regarding.name!%3Ddefault") == [])
            #expect(try await server.send("DELETE", Self.grouped + "/one").json["details"]?["group"] == "events.k8s.io")
            #expect(try await server.send("GET", Self.core + "/one").status == 404)
        }
    }

    @Test func patchesAndOwnersAreInTheNamesOfTheirGroup() async throws {
        try await RunningServer.with { (server) async throws in
            _ = try await server.send("POST", Self.grouped + "?fieldManager=tool", Self.event("one"))
            let patches: [(type: String, patch: JSONValue)] = [
                ("merge-patch", ["note": "A"]), ("strategic-merge-patch", ["note": "B"]),
                ("json-patch", [["op": "replace", "path": "/note", "value": "C"], ["op": "replace", "path": "/regarding/name", "value": "d"]]),
            ]
            for (type, patch) in patches {
                let answer = try await server.send("PATCH", Self.grouped + "/one", patch, contentType: "application/\(type)+json")
                #expect(answer.status == 200, "\(type): \(answer.text)")
            }
            let changed = try await server.send("GET", Self.core + "/one").json
            #expect(changed["message"] == "C" && changed["involvedObject"]?["name"] == "d")
            var applied = Self.event("one")
            applied["note"] = "D"
            let conflict = try await server.send(
                "PATCH", Self.grouped + "/one?fieldManager=other", applied, contentType: "application/apply-patch+yaml")
            #expect(conflict.status == 409, "\(conflict.text)")
            let forced = try await server.send(
                "PATCH", Self.grouped + "/one?fieldManager=other&force=true", applied, contentType: "application/apply-patch+yaml")
            #expect(forced.status == 200 && forced.json["note"] == "D")
            let entries = forced.json["metadata"]?["managedFields"]?.arrayValue ?? []
            let own = try #require(entries.first { $0["manager"] == "other" })
            #expect(own["apiVersion"] == "events.k8s.io/v1" && own["fieldsV1"]?["f:note"] == [:])
            let stored = try await server.send("GET", Self.core + "/one").json["metadata"]?["managedFields"]?.arrayValue ?? []
            #expect(stored.first { $0["manager"] == "other" }?["fieldsV1"]?["f:message"] == [:])
        }
    }

    @Test func refusalsNameTheMembersOfTheirGroup() async throws {
        try await RunningServer.with { (server) async throws in
            var event = Self.event("one")
            event["regarding"] = nil
            let missing = try await server.send("POST", Self.grouped, event)
            #expect(missing.status == 422)
            #expect(missing.json["details"]?["causes"]?.arrayValue?.map { $0["field"] } == ["regarding"])
            #expect(missing.json["message"]?.stringValue?.contains("involvedObject") == false)
            event = Self.event("one")
            event["message"] = "a member of the other group"
            let foreign = try await server.send("POST", Self.grouped, event)
            #expect(foreign.status == 400)
            #expect(foreign.json["message"]?.stringValue?.contains("unknown field \"message\"") == true)
            event = Self.event("one")
            event["apiVersion"] = "v1"
            #expect(try await server.send("POST", Self.grouped, event).status == 400)
        }
    }

    @Test func watchesTellInTheNamesOfTheirGroup() async throws {
        try await RunningServer.with { (server) async throws in
            let lines = try await server.lines(Self.grouped + "?watch=1", count: 2) {
                _ = try await server.send("POST", Self.grouped, Self.event("one"))
                _ = try await server.send("DELETE", Self.core + "/one")
            }
            #expect(lines.map { $0["type"] } == ["ADDED", "DELETED"])
            #expect(lines.allSatisfy { $0["object"]?["note"] == "It took long." && $0["object"]?["apiVersion"] == "events.k8s.io/v1" })
        }
    }
}
