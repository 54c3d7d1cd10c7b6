import PolicyModel
import Testing

@testable import ControlPlane

/// The kinds of policy.networking.k8s.io over HTTP.
@Suite struct ClusterPolicyAPITests {
    private static let policies = "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies"

    private static func policy(_ name: String, egress: JSONValue = []) -> JSONValue {
        [
            "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy", "metadata": ["name": .string(name)],
            "spec": ["tier": "Admin", "priority": 5, "subject": ["namespaces": [:]], "egress": egress],
        ]
    }

    /// `tier: Admin` names no Tier object, and a change is a merge patch as with every kind that Kubernetes has not built in.
    @Test func storesAndChanges() async throws {
        try await RunningServer.with { (server) async throws in
            let created = try await server.send("POST", Self.policies, Self.policy("wall"))
            #expect(created.status == 201, "\(created.json)")
            let patched = try await server.send(
                "PATCH", Self.policies + "/wall", ["spec": ["priority": 6]], contentType: "application/merge-patch+json")
            #expect(patched.json["spec"]?["priority"] == 6 && patched.json["metadata"]?["generation"] == 2)
            let strategic = try await server.send(
                "PATCH", Self.policies + "/wall", ["spec": ["priority": 7]], contentType: "application/strategic-merge-patch+json")
            #expect(strategic.status == 415)
            #expect(try await server.send("DELETE", Self.policies + "/wall").status == 200)
        }
    }

    @Test func offersBothVersions() async throws {
        try await RunningServer.with { (server) async throws in
            let group = try await server.send("GET", "/apis/policy.networking.k8s.io").json
            #expect(group["preferredVersion"]?["version"] == "v1alpha2")
            #expect(group["versions"]?.arrayValue?.map { $0["version"] } == ["v1alpha2", "v1alpha1"])
            let older = try await server.send("GET", "/apis/policy.networking.k8s.io/v1alpha1").json["resources"]?.arrayValue ?? []
            #expect(older.contains { $0["name"] == "adminnetworkpolicies" && $0["shortNames"] == ["anp"] })
            #expect(older.contains { $0["name"] == "baselineadminnetworkpolicies" && $0["shortNames"] == ["banp"] })
            #expect(!older.contains { $0["name"] == "clusternetworkpolicies" })
        }
    }

    /// A peer of a kind that is not known is refused, also where the client lets unknown fields pass: what is left of it would
    /// be a rule about nobody.
    @Test(arguments: ["Strict", "Warn", "Ignore"])
    func refusesWhatItDoesNotKnow(validation: String) async throws {
        try await RunningServer.with { (server) async throws in
            let later = try await server.send(
                "POST", Self.policies + "?fieldValidation=\(validation)",
                Self.policy("later", egress: [["action": "Accept", "to": [["laterPeer": [:]]]]]))
            #expect(later.status == (validation == "Strict" ? 400 : 422))
            #expect(later.json["message"]?.stringValue?.contains("spec.egress[0].to[0]") == true)
            let nodes = try await server.send(
                "POST", Self.policies, Self.policy("nodes", egress: [["action": "Deny", "to": [["nodes": [:]]]]]))
            #expect(nodes.json["details"]?["causes"]?.arrayValue?.map { $0["message"] } == ["not enforced yet: spec.egress[0].to[0].nodes"])
        }
    }

    @Test func flowsAreNotAskedToCompare() async throws {
        try await RunningServer.with { (server) async throws in
            let answer = try await server.send("GET", "/apis/bulkhead.io/v1alpha1/flows?label=sameNamespace()")
            #expect(answer.status == 400)
            #expect(answer.json["message"]?.stringValue?.contains("compare with the endpoint that a policy applies to") == true)
        }
    }
}
