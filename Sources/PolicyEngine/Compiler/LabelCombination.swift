import PolicyModel

/// Everything about an endpoint that selectors and profiles can see. Endpoints with equal combinations are selected alike.
struct CombinationKey: Hashable {
    /// Empty: the endpoint has none.
    var namespace: String
    var namespaceExists: Bool
    var namespaceLabels: [String: String]
    var labels: [String: String]

    private static let nameLabel = "projectcalico.org/name"
    private static let namespaceLabel = "projectcalico.org/namespace"
    private static let orchestratorLabel = "projectcalico.org/orchestrator"
    private static let inheritedPrefix = "pcns."

    init(_ endpoint: WorkloadEndpoint, namespace object: Namespace?) {
        namespace = endpoint.key.namespace
        namespaceExists = object != nil && !namespace.isEmpty
        namespaceLabels = [:]
        labels = [:]
        // As in Calico, a namespace that does not exist has no profile to inherit even its name from.
        if !namespace.isEmpty, let object {
            namespaceLabels = object.labels
            namespaceLabels[Self.nameLabel] = namespace
            for (key, value) in namespaceLabels { labels[Self.inheritedPrefix + key] = value }
        }
        labels.merge(endpoint.labels) { _, own in own }
        // After its own: a workload must not be able to pass for one of another namespace.
        labels[Self.orchestratorLabel] = endpoint.orchestrator.isEmpty ? "k8s" : endpoint.orchestrator
        labels[Self.namespaceLabel] = namespace.isEmpty ? nil : namespace
    }
}

/// A combination with what is known of it.
struct LabelCombination {
    let key: CombinationKey
    var namespace: Int32
    var labels: LabelSet
    var namespaceLabels: LabelSet
    var endpoints: Set<EndpointKey> = []
    /// The sets in use that its endpoints' addresses belong to, sorted.
    var sets: [SetNumber] = []
    /// The number of `sets`; nil when not looked up since they changed.
    var identity: IdentityID?
    /// By direction; nil when not known for this generation of the policies.
    var selections: [Selection?] = [nil, nil]
    var selectionGeneration = 0

    private var known: [UInt64] = []
    private var matched: [UInt64] = []

    init(_ key: CombinationKey, texts: inout LabelTexts) {
        self.key = key
        namespace = texts.intern(key.namespace)
        labels = LabelSet(key.labels, texts: &texts)
        namespaceLabels = LabelSet(key.namespaceLabels, texts: &texts)
    }

    /// Reads its labels anew over another table of texts. What is known of sets stays.
    mutating func rebuild(texts: inout LabelTexts) {
        namespace = texts.intern(key.namespace)
        labels = LabelSet(key.labels, texts: &texts)
        namespaceLabels = LabelSet(key.namespaceLabels, texts: &texts)
    }

    /// nil when the set was not evaluated yet.
    func result(_ set: SetNumber) -> Bool? {
        let word = Int(set) >> 6
        let bit: UInt64 = 1 << UInt64(set & 63)
        guard word < known.count, known[word] & bit != 0 else { return nil }
        return matched[word] & bit != 0
    }

    mutating func remember(_ set: SetNumber, _ result: Bool) {
        let word = Int(set) >> 6
        if word >= known.count {
            let missing = word + 1 - known.count
            known.append(contentsOf: repeatElement(0, count: missing))
            matched.append(contentsOf: repeatElement(0, count: missing))
        }
        let bit: UInt64 = 1 << UInt64(set & 63)
        known[word] |= bit
        if result { matched[word] |= bit } else { matched[word] &= ~bit }
    }

    mutating func forget(_ set: SetNumber) {
        let word = Int(set) >> 6
        guard word < known.count else { return }
        known[word] &= ~(1 << UInt64(set & 63))
    }

    func evaluate(_ record: AddressSetTable.Record, texts: LabelTexts) -> Bool {
        switch record.scope {
        case .everywhere: break
        case .namespace(let name): guard name == namespace else { return false }
        case .withoutNamespace: guard key.namespace.isEmpty else { return false }
        case .namespaces(let selector):
            guard !key.namespace.isEmpty, selector.matches(namespaceLabels, texts: texts) else { return false }
        }
        return record.selector.matches(labels, texts: texts)
    }
}

/// The tiers and policies that apply to a combination in one direction, in order.
struct Selection {
    struct SelectedTier {
        var name: String
        var defaultAction: Tier.DefaultAction
        var policies: [PolicyReference]
    }

    var tiers: [SelectedTier]
    /// Some rule asks for something of the local end's address beyond its version.
    var dependsOnAddress: Bool
    /// By version, where it does not depend on the address.
    var stacks: [IPVersion: StackID] = [:]
}
