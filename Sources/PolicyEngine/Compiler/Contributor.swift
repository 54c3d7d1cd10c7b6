import PolicyModel

/// What a contributor is, before its labels are settled. Equal ones are in the same sets.
enum ContributorKey: Hashable, Sendable {
    case endpoint(EndpointTraits)
    case networkSet(namespace: String, labels: [String: String])
    case slice(service: NamespacedName, ports: [PortVariant])
    /// The blocks of a rule: the set itself.
    case nets(SetNumber)
}

/// Everything of an endpoint that selectors, named ports and profiles can see.
struct EndpointTraits: Hashable, Sendable {
    var namespace: String
    var labels: [String: String]
    var orchestrator: String
    var serviceAccount: String
    var ports: [NamedPort]
    var profiles: [String]

    init(_ endpoint: WorkloadEndpoint) {
        namespace = endpoint.key.namespace
        labels = endpoint.labels
        orchestrator = endpoint.orchestrator
        serviceAccount = endpoint.serviceAccount
        ports = endpoint.ports
        profiles = endpoint.profiles ?? Self.ownProfiles(namespace: namespace, serviceAccount: serviceAccount)
    }

    private static func ownProfiles(namespace: String, serviceAccount: String) -> [String] {
        let ofNamespace = Profile.namespacePrefix + namespace
        guard !serviceAccount.isEmpty else { return [ofNamespace] }
        return [ofNamespace, "\(Profile.serviceAccountPrefix)\(namespace).\(serviceAccount)"]
    }
}

/// Something whose addresses belong to the same sets: endpoints, network sets or endpoint slices that are alike, or the
/// blocks of a rule.
struct Contributor: Sendable {
    let key: ContributorKey
    var labels: LabelSet
    /// Endpoints, network sets, slices: their member numbers, in no order.
    var members: [Int32] = []
    /// The sets in use that its addresses belong to, sorted.
    var sets: [SetNumber] = []
    /// The number of `sets`; nil when not looked up since they changed.
    var identity: IdentityID?
    /// Its endpoints that this node polices.
    var localMembers = 0

    /// The profiles that it takes labels from.
    var profiles: [String] {
        switch key {
        case .endpoint(let traits): traits.profiles
        case .networkSet(let namespace, _): namespace.isEmpty ? [] : [Profile.namespacePrefix + namespace]
        case .slice, .nets: []
        }
    }

    var ports: [NamedPort] {
        if case .endpoint(let traits) = key { traits.ports } else { [] }
    }

    /// Where sets are found that it may be in. The labels of contributors without any are empty.
    var anchors: [AddressSetTable.Anchor] {
        switch key {
        case .endpoint, .networkSet: [.nothing] + labels.anchors.map(AddressSetTable.Anchor.label)
        case .slice(let service, _): [.service(service)]
        case .nets: []
        }
    }

    /// Whether its addresses are in a set.
    func isIn(_ record: AddressSetTable.Record, _ number: SetNumber, texts: LabelTexts) -> Bool {
        switch (record.expression, key) {
        case (.members, .endpoint), (.members, .networkSet):
            return record.selector.matches(labels, texts: texts)
        case (.namedPort(_, let name, let variant), .endpoint(let traits)):
            return traits.ports.contains {
                $0.name == name && $0.transport == variant.transport && $0.port == variant.port
            } && record.selector.matches(labels, texts: texts)
        case (.service(let wanted), .slice(let service, _)):
            return wanted == service
        case (.servicePort(let wanted, let variant), .slice(let service, let ports)):
            return wanted == service && ports.contains(variant)
        case (.nets, .nets(let own)):
            return own == number
        default:
            return false
        }
    }
}

/// An endpoint, a network set, a slice, or the blocks of a rule, with its addresses.
struct Member: Sendable {
    var contributor: Int32
    /// Its place in the contributor's `members`.
    var position: Int32
    var hosts: [IPAddress]
    /// Shorter than an address.
    var blocks: [AddressBlock]
    /// For endpoints.
    var endpoint: EndpointKey?
    var isLocal: Bool
    /// The addresses that have a leg in the tables.
    var legs: [IPAddress] = []

    /// Full-length blocks are hosts.
    static func split(_ nets: [AddressBlock]) -> (hosts: [IPAddress], blocks: [AddressBlock]) {
        var hosts: [IPAddress] = []
        var blocks: [AddressBlock] = []
        for block in nets {
            if block.prefixLength == block.version.width { hosts.append(block.address) } else { blocks.append(block) }
        }
        return (hosts, blocks)
    }
}

extension PolicyWorld {
    /// The labels that the selectors of others see of a contributor.
    func effectiveLabels(_ key: ContributorKey) -> [String: String] {
        switch key {
        case .endpoint(let traits):
            var labels = inheritedLabels(traits.profiles)
            // As in Calico, nobody may say for himself which labels his namespace and service account have, or where he runs.
            for (key, value) in traits.labels
            where !key.hasPrefix(SystemLabel.namespacePrefix) && !key.hasPrefix(SystemLabel.serviceAccountPrefix) {
                labels[key] = value
            }
            labels[SystemLabel.namespace] = traits.namespace
            labels[SystemLabel.orchestrator] = traits.orchestrator.isEmpty ? "k8s" : traits.orchestrator
            if !traits.serviceAccount.isEmpty { labels[SystemLabel.serviceAccount] = traits.serviceAccount }
            return labels
        case .networkSet(let namespace, let own):
            guard !namespace.isEmpty else { return own }
            var labels = inheritedLabels([Profile.namespacePrefix + namespace])
            labels.merge(own) { $1 }
            labels[SystemLabel.namespace] = namespace
            return labels
        case .slice, .nets:
            return [:]
        }
    }

    /// Of two profiles that give the same label, the first wins.
    private func inheritedLabels(_ names: [String]) -> [String: String] {
        var labels: [String: String] = [:]
        for name in names {
            if let profile = profiles[name] {
                labels.merge(profile.labels) { earlier, _ in earlier }
            } else if let namespace = namespace(ofProfile: name) {
                Self.inherit(namespace.labels, SystemLabel.namespacePrefix, namespace.name, into: &labels)
            } else if let account = serviceAccount(ofProfile: name) {
                Self.inherit(account.labels, SystemLabel.serviceAccountPrefix, account.name, into: &labels)
            }
        }
        return labels
    }

    private static func inherit(
        _ own: [String: String], _ prefix: String, _ name: String, into labels: inout [String: String]
    ) {
        for (key, value) in own where labels[prefix + key] == nil && key != SystemLabel.name { labels[prefix + key] = value }
        if labels[prefix + SystemLabel.name] == nil { labels[prefix + SystemLabel.name] = name }
    }

    /// The namespace that brings a profile of this name.
    func namespace(ofProfile name: String) -> Namespace? {
        guard name.hasPrefix(Profile.namespacePrefix) else { return nil }
        return namespaces[String(name.dropFirst(Profile.namespacePrefix.count))]
    }

    /// The service account that brings a profile of this name: a namespace's name has no dot.
    func serviceAccount(ofProfile name: String) -> ServiceAccount? {
        guard name.hasPrefix(Profile.serviceAccountPrefix) else { return nil }
        let rest = name.dropFirst(Profile.serviceAccountPrefix.count)
        guard let dot = rest.firstIndex(of: ".") else { return nil }
        return serviceAccounts[
            NamespacedName(namespace: String(rest[..<dot]), name: String(rest[rest.index(after: dot)...]))]
    }
}
