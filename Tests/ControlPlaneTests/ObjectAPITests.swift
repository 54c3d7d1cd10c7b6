import PolicyModel
import Testing

@testable import ControlPlane

@Suite struct ObjectAPITests {
    static let policies = "/apis/projectcalico.org/v3/namespaces/default/networkpolicies"

    static func policy(_ name: String, spec: JSONValue = ["selector": "all()"]) -> JSONValue {
        [
            "apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
            "metadata": ["name": .string(name), "namespace": "default", "creationTimestamp": .null], "spec": spec,
        ]
    }

    @Test func createsReadsReplacesAndDeletes() async throws {
        try await RunningServer.with { (server) async throws in
            let created = try await server.send("POST", Self.policies, Self.policy("web"))
            #expect(created.status == 201)
            let metadata = created.json["metadata"]
            #expect(metadata?["uid"]?.stringValue?.count == 36)
            #expect(metadata?["generation"] == 1)
            #expect(Timestamps.parse(metadata?["creationTimestamp"]?.stringValue ?? "") != nil)
            let version = try #require(metadata?["resourceVersion"]?.stringValue)
            #expect(Int64(version) != nil)
            #expect(created.json["spec"]?["tier"] == "default")

            let read = try await server.send("GET", Self.policies + "/web")
            #expect(read.status == 200)
            #expect(read.json == created.json)

            var changed = read.json
            changed["spec"]?["order"] = 10
            let replaced = try await server.send("PUT", Self.policies + "/web", changed)
            #expect(replaced.status == 200)
            #expect(replaced.json["metadata"]?["generation"] == 2)
            #expect(replaced.json["metadata"]?["uid"] == metadata?["uid"])

            // The version it was made from is no longer the current one.
            let stale = try await server.send("PUT", Self.policies + "/web", changed)
            #expect(stale.status == 409)
            #expect(stale.json["reason"] == "Conflict")

            let deleted = try await server.send("DELETE", Self.policies + "/web")
            #expect(deleted.status == 200)
            #expect(deleted.json["status"] == "Success")
            #expect(deleted.json["details"]?["uid"] == metadata?["uid"])
            #expect(try await server.send("GET", Self.policies + "/web").status == 404)
        }
    }

    @Test func writesThatChangeNothingMakeNoRevision() async throws {
        try await RunningServer.with { (server) async throws in
            let created = try await server.send("POST", Self.policies, Self.policy("web"))
            let again = try await server.send("PUT", Self.policies + "/web", Self.policy("web"))
            #expect(again.json["metadata"]?["resourceVersion"] == created.json["metadata"]?["resourceVersion"])
            let labelled = try await server.send(
                "PATCH", Self.policies + "/web", ["metadata": ["labels": ["a": "b"]]],
                contentType: "application/merge-patch+json")
            #expect(labelled.json["metadata"]?["labels"] == ["a": "b"])
            #expect(labelled.json["metadata"]?["resourceVersion"] != created.json["metadata"]?["resourceVersion"])
            #expect(labelled.json["metadata"]?["generation"] == 1)
            // What is empty says as little as what is absent.
            let emptied = try await server.send(
                "PATCH", Self.policies + "/web", ["metadata": ["annotations": [:], "finalizers": [], "ownerReferences": []]],
                contentType: "application/merge-patch+json")
            #expect(emptied.json["metadata"]?["resourceVersion"] == labelled.json["metadata"]?["resourceVersion"])
            let bare = try await server.send(
                "PATCH", Self.policies + "/web", ["metadata": ["labels": ["a": .null]]], contentType: "application/merge-patch+json")
            #expect(bare.json["metadata"]?["labels"] == nil && bare.status == 200)
        }
    }

    @Test func refusesWhatIsNotEnforcedYetByItsPath() async throws {
        try await RunningServer.with { (server) async throws in
            let refused = try await server.send(
                "POST", Self.policies + "?fieldValidation=Ignore",
                Self.policy("web", spec: ["ingress": [["action": "Allow", "http": ["methods": ["GET"]]]]]))
            #expect(refused.status == 422)
            #expect(refused.json["reason"] == "Invalid")
            let causes = refused.json["details"]?["causes"]?.arrayValue ?? []
            #expect(
                causes.contains {
                    $0["field"] == "spec.ingress[0].http" && $0["message"] == "not enforced yet: spec.ingress[0].http"
                })
            #expect(
                refused.json["message"]?.stringValue?.hasSuffix("is invalid: not enforced yet: spec.ingress[0].http") == true)
        }
    }

    @Test(arguments: [("", 400), ("?fieldValidation=Strict", 400), ("?fieldValidation=Warn", 201), ("?fieldValidation=Ignore", 201)])
    func treatsUnknownFieldsAsAsked(query: String, status: Int) async throws {
        try await RunningServer.with { (server) async throws in
            let answer = try await server.send(
                "POST", Self.policies + query, Self.policy("web", spec: ["selectorr": "all()"]))
            #expect(answer.status == status)
            if status == 400 {
                #expect(answer.json["message"]?.stringValue?.contains("unknown field \"spec.selectorr\"") == true)
            } else {
                #expect(answer.json["spec"]?["selectorr"] == nil)
            }
            let warnings = answer.headers.filter { $0.0 == "warning" }.map(\.1)
            #expect(warnings == (query.hasSuffix("Warn") ? [#"299 - "unknown field \"spec.selectorr\"""#] : []))
        }
    }

    @Test func dryRunChangesNothing() async throws {
        try await RunningServer.with { (server) async throws in
            let answer = try await server.send("POST", Self.policies + "?dryRun=All", Self.policy("web"))
            #expect(answer.status == 201)
            #expect(try await server.send("GET", Self.policies + "/web").status == 404)
            _ = try await server.send("POST", Self.policies, Self.policy("web"))
            #expect(try await server.send("DELETE", Self.policies + "/web?dryRun=All").status == 200)
            #expect(try await server.send("GET", Self.policies + "/web").status == 200)
            #expect(try await server.send("POST", Self.policies + "?dryRun=Some", Self.policy("x")).status == 400)
        }
    }

    @Test func keepsReferencesWhole() async throws {
        try await RunningServer.with { (server) async throws in
            let tiers = "/apis/projectcalico.org/v3/tiers"
            let missing = try await server.send("POST", Self.policies, Self.policy("web", spec: ["tier": "security"]))
            #expect(missing.status == 422)
            #expect(missing.json["details"]?["causes"]?.arrayValue?.first?["field"] == "spec.tier")

            let elsewhere = "/apis/projectcalico.org/v3/namespaces/nowhere/networkpolicies"
            var lost = Self.policy("web")
            lost["metadata"]?["namespace"] = "nowhere"
            let noNamespace = try await server.send("POST", elsewhere, lost)
            #expect(noNamespace.status == 404)
            #expect(noNamespace.json["message"] == "namespaces \"nowhere\" not found")

            let tier: JSONValue = [
                "apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": ["name": "security"], "spec": ["order": 5],
            ]
            #expect(try await server.send("POST", tiers, tier).status == 201)
            #expect(try await server.send("POST", Self.policies, Self.policy("web", spec: ["tier": "security"])).status == 201)
            let held = try await server.send("DELETE", tiers + "/security")
            #expect(held.status == 409)
            #expect(held.json["message"]?.stringValue?.contains("NetworkPolicy default/web") == true)
            #expect(try await server.send("DELETE", Self.policies + "/web").status == 200)
            #expect(try await server.send("DELETE", tiers + "/security").status == 200)
        }
    }

    @Test func guardsTheDefaults() async throws {
        try await RunningServer.with { (server) async throws in
            for (name, order, action) in [("default", 1_000_000, "Deny"), ("kube-admin", 1_000, "Pass"), ("kube-baseline", 10_000_000, "Pass")] {
                let tier = "/apis/projectcalico.org/v3/tiers/\(name)"
                let spec = try await server.send("GET", tier).json["spec"]
                #expect(spec == ["order": .integer(Int64(order)), "defaultAction": .string(action)])
                #expect(try await server.send("DELETE", tier).status == 403)
                for change: JSONValue in [["order": 1], ["defaultAction": action == "Deny" ? "Pass" : "Deny"]] {
                    let moved = try await server.send(
                        "PATCH", tier, ["spec": change], contentType: "application/merge-patch+json")
                    #expect(moved.status == 422)
                }
            }
            #expect(try await server.send("DELETE", "/api/v1/namespaces/default").status == 403)
        }
    }

    @Test func aNamespaceTakesItsContentsAlong() async throws {
        try await RunningServer.with { (server) async throws in
            let namespace: JSONValue = ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "shop"]]
            let created = try await server.send("POST", "/api/v1/namespaces", namespace)
            #expect(created.status == 201)
            #expect(created.json["metadata"]?["labels"]?["kubernetes.io/metadata.name"] == "shop")
            #expect(created.json["status"]?["phase"] == "Active")
            let path = "/apis/projectcalico.org/v3/namespaces/shop/networkpolicies"
            var policy = Self.policy("web")
            policy["metadata"]?["namespace"] = "shop"
            #expect(try await server.send("POST", path, policy).status == 201)
            #expect(try await server.send("DELETE", "/api/v1/namespaces/shop").status == 200)
            #expect(try await server.send("GET", path).json["items"] == [])
            #expect(try await server.send("GET", "/api/v1/namespaces/shop").status == 404)
        }
    }

    @Test func checksPreconditionsOfADeletion() async throws {
        try await RunningServer.with { (server) async throws in
            let created = try await server.send("POST", Self.policies, Self.policy("web"))
            let wrong = try await server.send("DELETE", Self.policies + "/web", ["preconditions": ["uid": "another"]])
            #expect(wrong.status == 409)
            let uid = try #require(created.json["metadata"]?["uid"])
            let right = try await server.send(
                "DELETE", Self.policies + "/web", ["kind": "DeleteOptions", "preconditions": ["uid": uid]])
            #expect(right.status == 200)
        }
    }

    @Test func selectsByLabelsAndFields() async throws {
        try await RunningServer.with { (server) async throws in
            for (name, label) in [("a", "x"), ("b", "y"), ("c", "x")] {
                var policy = Self.policy(name)
                policy["metadata"]?["labels"] = ["team": .string(label)]
                #expect(try await server.send("POST", Self.policies, policy).status == 201)
            }
            func names(_ query: String) async throws -> [String] {
                try await server.send("GET", Self.policies + query).json["items"]?.arrayValue?
                    .compactMap { $0["metadata"]?["name"]?.stringValue } ?? []
            }
            #expect(try await names("?labelSelector=team%3Dx") == ["a", "c"])
            #expect(try await names("?labelSelector=team+notin+(x)") == ["b"])
            #expect(try await names("?fieldSelector=metadata.name%3Dc") == ["c"])
            #expect(try await server.send("GET", Self.policies + "?fieldSelector=spec.order%3D1").status == 400)
            #expect(try await server.send("DELETE", Self.policies + "?labelSelector=team%3Dx").status == 200)
            #expect(try await names("") == ["b"])
        }
    }

    @Test func acceptsYAML() async throws {
        try await RunningServer.with { (server) async throws in
            let yaml = """
                apiVersion: projectcalico.org/v3
                kind: NetworkPolicy
                metadata: {name: web, namespace: default}
                spec:
                  order: 10.5
                  selector: "role == 'web'"
                  ingress:
                  - action: Allow
                    protocol: TCP
                    destination: {ports: [80, "8000:8080"]}
                """
            let created = try await server.send(
                "POST", Self.policies, body: Array(yaml.utf8), contentType: "application/yaml")
            #expect(created.status == 201)
            #expect(created.json["spec"]?["order"]?.numberValue == 10.5)
            #expect(created.json["spec"]?["ingress"]?.arrayValue?.first?["destination"]?["ports"] == [80, "8000:8080"])
        }
    }

    /// A scalar means the same in a file that kubectl reads, in one that `bulkhead apply` reads, and in a body.
    @Test(arguments: [
        ("12:30", "12:30"), ("52:54:00:12:34:56", "52:54:00:12:34:56"), ("'1'", "1"), ("!!str 1", "1"), ("2026-01-02", "2026-01-02"),
        ("1.2.3", "1.2.3"), ("0x", "0x"), ("=", "="),
    ])
    func textsOfYAMLAreTexts(scalar: String, text: String) throws {
        #expect(try BodyDecoding.yaml(Array("a: \(scalar)\n".utf8)) == ["a": .string(text)])
    }

    @Test func labelsThatAreNoTextsAreRefusedByTheirPath() async throws {
        try await RunningServer.with { (server) async throws in
            for scalar in ["1", "1.5", "yes", "off", "true", "0o17", "0x10", "1_000", "1e3", "[a]", "{a: b}"] {
                let yaml = "metadata: {name: web, labels: {team: \(scalar)}}\nspec: {selector: all()}\n"
                let answer = try await server.send(
                    "POST", Self.policies, body: Array(yaml.utf8), contentType: "application/yaml")
                #expect(answer.status == 422, "\(scalar): \(answer.text)")
                #expect(answer.json["details"]?["causes"]?.arrayValue?.map { $0["field"] } == ["metadata.labels[team]"], "\(scalar)")
            }
        }
    }

    @Test func generatedNamesAreNoLongerThanEveryKindTakes() async throws {
        try await RunningServer.with { (server) async throws in
            let prefix = String(repeating: "a", count: 62) + "-"
            let kinds: [(path: String, spec: JSONValue)] = [
                ("/api/v1/namespaces/default/services", ["ports": [["port": 80]]]), (Self.policies, ["selector": "all()"]),
            ]
            for (path, spec) in kinds {
                let made = try await server.send("POST", path, ["metadata": ["generateName": .string(prefix)], "spec": spec])
                #expect(made.status == 201, "\(made.text)")
                #expect(made.json["metadata"]?["name"]?.stringValue?.count == 63)
            }
        }
    }

    @Test func patchesByJSONPatchAndRefusesOtherKindsOfIt() async throws {
        try await RunningServer.with { (server) async throws in
            _ = try await server.send("POST", Self.policies, Self.policy("web"))
            let patched = try await server.send(
                "PATCH", Self.policies + "/web", [["op": "add", "path": "/spec/order", "value": 3]],
                contentType: "application/json-patch+json")
            #expect(patched.json["spec"]?["order"] == 3)
            let wrong = try await server.send(
                "PATCH", Self.policies + "/web", [["op": "remove", "path": "/spec/nothing"]],
                contentType: "application/json-patch+json")
            #expect(wrong.status == 422)
            #expect(wrong.json["details"]?["causes"]?.arrayValue?.first?["message"]?.stringValue?.isEmpty == false)
            let strategic = try await server.send(
                "PATCH", Self.policies + "/web", [:], contentType: "application/strategic-merge-patch+json")
            #expect(strategic.status == 415)
        }
    }
}
