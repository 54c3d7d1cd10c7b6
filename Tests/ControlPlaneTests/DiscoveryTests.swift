import PolicyModel
import Testing

@testable import ControlPlane

@Suite struct DiscoveryTests {
    private let catalog = ResourceCatalog(kinds: Kinds.all + Kinds.aliases, reviews: Kinds.reviews)

    @Test func servesEveryKindInBothForms() async throws {
        try await RunningServer.with { (server) async throws in
            for (path, core) in [("/api", true), ("/apis", false)] {
                let answer = try await server.send("GET", path, accept: Discovery.aggregatedContentType + ",application/json")
                #expect(answer.headers.contains { $0 == ("content-type", Discovery.aggregatedContentType) })
                let resources = (answer.json["items"]?.arrayValue ?? []).flatMap { $0["versions"]?.arrayValue ?? [] }
                    .flatMap { $0["resources"]?.arrayValue ?? [] }
                #expect(Set(resources.compactMap { $0["resource"]?.stringValue }) == Set((Kinds.all + Kinds.aliases + Kinds.reviews).filter { $0.group.isEmpty == core }.map(\.plural)))
            }
            for kind in Kinds.all + Kinds.aliases + Kinds.reviews {
                let path = kind.group.isEmpty ? "/api/v1" : "/apis/\(kind.apiVersion)"
                let listed = try await server.send("GET", path).json["resources"]?.arrayValue ?? []
                #expect(listed.contains { $0["name"] == .string(kind.plural) && $0["namespaced"] == .bool(kind.namespaced) })
            }
            #expect(try await server.send("GET", "/apis").json["groups"]?.arrayValue?.first?["name"] == "projectcalico.org")
            #expect(try await server.send("GET", "/apis/projectcalico.org").json["preferredVersion"]?["version"] == "v3")
        }
    }

    /// Every reference leads somewhere, every kind can be found, and PATCH names the parameters kubectl looks for.
    @Test func openAPIDocumentsAreWhole() throws {
        let documents = try OpenAPIDocuments(catalog: catalog, version: "v1")
        let index = try JSONValue(parsing: documents.index)
        for groupVersion in catalog.groupVersions {
            let location = index["paths"]?[groupVersion.path]?["serverRelativeURL"]?.stringValue ?? ""
            #expect(location.hasPrefix("/openapi/v3/\(groupVersion.path)?hash="))
            let document = try JSONValue(parsing: try #require(documents.documents[groupVersion.path]))
            let schemas = document["components"]?["schemas"]?.objectValue ?? [:]
            checkReferences(document, prefix: "#/components/schemas/", known: Set(schemas.keys))
            for kind in catalog.kinds(in: groupVersion) {
                let identity = OpenAPISchemas.groupVersionKind(kind)
                #expect(schemas.values.contains { $0["x-kubernetes-group-version-kind"] == .array([identity]) })
                let patches = (document["paths"]?.objectValue ?? [:]).values.compactMap { $0["patch"] }
                    .filter { $0["x-kubernetes-group-version-kind"] == identity }
                // The object, and its status where it has one.
                #expect(patches.count == (kind.isReview ? 0 : kind.hasStatus ? 2 : 1))
                for patch in patches {
                    let parameters = Set((patch["parameters"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue })
                    #expect(parameters.isSuperset(of: ["fieldValidation", "dryRun", "fieldManager", "force"]))
                }
            }
        }
        let versionTwo = try JSONValue(parsing: documents.versionTwo)
        checkReferences(versionTwo, prefix: "#/definitions/", known: Set((versionTwo["definitions"]?.objectValue ?? [:]).keys))
    }

    private func checkReferences(_ value: JSONValue, prefix: String, known: Set<String>) {
        switch value {
        case .object(let members):
            if let reference = members["$ref"]?.stringValue {
                #expect(reference.hasPrefix(prefix) && known.contains(String(reference.dropFirst(prefix.count))), "\(reference)")
            }
            for member in members.values { checkReferences(member, prefix: prefix, known: known) }
        case .array(let elements):
            for element in elements { checkReferences(element, prefix: prefix, known: known) }
        default: break
        }
    }

    /// kubectl and GitOps tools make their patches of what OpenAPI says of lists: it must be what the server does with them.
    @Test func saysHowListsAreMerged() {
        let schemas = OpenAPISchemas(referencePrefix: "#/", wrapsReferences: true).all(Kinds.all)
        let ports = schemas["io.k8s.api.core.v1.Service"]?["properties"]?["spec"]?["properties"]?["ports"]
        #expect(ports?["x-kubernetes-list-type"] == "map" && ports?["x-kubernetes-list-map-keys"] == ["port", "protocol"])
        #expect(ports?["x-kubernetes-patch-merge-key"] == "port" && ports?["x-kubernetes-patch-strategy"] == "merge")
        #expect(ports?["items"]?["properties"]?["protocol"]?["default"] == "TCP")
        let metadata = schemas[OpenAPISchemas.objectMetaName]?["properties"]
        #expect(metadata?["finalizers"]?["x-kubernetes-list-type"] == "set")
        #expect(metadata?["finalizers"]?["x-kubernetes-patch-strategy"] == "merge")
        #expect(metadata?["ownerReferences"]?["x-kubernetes-patch-merge-key"] == "uid")
        let rules = schemas["org.projectcalico.v3.NetworkPolicy"]?["properties"]?["spec"]?["properties"]?["ingress"]
        #expect(rules?["x-kubernetes-list-type"] == "atomic")
    }

    @Test func describesEveryFieldOfThePolicyLanguage() throws {
        let schema = OpenAPISchemas(referencePrefix: "#/", wrapsReferences: true).all(Kinds.all)["org.projectcalico.v3.NetworkPolicy"]
        let rule = schema?["properties"]?["spec"]?["properties"]?["ingress"]?["items"]?["properties"]
        #expect(rule?["action"]?["enum"]?.arrayValue?.contains("Allow") == true)
        #expect(rule?["http"]?["description"]?.stringValue?.hasSuffix("Not enforced yet: refused when set.") == true)
    }
}
