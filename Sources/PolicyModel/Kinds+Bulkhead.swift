/// The kinds of bulkhead.io.
extension Kinds {
    /// For `bulkhead verify`; no server stores them.
    public static let offline: [ResourceKind] = [policyTest]

    public static let policyTest = ResourceKind(
        group: "bulkhead.io", version: "v1alpha1", kind: "PolicyTest", plural: "policytests", singular: "policytest",
        shortNames: [], namespaced: false,
        description: "What policies must allow and deny, for `bulkhead verify`. It is read from files beside them and not stored.",
        fields: [Field("spec", .object(PolicyTestSchema.spec), "What must be so.", required: true)])
}

extension ResourceKind {
    /// Whether an object says that it is of this kind.
    public func isKind(of object: JSONValue) -> Bool {
        object["apiVersion"]?.stringValue == apiVersion && object["kind"]?.stringValue == kind
    }
}
