import PolicyModel
import Testing

@testable import ControlPlane

/// Who owns which field, by server-side apply and by every other write.
@Suite struct ServerSideApplyTests {
    static let path = ObjectAPITests.policies + "/web"

    private static func configuration(_ spec: JSONValue, labels: JSONValue? = nil) -> JSONValue {
        var value: JSONValue = [
            "apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
            "metadata": ["name": "web", "namespace": "default"], "spec": spec,
        ]
        if let labels { value["metadata"]?["labels"] = labels }
        return value
    }

    private static func apply(
        _ server: RunningServer, _ manager: String, _ value: JSONValue, force: Bool = false, query: String = ""
    ) async throws -> RunningServer.Answer {
        try await server.send(
            "PATCH", path + "?fieldManager=\(manager)" + (force ? "&force=true" : "") + query, value,
            contentType: "application/apply-patch+yaml")
    }

    @Test func createsChangesAndTakesAway() async throws {
        try await RunningServer.with { (server) async throws in
            let created = try await Self.apply(
                server, "git", Self.configuration(["order": 5, "selector": "all()"], labels: ["team": "red", "stage": "one"]))
            #expect(created.status == 201)
            let entry = try #require(created.json["metadata"]?["managedFields"]?.arrayValue?.first)
            #expect(entry["manager"] == "git" && entry["operation"] == "Apply" && entry["fieldsType"] == "FieldsV1")
            #expect(
                entry["fieldsV1"] == [
                    "f:metadata": ["f:labels": ["f:team": [:], "f:stage": [:]]],
                    "f:spec": ["f:order": [:], "f:selector": [:]],
                ])
            let again = try await Self.apply(
                server, "git", Self.configuration(["order": 5, "selector": "all()"], labels: ["team": "red", "stage": "one"]))
            #expect(again.status == 200)
            #expect(again.json["metadata"]?["resourceVersion"] == created.json["metadata"]?["resourceVersion"])
            // What its only owner leaves out goes.
            let less = try await Self.apply(server, "git", Self.configuration(["selector": "all()"], labels: ["team": "red"]))
            #expect(less.json["spec"]?["order"] == nil)
            #expect(less.json["metadata"]?["labels"] == ["team": "red"])
            // Defaults belong to nobody and stay.
            #expect(less.json["spec"]?["tier"] == "default")
        }
    }

    @Test func aConflictNamesTheOtherManagerAndTheFields() async throws {
        try await RunningServer.with { (server) async throws in
            _ = try await Self.apply(server, "git", Self.configuration(["order": 5, "selector": "a == 'b'"]))
            let one = try await Self.apply(server, "hand", Self.configuration(["order": 6]))
            #expect(one.status == 409)
            #expect(one.json["message"] == "Apply failed with 1 conflict: conflict with \"git\": .spec.order")
            #expect(
                one.json["details"]?["causes"] == [
                    ["reason": "FieldManagerConflict", "message": "conflict with \"git\"", "field": ".spec.order"]
                ])
            let two = try await Self.apply(server, "hand", Self.configuration(["order": 6, "selector": "all()"]))
            #expect(
                two.json["message"]
                    == "Apply failed with 2 conflicts: conflicts with \"git\":\n- .spec.order\n- .spec.selector")
            #expect(try await server.send("GET", Self.path).json["spec"]?["order"] == 5)

            let forced = try await Self.apply(server, "hand", Self.configuration(["order": 6]), force: true)
            #expect(forced.status == 200)
            #expect(forced.json["spec"]?["order"] == 6)
            let owners = Self.owners(forced.json)
            #expect(owners == ["git Apply": [".spec.selector"], "hand Apply": [".spec.order"]])
            // The other no longer owns it: leaving it out changes nothing, and saying it is a conflict now.
            _ = try await Self.apply(server, "git", Self.configuration(["selector": "a == 'b'"]))
            #expect(try await server.send("GET", Self.path).json["spec"]?["order"] == 6)
            #expect(try await Self.apply(server, "git", Self.configuration(["order": 5, "selector": "a == 'b'"])).status == 409)
        }
    }

    @Test func whatTwoOwnGoesWithTheSecond() async throws {
        try await RunningServer.with { (server) async throws in
            _ = try await Self.apply(server, "one", Self.configuration(["order": 5]))
            // The same value is no conflict: both own it.
            #expect(try await Self.apply(server, "two", Self.configuration(["order": 5])).status == 200)
            #expect(try await Self.apply(server, "one", Self.configuration(["selector": "all()"])).json["spec"]?["order"] == 5)
            #expect(try await Self.apply(server, "two", Self.configuration([:])).json["spec"]?["order"] == nil)
        }
    }

    @Test func updatesAndPatchesOwnWhatTheyChange() async throws {
        try await RunningServer.with { (server) async throws in
            _ = try await Self.apply(server, "git", Self.configuration(["order": 5, "selector": "all()"]))
            let patched = try await server.send(
                "PATCH", Self.path + "?fieldManager=editor", ["spec": ["order": 7]],
                contentType: "application/merge-patch+json")
            #expect(Self.owners(patched.json) == ["git Apply": [".spec.selector"], "editor Update": [".spec.order"]])
            let refused = try await Self.apply(server, "git", Self.configuration(["order": 5, "selector": "all()"]))
            #expect(refused.status == 409)
            #expect(
                refused.json["message"]?.stringValue?.hasPrefix(
                    "Apply failed with 1 conflict: conflict with \"editor\" using projectcalico.org/v3 at ") == true)
            var value = patched.json
            value["spec"]?["order"] = nil
            let replaced = try await server.send("PUT", Self.path + "?fieldManager=editor", value)
            #expect(Self.owners(replaced.json) == ["git Apply": [".spec.selector"]])
        }
    }

    @Test func listsWithKeysAndSetsAreOwnedByElement() async throws {
        try await RunningServer.with { (server) async throws in
            let namespace = try await server.send("GET", "/api/v1/namespaces/default")
            let uid = try #require(namespace.json["metadata"]?["uid"])
            func owned(_ finalizers: [JSONValue], _ owners: [JSONValue]) -> JSONValue {
                var value = Self.configuration(["selector": "all()"])
                value["metadata"]?["finalizers"] = .array(finalizers)
                value["metadata"]?["ownerReferences"] = .array(owners)
                return value
            }
            let owner: JSONValue = ["apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": uid]
            let foreign: JSONValue = ["apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "7"]
            _ = try await Self.apply(server, "one", owned(["a.b/one"], [owner]))
            let both = try await Self.apply(server, "two", owned(["a.b/two"], [foreign]))
            #expect(both.status == 200)
            #expect(both.json["metadata"]?["finalizers"] == ["a.b/one", "a.b/two"])
            #expect(both.json["metadata"]?["ownerReferences"] == .array([owner, foreign]))
            let less = try await Self.apply(server, "one", owned([], []))
            #expect(less.json["metadata"]?["finalizers"] == ["a.b/two"])
            #expect(less.json["metadata"]?["ownerReferences"] == .array([foreign]))
        }
    }

    /// A port without a protocol is the TCP port that is stored: told apart as Kubernetes tells it.
    @Test func elementsAreTheSameWhereDefaultsMakeThem() async throws {
        try await RunningServer.with { (server) async throws in
            func apply(_ ports: JSONValue) async throws -> RunningServer.Answer {
                try await server.send(
                    "PATCH", "/api/v1/namespaces/default/services/web?fieldManager=git",
                    ["apiVersion": "v1", "kind": "Service", "metadata": ["name": "web"], "spec": ["ports": ports]],
                    contentType: "application/apply-patch+yaml")
            }
            #expect(try await apply([["name": "web", "port": 80], ["name": "dns", "port": 53, "protocol": "UDP"]]).status == 201)
            let again = try await apply([["name": "web", "port": 80, "targetPort": 8080], ["name": "dns", "port": 53, "protocol": "UDP"]])
            #expect(again.status == 200, "\(again.text)")
            let ports = again.json["spec"]?["ports"]?.arrayValue ?? []
            #expect(ports.map { $0["name"] } == ["web", "dns"] && ports[0]["targetPort"] == 8080)
            #expect(try await apply([["name": "dns", "port": 53, "protocol": "UDP"]]).json["spec"]?["ports"]?.arrayValue?.count == 1)
        }
    }

    @Test func dryRunAndBadRequests() async throws {
        try await RunningServer.with { (server) async throws in
            #expect(try await Self.apply(server, "git", Self.configuration([:]), query: "&dryRun=All").status == 201)
            #expect(try await server.send("GET", Self.path).status == 404)
            let nobody = try await server.send(
                "PATCH", Self.path, Self.configuration([:]), contentType: "application/apply-patch+yaml")
            #expect(nobody.status == 422)
            #expect(nobody.json["message"]?.stringValue?.contains("fieldManager: Required value") == true)
            #expect(try await Self.apply(server, "git", Self.configuration(["colour": "red"])).status == 400)
            var managed = Self.configuration([:])
            managed["metadata"]?["managedFields"] = [["manager": "x"]]
            #expect(try await Self.apply(server, "git", managed).status == 400)
            _ = try await Self.apply(server, "git", Self.configuration([:]))
            let stale = Self.configuration([:])
            var versioned = stale
            versioned["metadata"]?["resourceVersion"] = "1"
            #expect(try await Self.apply(server, "git", versioned).status == 409)
            let reset = try await server.send(
                "PATCH", Self.path, ["metadata": ["managedFields": [[:]]]], contentType: "application/merge-patch+json")
            #expect(reset.json["metadata"]?["managedFields"] == nil)
        }
    }

    @Test func fieldSetsReadWhatTheyWrite() throws {
        let json: JSONValue = [
            "f:metadata": ["f:labels": [".": [:], "f:a/b": [:]], "f:finalizers": ["v:\"x\"": [:]]],
            "f:spec": ["f:ports": ["k:{\"port\":80}": [".": [:], "f:name": [:]], "i:3": [:]]],
        ]
        let set = try #require(FieldSet(json))
        #expect(set.json == json)
        #expect(
            set.readablePaths == [
                ".metadata.finalizers[=\"x\"]", ".metadata.labels", ".metadata.labels.a/b", ".spec.ports[3]",
                ".spec.ports[port=80]", ".spec.ports[port=80].name",
            ])
        #expect(set.subtracting(set).isEmpty)
        #expect(set.intersection(set) == set && set.union(set) == set)
        for wrong: JSONValue in [["x": [:]], ["f:a": 1], ["k:{": [:]], ["i:x": [:]], []] { #expect(FieldSet(wrong) == nil) }
    }

    @Test func oldUpdatesBecomeOneEntry() throws {
        var managed = ManagedFields()
        for number in 0..<30 {
            managed.set(
                FieldSet(children: [.field("f\(number)"): .leaf]),
                of: .init(name: "m\(number)", operation: .update, apiVersion: "v1"), time: Timestamps.seconds(Int64(number)))
        }
        #expect(managed.entries.count == ManagedFields.maximumUpdateEntries)
        #expect(managed.entries.contains { $0.manager.name == ManagedFields.ancientName })
        #expect(managed.others(than: .init(name: "", operation: .apply, apiVersion: "")).children.count == 30)
    }

    static func owners(_ object: JSONValue) -> [String: [String]] {
        var result: [String: [String]] = [:]
        for entry in ManagedFields(object: object).entries {
            result["\(entry.manager.name) \(entry.manager.operation.rawValue)"] = entry.fields.readablePaths
        }
        return result
    }
}
