import PolicyModel

/// Which role may do what. Pure: the same question always has the same answer.
enum AccessRules {
    /// Kinds that are treated alike.
    enum Subject: Sendable, Hashable, CaseIterable {
        case policies
        case stagedPolicies
        case networkSets
        case workloads
        case secrets
        case everythingElse

        init(_ kind: ResourceKind) {
            switch kind.resource {
            case "networkpolicies.projectcalico.org", "globalnetworkpolicies.projectcalico.org",
                "networkpolicies.networking.k8s.io", "tiers.projectcalico.org", "profiles.projectcalico.org",
                "clusternetworkpolicies.policy.networking.k8s.io", "adminnetworkpolicies.policy.networking.k8s.io",
                "baselineadminnetworkpolicies.policy.networking.k8s.io":
                self = .policies
            case let name where name.hasPrefix("staged") && name.hasSuffix(".projectcalico.org"): self = .stagedPolicies
            case "networksets.projectcalico.org", "globalnetworksets.projectcalico.org": self = .networkSets
            case "workloadendpoints.projectcalico.org": self = .workloads
            case "secrets": self = .secrets
            default: self = .everythingElse
            }
        }
    }

    static let reading: Set<String> = ["get", "list", "watch"]
    static let changing: Set<String> = ["update", "patch"]
    static let writing: Set<String> = ["create", "update", "patch", "delete", "deletecollection"]
    private static let everything = reading.union(writing)

    /// The verbs of Kubernetes that a role has on a kind.
    static func verbs(_ role: Role, _ subject: Subject) -> Set<String> {
        if role == .admin { return everything }
        let mayWrite: Set<String> =
            switch (role, subject) {
            case (.analyst, .stagedPolicies), (.responder, .stagedPolicies): writing
            case (.author, .policies), (.author, .stagedPolicies), (.author, .networkSets): writing
            case (.responder, .networkSets): writing
            case (.responder, .workloads): changing
            default: []
            }
        return subject == .secrets ? [] : reading.union(mayWrite)
    }

    /// Whether what the role changes of a kind may be nothing but labels and annotations: who a workload is, not where it is.
    static func changesLabelsOnly(_ role: Role, _ subject: Subject) -> Bool { role == .responder && subject == .workloads }

    /// Connection records say who talks to whom: not for everybody who may see policies.
    static func mayRead(endpoint: String, _ role: Role) -> Bool { endpoint != "flows" || role != .viewer }
}
