import PolicyModel
import Testing

@testable import ControlPlane

/// Finalizers, owners, namespaces, and the status subresource.
@Suite struct DeletionTests {
    private static let path = ObjectAPITests.policies

    private static func merge(_ server: RunningServer, _ path: String, _ patch: JSONValue) async throws -> RunningServer.Answer {
        try await server.send("PATCH", path, patch, contentType: "application/merge-patch+json")
    }

    /// The uid of the new object.
    private static func make(
        _ server: RunningServer, _ name: String, owners: [(name: String, uid: JSONValue)] = [], blocking: Bool = false,
        finalizers: [JSONValue] = []
    ) async throws -> JSONValue {
        var policy = ObjectAPITests.policy(name)
        if !owners.isEmpty {
            policy["metadata"]?["ownerReferences"] = .array(
                owners.map {
                    [
                        "apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy", "name": .string($0.name), "uid": $0.uid,
                        "blockOwnerDeletion": .bool(blocking),
                    ]
                })
        }
        if !finalizers.isEmpty { policy["metadata"]?["finalizers"] = .array(finalizers) }
        let made = try await server.send("POST", path, policy)
        #expect(made.status == 201, "\(made.text)")
        return made.json["metadata"]?["uid"] ?? .null
    }

    private static func names(_ server: RunningServer) async throws -> [String] {
        try await server.send("GET", path).json["items"]?.arrayValue?.compactMap { $0["metadata"]?["name"]?.stringValue } ?? []
    }

    @Test func finalizersHoldAnObjectBack() async throws {
        try await RunningServer.with { (server) async throws in
            _ = try await Self.make(server, "held", finalizers: ["a.b/one", "a.b/two"])
            let waiting = try await server.send("DELETE", Self.path + "/held")
            #expect(waiting.status == 200)
            #expect(waiting.json["kind"] == "NetworkPolicy")
            #expect(waiting.json["metadata"]?["deletionTimestamp"] != nil)
            let revision = waiting.json["metadata"]?["resourceVersion"]
            // Once more changes nothing.
            #expect(try await server.send("DELETE", Self.path + "/held").json["metadata"]?["resourceVersion"] == revision)
            let more = try await Self.merge(server, Self.path + "/held", ["metadata": ["finalizers": ["a.b/one", "a.b/new"]]])
            #expect(more.status == 422)
            #expect(more.json["details"]?["causes"]?.arrayValue?.first?["field"] == "metadata.finalizers")
            #expect(try await Self.merge(server, Self.path + "/held", ["metadata": ["finalizers": ["a.b/two"]]]).status == 200)
            #expect(try await server.send("GET", Self.path + "/held").status == 200)
            #expect(try await Self.merge(server, Self.path + "/held", ["metadata": ["finalizers": .null]]).status == 200)
            #expect(try await server.send("GET", Self.path + "/held").status == 404)
        }
    }

    @Test func dependentsGoWithTheLastOwner() async throws {
        try await RunningServer.with { (server) async throws in
            let first = try await Self.make(server, "first")
            let second = try await Self.make(server, "second")
            let child = try await Self.make(server, "child", owners: [("first", first)])
            _ = try await Self.make(server, "grandchild", owners: [("child", child)])
            _ = try await Self.make(server, "shared", owners: [("first", first), ("second", second)])
            #expect(try await server.send("DELETE", Self.path + "/first").status == 200)
            #expect(try await Self.names(server) == ["second", "shared"])
            let shared = try await server.send("GET", Self.path + "/shared")
            #expect(shared.json["metadata"]?["ownerReferences"]?.arrayValue?.map { $0["name"] } == ["second"])
            #expect(try await server.send("DELETE", Self.path + "/second").status == 200)
            #expect(try await Self.names(server) == [])
        }
    }

    @Test func orphansStay() async throws {
        try await RunningServer.with { (server) async throws in
            let owner = try await Self.make(server, "owner")
            _ = try await Self.make(server, "child", owners: [("owner", owner)])
            #expect(
                try await server.send("DELETE", Self.path + "/owner", ["kind": "DeleteOptions", "propagationPolicy": "Orphan"])
                    .status == 200)
            #expect(try await Self.names(server) == ["child"])
            #expect(try await server.send("GET", Self.path + "/child").json["metadata"]?["ownerReferences"] == nil)
        }
    }

    @Test func inTheForegroundTheOwnerGoesLast() async throws {
        try await RunningServer.with { (server) async throws in
            let owner = try await Self.make(server, "owner")
            _ = try await Self.make(server, "child", owners: [("owner", owner)], blocking: true, finalizers: ["a.b/held"])
            let waiting = try await server.send("DELETE", Self.path + "/owner?propagationPolicy=Foreground")
            #expect(waiting.json["metadata"]?["finalizers"] == ["foregroundDeletion"])
            #expect(try await Self.names(server) == ["child", "owner"])
            #expect(try await Self.merge(server, Self.path + "/child", ["metadata": ["finalizers": []]]).status == 200)
            #expect(try await Self.names(server) == [])
        }
    }

    @Test func whatBelongsToNobodyIsCollected() async throws {
        try await RunningServer.with { (server) async throws in
            _ = try await Self.make(server, "lost", owners: [("absent", "00000000-0000-0000-0000-000000000000")])
            #expect(try await Self.names(server) == [])
            // Of a kind that is not served: nobody here knows whether it is there.
            var policy = ObjectAPITests.policy("kept")
            policy["metadata"]?["ownerReferences"] = [["apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "1"]]
            #expect(try await server.send("POST", Self.path, policy).status == 201)
            #expect(try await Self.names(server) == ["kept"])
            // What belongs to no namespace cannot say in which one its owner is.
            let tier: JSONValue = [
                "metadata": [
                    "name": "owned",
                    "ownerReferences": [["apiVersion": "v1", "kind": "ConfigMap", "name": "absent", "uid": "1"]],
                ]
            ]
            #expect(try await server.send("POST", "/apis/projectcalico.org/v3/tiers", tier).status == 201)
            #expect(try await server.send("GET", "/apis/projectcalico.org/v3/tiers/owned").status == 200)
        }
    }

    @Test func namespacesAreNotDeletedAllAtOnce() async throws {
        try await RunningServer.with { (server) async throws in
            #expect(try await server.send("POST", "/api/v1/namespaces", ["metadata": ["name": "room"]]).status == 201)
            #expect(try await server.send("DELETE", "/api/v1/namespaces").status == 405)
            #expect(try await server.send("GET", "/api/v1/namespaces/room").status == 200)
        }
    }

    @Test func aNamespaceWaitsForWhatItHolds() async throws {
        try await RunningServer.with { (server) async throws in
            let namespace: JSONValue = ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "shop"]]
            #expect(try await server.send("POST", "/api/v1/namespaces", namespace).status == 201)
            let path = "/apis/projectcalico.org/v3/namespaces/shop/networkpolicies"
            func policy(_ name: String, _ finalizers: [JSONValue]) -> JSONValue {
                var policy = ObjectAPITests.policy(name)
                policy["metadata"]?["namespace"] = "shop"
                policy["metadata"]?["finalizers"] = .array(finalizers)
                return policy
            }
            #expect(try await server.send("POST", path, policy("held", ["a.b/c"])).status == 201)
            #expect(try await server.send("POST", path, policy("free", [])).status == 201)
            let answer = try await server.send("DELETE", "/api/v1/namespaces/shop")
            #expect(answer.status == 200)
            #expect(answer.json["status"]?["phase"] == "Terminating")
            #expect(try await server.send("GET", path).json["items"]?.arrayValue?.count == 1)
            let late = try await server.send("POST", path, policy("late", []))
            #expect(late.status == 403)
            #expect(late.json["details"]?["causes"]?.arrayValue?.first?["reason"] == "NamespaceTerminating")
            #expect(try await Self.merge(server, path + "/held", ["metadata": ["finalizers": .null]]).status == 200)
            #expect(try await server.send("GET", "/api/v1/namespaces/shop").status == 404)
        }
    }

    /// The workloads of a namespace that is deleted go on running: their interfaces stay, closed, until somebody names them.
    @Test func interfacesOfANamespaceThatGoesAreClosed() async throws {
        try await RunningServer.with { (server) async throws in
            func endpoints(_ namespace: String) -> String { "/apis/projectcalico.org/v3/namespaces/\(namespace)/workloadendpoints" }
            func endpoint(_ name: String, _ interface: String) -> JSONValue {
                [
                    "metadata": ["name": .string(name), "labels": ["app": "web"]],
                    "spec": ["node": "n", "interfaceName": .string(interface), "ipNetworks": ["10.0.0.1/32"], "containerID": "abc"],
                ]
            }
            func closed() async throws -> [JSONValue] {
                try await server.send("GET", endpoints("default")).json["items"]?.arrayValue ?? []
            }
            for round in 1...2 {
                #expect(try await server.send("POST", "/api/v1/namespaces", ["metadata": ["name": "shop"]]).status == 201)
                for (name, interface) in [("web", "veth1"), ("database", "veth2"), ("planned", "")] {
                    #expect(try await server.send("POST", endpoints("shop"), endpoint(name, interface)).status == 201)
                }
                #expect(try await closed() == [], "what closed the interface made way, round \(round)")
                #expect(try await server.send("DELETE", "/api/v1/namespaces/shop").status == 200)
                #expect(try await server.send("GET", "/api/v1/namespaces/shop").status == 404)
                let left = try await closed()
                #expect(Set(left.compactMap { $0["spec"]?["interfaceName"]?.stringValue }) == ["veth1", "veth2"])
                for object in left {
                    #expect(object["spec"]?["ipNetworks"] == nil && object["metadata"]?["labels"] == nil)
                    #expect(object["spec"]?["node"] == "n" && object["spec"]?["containerID"] == "abc")
                    let why = object["metadata"]?["annotations"]?[WorkloadEndpoint.closedAnnotation]?.stringValue ?? ""
                    #expect(why.contains("shop/") && why.contains("was deleted"))
                }
            }
            // An endpoint that is deleted by itself lets its interface go.
            #expect(try await server.send("POST", endpoints("default"), endpoint("again", "veth1")).status == 201)
            #expect(try await server.send("DELETE", endpoints("default") + "/again").status == 200)
            #expect(try await closed().map { $0["spec"]?["interfaceName"] } == ["veth2"])
        }
    }

    @Test func statusIsWrittenApart() async throws {
        try await RunningServer.with { (server) async throws in
            _ = try await Self.make(server, "web")
            let path = Self.path + "/web"
            let status = try await server.send(
                "PATCH", path + "/status?fieldManager=node", ["status": ["endpoints": 3], "spec": ["order": 9]],
                contentType: "application/merge-patch+json")
            #expect(status.status == 200)
            #expect(status.json["status"]?["endpoints"] == 3)
            #expect(status.json["spec"]?["order"] == nil)
            #expect(status.json["metadata"]?["generation"] == 1)
            let entry = status.json["metadata"]?["managedFields"]?.arrayValue?.first { $0["subresource"] == "status" }
            #expect(entry?["manager"] == "node" && entry?["fieldsV1"] == ["f:status": ["f:endpoints": [:]]])
            let spec = try await Self.merge(server, path, ["status": ["endpoints": 4], "spec": ["order": 9]])
            #expect(spec.json["status"]?["endpoints"] == 3)
            #expect(spec.json["spec"]?["order"] == 9)
            #expect(spec.json["metadata"]?["generation"] == 2)
            var whole = spec.json
            whole["status"] = ["endpoints": 5]
            #expect(try await server.send("PUT", path + "/status", whole).json["status"]?["endpoints"] == 5)
            #expect(try await server.send("GET", path + "/status").json["status"]?["endpoints"] == 5)
            #expect(try await server.send("DELETE", path + "/status").status == 405)
            #expect(try await server.send("GET", path + "/scale").status == 404)
        }
    }
}
