/// What users ask of their own rights: `kubectl auth whoami` and `kubectl auth can-i`.
extension Kinds {
    /// Kinds that are served beside `all` and never stored.
    public static let reviews: [ResourceKind] = [selfSubjectReview, selfSubjectAccessReview, selfSubjectRulesReview]

    public static let selfSubjectReview = review(
        "SelfSubjectReview", group: "authentication.k8s.io", "Who the server takes the client for.", spec: nil)

    public static let selfSubjectAccessReview = review(
        "SelfSubjectAccessReview", group: "authorization.k8s.io", "Whether the client may do something.",
        spec: [
            Field(
                "resourceAttributes",
                .object([
                    Field("namespace", .text, "The namespace of the objects."), Field("verb", .text, "What is to be done; * for all."),
                    Field("group", .text, "Their API group; * for all."), Field("version", .text, "Its version."),
                    Field("resource", .text, "Their kind in the plural; * for all."),
                    Field("subresource", .text, "Which part of them."), Field("name", .text, "The name of one object."),
                    Field("fieldSelector", .any, "Not looked at."), Field("labelSelector", .any, "Not looked at."),
                ]), "Something about objects."),
            Field(
                "nonResourceAttributes",
                .object([Field("path", .text, "The path of the request."), Field("verb", .text, "Its verb.")]),
                "Something about another path."),
        ])

    public static let selfSubjectRulesReview = review(
        "SelfSubjectRulesReview", group: "authorization.k8s.io", "All that the client may do.",
        spec: [Field("namespace", .text, "The namespace that is asked about; roles are the same in all.")])

    private static func review(_ kind: String, group: String, _ description: String, spec: [Field]?) -> ResourceKind {
        ResourceKind(
            group: group, version: "v1", kind: kind, plural: kind.lowercased() + "s", singular: kind.lowercased(), shortNames: [],
            namespaced: false, description: description + " Answered, not stored.",
            fields: (spec.map { [Field("spec", .object($0), "The question.", required: true)] } ?? [])
                + [Field("status", .any, "The answer.")],
            isReview: true)
    }
}
