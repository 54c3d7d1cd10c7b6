import PolicyModel
import Testing

/// What Calico allows and its users did not mean.
@Suite struct PolicyWarningTests {
    private static func warnings(_ kind: ResourceKind, _ spec: String) throws -> [String] {
        let object = ValidatorTests.object(kind, spec: try JSONValue(parsing: spec))
        #expect(Validator.validate(object, kind: kind) == [])
        return ValidatorTests.text(Validator.warnings(object, kind: kind))
    }

    @Test func rulesOfADirectionThatIsNotDecided() throws {
        for kind in [Kinds.networkPolicy, Kinds.globalNetworkPolicy, Kinds.stagedNetworkPolicy] {
            #expect(
                try Self.warnings(kind, #"{"types":["Ingress"],"egress":[{"action":"Deny"}]}"#) == [
                    "spec.egress: these rules do nothing: add Egress to spec.types"
                ])
            #expect(try Self.warnings(kind, #"{"egress":[{"action":"Deny"}]}"#) == [], "types follow the rules")
        }
        #expect(
            try Self.warnings(Kinds.kubernetesNetworkPolicy, #"{"policyTypes":["Egress"],"ingress":[{}]}"#) == [
                "spec.ingress: these rules do nothing: add Ingress to spec.policyTypes"
            ])
        #expect(try Self.warnings(Kinds.kubernetesNetworkPolicy, #"{"egress":[{}]}"#) == [])
    }

    @Test func namesThatNoPortCanHave() throws {
        let spec = #"{"ingress":[{"action":"Allow","protocol":"TCP","destination":{"ports":["8000-8080","http",80,"1:2","81"],"notPorts":["HTTP"]}}]}"#
        let expected = [("ports[0]", "8000-8080"), ("notPorts[0]", "HTTP")].map {
            "spec.ingress[0].destination.\($0): \"\($1)\" is the name of a port, and no endpoint can have one of that name: write ranges as 8000:8080"
        }
        #expect(try Self.warnings(Kinds.networkPolicy, spec) == expected)
        #expect(try Self.warnings(Kinds.profile, spec) == expected)
        #expect(try Self.warnings(Kinds.tier, "{}") == [])
    }

    @Test func membersOfEndpointsThatHaveNoEffect() throws {
        let spec = #"{"ipNATs":[{"internalIP":"10.0.0.1"}],"qosControls":{"ingressBandwidth":1}}"#
        #expect(
            try Self.warnings(Kinds.workloadEndpoint, spec) == [
                "spec.ipNATs: is kept and has no effect: no address is translated",
                "spec.qosControls: is kept and has no effect: nothing is limited",
            ])
        #expect(try Self.warnings(Kinds.workloadEndpoint, #"{"ipNATs":[],"qosControls":null}"#) == [])
    }

    @Test func hintsAreKeptAndNotNeeded() throws {
        for kind in [Kinds.networkPolicy, Kinds.stagedGlobalNetworkPolicy] {
            let warnings = try Self.warnings(kind, #"{"performanceHints":["AssumeNeededOnEveryNode"]}"#)
            #expect(warnings.count == 1 && warnings[0].hasPrefix("spec.performanceHints: hints are kept and change nothing"))
            #expect(try Self.warnings(kind, #"{"performanceHints":[]}"#) == [])
        }
    }
}
