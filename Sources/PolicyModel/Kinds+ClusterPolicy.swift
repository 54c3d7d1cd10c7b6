/// The kinds of policy.networking.k8s.io.
extension Kinds {
    static let clusterPolicyGroup = "policy.networking.k8s.io"

    public static let clusterNetworkPolicy = clusterPolicy(
        "ClusterNetworkPolicy", version: "v1alpha2", plural: "clusternetworkpolicies", shortNames: [],
        "Rules of the cluster's administrators for pods of all namespaces: before the policies of namespaces (Admin, in the tier "
            + "`kube-admin`) or after them (Baseline, in the tier `kube-baseline`).",
        spec: ClusterPolicySchema.spec(.cluster))

    public static let adminNetworkPolicy = clusterPolicy(
        "AdminNetworkPolicy", version: "v1alpha1", plural: "adminnetworkpolicies", shortNames: ["anp"],
        "As a ClusterNetworkPolicy of the tier Admin, in the older version of the API.", spec: ClusterPolicySchema.spec(.admin))

    public static let baselineAdminNetworkPolicy = clusterPolicy(
        "BaselineAdminNetworkPolicy", version: "v1alpha1", plural: "baselineadminnetworkpolicies", shortNames: ["banp"],
        "As a ClusterNetworkPolicy of the tier Baseline, in the older version of the API. There is at most one, by the name "
            + "of `default`.", spec: ClusterPolicySchema.spec(.baseline))

    private static func clusterPolicy(
        _ kind: String, version: String, plural: String, shortNames: [String], _ description: String, spec: [Field]
    ) -> ResourceKind {
        ResourceKind(
            group: clusterPolicyGroup, version: version, kind: kind, plural: plural, singular: kind.lowercased(),
            shortNames: shortNames, namespaced: false, description: description,
            fields: [
                Field("spec", .object(spec), "Which pods it applies to, when, and its rules.", required: true),
                Field("status", .any, "What the server says of the policy."),
            ])
    }
}
