/// The kinds that the API serves.
public enum Kinds {
    public static let policyGroup = "projectcalico.org"
    public static let policyVersion = "v3"

    /// In the order in which a name that two of them share is understood, and in which discovery lists their groups, so that
    /// kubectl understands it alike: `networkpolicies` are those of projectcalico.org.
    public static let all: [ResourceKind] = [
        namespace, serviceAccount, service, secret, configMap, event,
        tier, networkPolicy, globalNetworkPolicy, stagedNetworkPolicy, stagedGlobalNetworkPolicy,
        stagedKubernetesNetworkPolicy, networkSet, globalNetworkSet, profile, workloadEndpoint, hostEndpoint,
        kubernetesNetworkPolicy, endpointSlice, clusterNetworkPolicy, adminNetworkPolicy, baselineAdminNetworkPolicy,
    ]

    /// The kind of that name, as in an object's `apiVersion` and `kind`; nil when we do not serve it.
    public static func find(apiVersion: String, kind: String) -> ResourceKind? {
        all.first { $0.kind == kind && $0.apiVersion == apiVersion }
    }

    /// The kind of an object by its `apiVersion` and `kind`; nil when we do not serve it.
    public static func find(_ object: JSONValue) -> ResourceKind? {
        guard let apiVersion = object["apiVersion"]?.stringValue, let kind = object["kind"]?.stringValue else { return nil }
        return find(apiVersion: apiVersion, kind: kind)
    }

    /// The kind of a resource path: `group` is empty for the core group.
    public static func find(group: String, version: String, plural: String) -> ResourceKind? {
        all.first { $0.group == group && $0.version == version && $0.plural == plural }
    }

    /// The kind of a name in the store: `plural.group`.
    public static func find(resource: String) -> ResourceKind? { all.first { $0.resource == resource } }

    /// The kind that a person means: its kind, plural, singular or short name in any case, with `.group` behind or not.
    ///
    /// Of kinds that share a name the first of `all`, as with kubectl: `networkpolicies` and `cnp` are projectcalico.org's,
    /// `netpol` and `networkpolicies.networking.k8s.io` Kubernetes'.
    public static func find(userText text: String) -> ResourceKind? {
        let wanted = text.lowercased()
        return all.first { kind in
            ([kind.kind.lowercased(), kind.plural, kind.singular] + kind.shortNames).contains { name in
                wanted == name || (!kind.group.isEmpty && wanted == "\(name).\(kind.group)")
                    || (!kind.group.isEmpty && wanted == "\(name).\(kind.version).\(kind.group)")
            }
        }
    }
}

extension Schema {
    /// Any text.
    static let text = Schema.string(allowed: [])
    /// A list of any texts.
    static let texts = Schema.array(.text)
}

extension ResourceKind {
    /// Every member of an object of this kind, in the order of documentation.
    public var objectFields: [Field] {
        [
            Field("apiVersion", .string(allowed: [apiVersion]), "The API group and version: `\(apiVersion)`.", required: true),
            Field("kind", .string(allowed: [kind]), "The kind of the object: `\(kind)`.", required: true),
            Field("metadata", .object(Kinds.objectMeta), "The name, labels and history of the object.", required: true),
        ] + fields
    }
}
