import PolicyModel
import Testing

/// Staged policies: what they may say, and what they stand beside.
@Suite struct StagedPolicyTests {
    private static let kinds = [Kinds.stagedNetworkPolicy, Kinds.stagedGlobalNetworkPolicy, Kinds.stagedKubernetesNetworkPolicy]

    @Test func targets() throws {
        let expected: [(ResourceKind, PolicyReference, PolicyReference)] = [
            (
                Kinds.stagedNetworkPolicy, PolicyReference(kind: "StagedNetworkPolicy", namespace: "default", name: "x"),
                PolicyReference(kind: "NetworkPolicy", namespace: "default", name: "x")
            ),
            (
                Kinds.stagedGlobalNetworkPolicy, PolicyReference(kind: "StagedGlobalNetworkPolicy", namespace: "", name: "x"),
                PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "x")
            ),
            (
                Kinds.stagedKubernetesNetworkPolicy,
                PolicyReference(kind: "StagedKubernetesNetworkPolicy", namespace: "default", name: "x"),
                PolicyReference(kind: "NetworkPolicy", namespace: "default", name: "knp.default.x")
            ),
        ]
        for (kind, reference, target) in expected {
            for (action, meaning) in [
                (nil, StagedPolicy.Action.set), ("Set", .set), ("Learn", .learn), ("Ignore", .ignore), ("Delete", .delete),
            ] as [(String?, StagedPolicy.Action)] {
                let spec: JSONValue = action.map { ["stagedAction": .string($0)] } ?? [:]
                let staged = try StagedPolicy(object: ValidatorTests.object(kind, spec: spec))
                #expect(staged.reference == reference && staged.policy.reference == target && staged.action == meaning)
                #expect(!staged.policy.directions.isEmpty)
            }
        }
    }

    @Test func contentsAreThoseOfTheEnforcedKind() throws {
        let spec: JSONValue = [
            "tier": "t", "order": 5, "selector": "has(a)", "egress": [["action": "Log"], ["action": "Deny", "notProtocol": "TCP"]],
        ]
        for (staged, enforced) in [
            (Kinds.stagedNetworkPolicy, Kinds.networkPolicy), (Kinds.stagedGlobalNetworkPolicy, Kinds.globalNetworkPolicy),
        ] {
            #expect(
                try StagedPolicy(object: ValidatorTests.object(staged, spec: spec)).policy
                    == Policy(object: ValidatorTests.object(enforced, spec: spec)))
        }
        let kubernetes: JSONValue = ["podSelector": ["matchLabels": ["a": "b"]], "egress": [["ports": [["port": 80]]]]]
        #expect(
            try StagedPolicy(object: ValidatorTests.object(Kinds.stagedKubernetesNetworkPolicy, spec: kubernetes)).policy
                == Policy(object: ValidatorTests.object(Kinds.kubernetesNetworkPolicy, spec: kubernetes)))
    }

    @Test func deletionStandsAlone() throws {
        let message = "must be absent where stagedAction is Delete: the policy of that name is judged as gone"
        for kind in [Kinds.stagedNetworkPolicy, Kinds.stagedGlobalNetworkPolicy] {
            try ValidatorTests.expect(kind, #"{"stagedAction":"Delete","tier":"security","ingress":[],"selector":"","order":null}"#)
            try ValidatorTests.expect(
                kind, #"{"stagedAction":"Delete","order":1,"ingress":[{"action":"Deny"}]}"#, "spec.ingress: \(message)",
                "spec.order: \(message)")
        }
        try ValidatorTests.expect(Kinds.stagedKubernetesNetworkPolicy, #"{"stagedAction":"Delete","podSelector":{}}"#)
        try ValidatorTests.expect(
            Kinds.stagedKubernetesNetworkPolicy, #"{"stagedAction":"Delete","policyTypes":["Egress"]}"#, "spec.policyTypes: \(message)")
        for kind in Self.kinds {
            try ValidatorTests.expect(
                kind, #"{"stagedAction":"set"}"#,
                #"spec.stagedAction: "set" is not supported: use "Set", "Delete", "Learn" or "Ignore""#)
        }
    }

    @Test func defaults() throws {
        for kind in Self.kinds {
            for spec: JSONValue in [[:], ["stagedAction": "Delete"]] {
                var object = ValidatorTests.object(kind, spec: spec)
                let before = try StagedPolicy(object: object)
                Defaulting.apply(to: &object, kind: kind)
                #expect(Validator.validate(object, kind: kind) == [])
                #expect(try StagedPolicy(object: object) == before)
                let once = object
                Defaulting.apply(to: &object, kind: kind)
                #expect(object == once)
            }
        }
        var set = ValidatorTests.object(Kinds.stagedNetworkPolicy)
        Defaulting.apply(to: &set, kind: Kinds.stagedNetworkPolicy)
        #expect(set["spec"] == ["stagedAction": "Set", "tier": "default", "types": ["Ingress"]])
        var delete = ValidatorTests.object(Kinds.stagedNetworkPolicy, spec: ["stagedAction": "Delete"])
        Defaulting.apply(to: &delete, kind: Kinds.stagedNetworkPolicy)
        #expect(delete["spec"] == ["stagedAction": "Delete", "tier": "default"])
        var kubernetes = ValidatorTests.object(Kinds.stagedKubernetesNetworkPolicy)
        Defaulting.apply(to: &kubernetes, kind: Kinds.stagedKubernetesNetworkPolicy)
        #expect(kubernetes["spec"] == ["stagedAction": "Set", "podSelector": [:], "policyTypes": ["Ingress"]])
    }

    @Test func reservedNames() {
        for kind in [Kinds.networkPolicy, Kinds.globalNetworkPolicy, Kinds.stagedNetworkPolicy, Kinds.stagedGlobalNetworkPolicy] {
            let object = ValidatorTests.object(kind, metadata: ["name": "knp.default.a"])
            #expect(Validator.validate(object, kind: kind).map(\.path) == ["metadata.name"])
        }
        for kind in [Kinds.kubernetesNetworkPolicy, Kinds.stagedKubernetesNetworkPolicy, Kinds.networkSet] {
            #expect(Validator.validate(ValidatorTests.object(kind, metadata: ["name": "knp.default.a"]), kind: kind) == [])
        }
    }
}
