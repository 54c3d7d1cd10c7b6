import PolicyModel
import Testing

@Suite struct PolicyTestKindTests {
    @Test func isCheckedAndNotServed() throws {
        let object: JSONValue = ["apiVersion": "bulkhead.io/v1alpha1", "kind": "PolicyTest", "metadata": ["name": "t"], "spec": ["cases": [["nme": "x"]]]]
        #expect(Kinds.policyTest.isKind(of: object))
        #expect(Kinds.find(object) == nil)
        #expect(Validator.validate(object, kind: Kinds.policyTest).map(\.path).sorted() == [
            "spec.cases[0].expect", "spec.cases[0].from", "spec.cases[0].name", "spec.cases[0].nme", "spec.cases[0].to",
        ])
    }
}
