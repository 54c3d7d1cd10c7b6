import PolicyModel
import Testing

/// What may not change once it is made.
@Suite struct UpdateRuleTests {
    private func errors(_ kind: ResourceKind, _ old: JSONValue, _ change: (inout JSONValue) -> Void) -> [String] {
        var before = old
        before["apiVersion"] = .string(kind.apiVersion)
        before["kind"] = .string(kind.kind)
        before["metadata"] = ["name": "x", "namespace": "default"]
        var after = before
        change(&after)
        #expect(Validator.validate(before, replacing: before, kind: kind).isEmpty)
        return Validator.validate(after, replacing: before, kind: kind).map(\.path)
    }

    @Test func dataThatIsDeclaredFixedStays() {
        let fixed: JSONValue = ["data": ["a": "1"], "immutable": true]
        #expect(errors(Kinds.configMap, fixed) { $0["data"] = ["a": "2"] } == ["data"])
        #expect(errors(Kinds.configMap, fixed) { $0["immutable"] = nil } == ["immutable"])
        #expect(errors(Kinds.configMap, fixed) { $0["binaryData"] = ["b": "AA=="] } == ["binaryData"])
        #expect(errors(Kinds.configMap, fixed) { $0["metadata"]?["labels"] = ["a": "b"] } == [])
        #expect(errors(Kinds.configMap, ["data": ["a": "1"]]) { $0["data"] = ["a": "2"]; $0["immutable"] = true } == [])
        let secret: JSONValue = ["data": ["a": "AA=="], "type": "Opaque", "immutable": true]
        #expect(errors(Kinds.secret, secret) { $0["data"] = [:] } == ["data"])
    }

    @Test func whatAnObjectIsStays() {
        #expect(errors(Kinds.secret, ["type": "Opaque"]) { $0["type"] = "kubernetes.io/tls" } == ["type"])
        #expect(
            errors(Kinds.endpointSlice, ["addressType": "IPv4", "endpoints": []]) { $0["addressType"] = "IPv6" } == ["addressType"])
    }
}
