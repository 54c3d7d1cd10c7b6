import PolicyModel
import Testing

@Suite struct KindsTests {
    @Test func findsKinds() {
        #expect(Kinds.all.map(\.resource) == [
            "namespaces", "serviceaccounts", "services", "secrets", "configmaps", "events",
            "tiers.projectcalico.org", "networkpolicies.projectcalico.org", "globalnetworkpolicies.projectcalico.org",
            "stagednetworkpolicies.projectcalico.org", "stagedglobalnetworkpolicies.projectcalico.org",
            "stagedkubernetesnetworkpolicies.projectcalico.org", "networksets.projectcalico.org",
            "globalnetworksets.projectcalico.org", "profiles.projectcalico.org", "workloadendpoints.projectcalico.org",
            "hostendpoints.projectcalico.org", "networkpolicies.networking.k8s.io", "endpointslices.discovery.k8s.io",
            "clusternetworkpolicies.policy.networking.k8s.io", "adminnetworkpolicies.policy.networking.k8s.io",
            "baselineadminnetworkpolicies.policy.networking.k8s.io",
        ])
        for kind in Kinds.all {
            #expect(Kinds.find(apiVersion: kind.apiVersion, kind: kind.kind)?.resource == kind.resource)
            #expect(Kinds.find(group: kind.group, version: kind.version, plural: kind.plural)?.resource == kind.resource)
            #expect(Kinds.find(resource: kind.resource)?.resource == kind.resource)
            for text in kind.shortNames + [kind.resource] { #expect(Kinds.find(userText: text)?.resource == kind.resource) }
            for text in [kind.kind, kind.plural, kind.singular, kind.plural.uppercased()] {
                #expect(Kinds.find(userText: text)?.plural == kind.plural)
            }
        }
        #expect(Kinds.find(userText: "tiers.v3.projectcalico.org")?.kind == "Tier")
        for text in ["", "pods", "tiers.example.com", "namespaces."] { #expect(Kinds.find(userText: text) == nil) }
        #expect(Kinds.find(apiVersion: "networking.k8s.io/v2", kind: "NetworkPolicy") == nil)
    }

    /// kubectl takes the first group of discovery, which is in the order of `all`.
    @Test(arguments: [
        ("networkpolicies", "projectcalico.org"), ("NetworkPolicy", "projectcalico.org"), ("cnp", "projectcalico.org"),
        ("networkpolicy.projectcalico.org", "projectcalico.org"), ("networkpolicies.v3.projectcalico.org", "projectcalico.org"),
        ("netpol", "networking.k8s.io"), ("networkpolicies.networking.k8s.io", "networking.k8s.io"),
        ("NetworkPolicy.v1.networking.k8s.io", "networking.k8s.io"),
    ])
    func twoKindsShareAName(text: String, group: String) {
        #expect(Kinds.find(userText: text)?.group == group)
        #expect(Kinds.find(userText: text)?.kind == "NetworkPolicy")
    }

    @Test func everyResourceAndShortNameIsOfOneKind() {
        #expect(Set(Kinds.all.map(\.resource)).count == Kinds.all.count)
        let short = Kinds.all.flatMap(\.shortNames)
        #expect(Set(short).count == short.count)
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
