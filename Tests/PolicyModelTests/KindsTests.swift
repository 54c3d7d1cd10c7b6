import PolicyModel
import Testing

@Suite struct KindsTests {
    @Test func findsKinds() {
        #expect(Kinds.all.map(\.resource) == [
            "namespaces", "tiers.projectcalico.org", "networkpolicies.projectcalico.org",
            "globalnetworkpolicies.projectcalico.org", "workloadendpoints.projectcalico.org",
        ])
        for kind in Kinds.all {
            #expect(Kinds.find(apiVersion: kind.apiVersion, kind: kind.kind)?.resource == kind.resource)
            #expect(Kinds.find(group: kind.group, version: kind.version, plural: kind.plural)?.kind == kind.kind)
            #expect(Kinds.find(resource: kind.resource)?.kind == kind.kind)
            for text in [kind.kind, kind.plural, kind.singular, kind.plural.uppercased(), kind.resource] + kind.shortNames {
                #expect(Kinds.find(userText: text)?.kind == kind.kind)
            }
        }
        #expect(Kinds.find(userText: "tiers.v3.projectcalico.org")?.kind == "Tier")
        for text in ["", "pods", "tiers.example.com", "namespaces."] { #expect(Kinds.find(userText: text) == nil) }
        #expect(Kinds.find(apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy") == nil)
    }

    @Test func everyFieldIsDescribedOnceAndInItsPlace() {
        for kind in Kinds.all { check(kind.objectFields, at: kind.kind) }
    }

    private func check(_ fields: [Field], at path: String) {
        #expect(Set(fields.map(\.name)).count == fields.count, "\(path) has two fields of one name")
        for field in fields {
            #expect(field.description.hasSuffix(".") && field.description.count > 10, "\(path).\(field.name) is not described")
            check(field.schema, at: "\(path).\(field.name)")
        }
    }

    private func check(_ schema: Schema, at path: String) {
        switch schema {
        case .object(let fields): check(fields, at: path)
        case .array(let element), .map(let element): check(element, at: path)
        default: break
        }
    }
}
