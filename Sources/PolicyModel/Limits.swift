/// What one object may hold at most. Beyond these an object is refused with the path of the field, before it costs
/// memory on every node.
public enum ObjectLimits {
    /// Rules of a policy or profile for one direction: Calico's limit.
    public static let rulesPerDirection = 1024
    /// Nets, and notNets, of one side of a rule: Calico's limit; larger lists belong in a network set.
    public static let netsPerEntity = 256
    /// Ports, and notPorts, of one side of a rule, ranges and names included: Calico's limit.
    public static let portsPerEntity = 50
    /// Names of service accounts of one side of a rule.
    public static let serviceAccountsPerEntity = 256
    /// Nets of a network set: what fits into one request.
    public static let netsPerNetworkSet = 65_536
    /// Addresses of an endpoint: each has its own entry in the tables of its node.
    public static let addressesPerEndpoint = 64
    /// Blocks from which an endpoint may send although they are not its own: each has an entry in the kernel.
    public static let admittedSourcesPerEndpoint = 64
    public static let portsPerEndpoint = 256
    public static let profilesPerEndpoint = 64
    /// Peers of one rule of a Kubernetes NetworkPolicy.
    public static let peersPerKubernetesRule = 1024
    /// Ports of one rule of a Kubernetes NetworkPolicy.
    public static let portsPerKubernetesRule = 256
    /// Rules that a Kubernetes NetworkPolicy, or one of policy.networking.k8s.io, becomes for one direction: one for each protocol and kind of peer.
    public static let expandedKubernetesRules = 4096
    /// Rules of a ClusterNetworkPolicy for one direction, and peers and protocols of one of them: the specification's limit.
    public static let clusterPolicyItems = 25
    /// The same of an AdminNetworkPolicy or BaselineAdminNetworkPolicy: the specification's limit.
    public static let adminPolicyItems = 100
    /// Blocks of one peer of these: the specification's limit.
    public static let networksPerPeer = 25
    /// The name of a rule of these, in characters: the specification's limit.
    public static let ruleNameLength = 100
    /// Endpoints of an EndpointSlice: Kubernetes' limit.
    public static let endpointsPerSlice = 1000
    /// Addresses of an endpoint of an EndpointSlice: Kubernetes' limit.
    public static let addressesPerSliceEndpoint = 100
    /// Ports of an EndpointSlice: Kubernetes' limit.
    public static let portsPerSlice = 100
    /// Keys and values of all annotations together, in bytes: Kubernetes' limit.
    public static let annotationBytes = 256 * 1024
    /// Data of a Secret or ConfigMap, in bytes: Kubernetes' limit.
    public static let dataBytes = 1024 * 1024
    /// Errors in one answer; the object is refused whatever their number.
    public static let reportedErrors = 100
    /// Names of namespaces, tiers and services, values of labels: a DNS label (RFC 1123).
    public static let labelLength = 63
    /// All other names: a DNS subdomain (RFC 1123).
    public static let subdomainLength = 253

    /// All of them, for people.
    public static let all: [Limit] = {
        let calico = "Calico's limit; beyond it the object is refused with the path"
        let kubernetes = "Kubernetes' limit; beyond it the object is refused with the path"
        let specification = "the limit of policy.networking.k8s.io; beyond it the object is refused with the path"
        let ours = "what a node can be asked to hold; beyond it the object is refused with the path"
        return [
            limit("rules of a policy or profile for one direction", rulesPerDirection, calico),
            limit("nets, or notNets, of one side of a rule", netsPerEntity, calico),
            limit("ports, or notPorts, of one side of a rule", portsPerEntity, calico),
            limit("names of service accounts of one side of a rule", serviceAccountsPerEntity, ours),
            limit("nets of a network set", netsPerNetworkSet, "what fits into one request; make several sets with the same labels"),
            limit("addresses of a workload endpoint", addressesPerEndpoint, ours),
            limit("blocks of sources admitted at a workload endpoint", admittedSourcesPerEndpoint, ours),
            limit("named ports of a workload endpoint", portsPerEndpoint, ours),
            limit("profiles of a workload endpoint", profilesPerEndpoint, ours),
            limit("peers of a rule of a Kubernetes NetworkPolicy", peersPerKubernetesRule, ours),
            limit("ports of a rule of a Kubernetes NetworkPolicy", portsPerKubernetesRule, ours),
            limit("rules that a Kubernetes NetworkPolicy becomes for one direction", expandedKubernetesRules, ours),
            limit("rules of a ClusterNetworkPolicy for one direction; peers, protocols of one", clusterPolicyItems, specification),
            limit("rules of an AdminNetworkPolicy for one direction; peers, ports of one", adminPolicyItems, specification),
            limit("networks of a peer of these", networksPerPeer, specification),
            limit("name of a rule of these", ruleNameLength, unit: "characters", specification),
            limit("endpoints of an EndpointSlice", endpointsPerSlice, kubernetes),
            limit("addresses of an endpoint of an EndpointSlice", addressesPerSliceEndpoint, kubernetes),
            limit("ports of an EndpointSlice", portsPerSlice, kubernetes),
            limit("annotations of an object, keys and values", annotationBytes, unit: "bytes", kubernetes),
            limit("data of a Secret or ConfigMap", dataBytes, unit: "bytes", kubernetes),
            limit("errors in one answer", reportedErrors, "further ones are left out; the object is refused all the same"),
            limit("names of namespaces, tiers and services; values of labels", labelLength, unit: "characters", kubernetes),
            limit("names of all other objects", subdomainLength, unit: "characters", kubernetes),
        ]
    }()

    private static func limit(_ name: String, _ value: Int, unit: String = "", _ reason: String) -> Limit {
        Limit("object", name, value, unit: unit, reason: reason)
    }
}

/// What a selector may be at most.
public enum SelectorLimits {
    /// Calico's newest schemas allow 1,024 characters, its older releases any number.
    public static let maximumBytes = 8192
    /// Parentheses inside each other.
    public static let maximumDepth = 64
    /// The longest label key: Calico's, more than Kubernetes allows.
    public static let maximumKeyBytes = 512

    /// All of them, for people.
    public static let all: [Limit] = [
        Limit(
            "selector", "length of a selector", maximumBytes, unit: "bytes",
            reason: "eight times what Calico's newest schemas allow; refused with the position"),
        Limit(
            "selector", "parentheses inside each other", maximumDepth,
            reason: "no selector of a person needs more; refused with the position"),
        Limit(
            "selector", "length of a label's key", maximumKeyBytes, unit: "bytes",
            reason: "Calico's limit; refused with the position"),
    ]
}

/// What a document may be at most. Objects beyond these are a mistake or an attack, and are refused before they cost.
public enum JSONLimits {
    public static let maximumBytes = 10 * 1024 * 1024
    /// Arrays and objects inside each other. The deepest kind we serve needs eleven.
    public static let maximumDepth = 64
    /// Operations of a JSON patch.
    public static let patchOperations = 10_000
    /// Values that a JSON patch copies: copies of copies grow beyond every document.
    public static let patchCopiedValues = 1_000_000

    /// All of them, for people.
    public static let all: [Limit] = [
        Limit(
            "document", "length of a JSON document", maximumBytes, unit: "bytes",
            reason: "refused before it is read; a request's body has its own limit"),
        Limit(
            "document", "lists and objects inside each other", maximumDepth,
            reason: "the deepest kind needs eleven; refused with line and column"),
        Limit(
            "document", "operations of a JSON patch", patchOperations, reason: "as the Kubernetes API server; refused"),
        Limit(
            "document", "values that a JSON patch copies", patchCopiedValues,
            reason: "copies of copies grow beyond every document; refused with the operation"),
    ]
}

/// Every limit of this module.
public enum PolicyModelLimits {
    public static let all: [Limit] = ObjectLimits.all + SelectorLimits.all + JSONLimits.all
}
