import PolicyModel

/// A policy, a staged policy or a profile: something with rules.
struct RuleOwner: Sendable {
    enum Source: Hashable, Sendable {
        case enforced(PolicyReference)
        case staged(PolicyReference)
        case profile(String)
    }

    /// The rules of one direction and IP version.
    struct CompiledRules: Sendable {
        var rules: [CompiledRule]
        /// The sets that the local address is asked about, sorted.
        var localSets: [SetNumber]
    }

    let source: Source
    /// As reasons name it.
    let name: ResidualPolicy.Owner
    let ingress: [PolicyRule]
    let egress: [PolicyRule]
    /// Of the rules' selectors; nil for global ones.
    let namespace: String?
    let denyAction: DenyAction?
    /// nil for a profile.
    let place: Place?
    /// Another for each content; internal.
    var revision: Int32 = 0
    /// The labels of the endpoints that it applies to with which its rules compare their peers, sorted.
    let subjectKeys: [String]
    /// By direction and version; nil until asked for.
    private var compiled: [CompiledRules?] = [nil, nil, nil, nil]
    /// The same where rules compare with labels of the local endpoint, by these.
    private var variants: [SubjectValues: [CompiledRules?]] = [:]
    /// The local contributors that it applies to.
    var users: Set<Int32> = []

    /// Where a policy stands among others, and whom it selects.
    struct Place: Sendable {
        var tier: String
        var order: Double?
        /// Settles ties.
        var text: String
        var directions: Set<Direction>
        var worlds: Worlds
        var subjects: Selector
        var selector: CompiledSelector
        var anchor = AddressSetTable.Anchor.nothing
    }

    /// - Parameter staged: the staged object, for what a staged policy would enforce.
    init(_ policy: Policy, staged: PolicyReference?, worlds: Worlds, texts: inout LabelTexts) {
        source = staged.map(Source.staged) ?? .enforced(policy.reference)
        name = .policy(staged ?? policy.reference)
        ingress = policy.directions.contains(.ingress) ? policy.ingress : []
        egress = policy.directions.contains(.egress) ? policy.egress : []
        namespace = policy.namespace
        denyAction = policy.denyAction
        subjectKeys = Self.subjectKeys(ingress + egress)
        let subjects = PeerSelector.subjects(of: policy)
        place = Place(
            tier: policy.tier, order: policy.order, text: Self.text(policy.reference, staged: staged ?? policy.reference),
            directions: policy.directions, worlds: worlds, subjects: subjects,
            selector: CompiledSelector(subjects, texts: &texts))
    }

    init(_ profile: Profile) {
        source = .profile(profile.name)
        name = .profile(profile.name)
        ingress = profile.ingress
        egress = profile.egress
        namespace = nil
        denyAction = nil
        subjectKeys = Self.subjectKeys(ingress + egress)
        place = nil
    }

    private init(_ other: RuleOwner, place: Place?) {
        source = other.source
        name = other.name
        ingress = other.ingress
        egress = other.egress
        namespace = other.namespace
        denyAction = other.denyAction
        self.place = place
        revision = other.revision
        subjectKeys = other.subjectKeys
        compiled = other.compiled
        variants = other.variants
        users = other.users
    }

    func with(_ change: (inout Place) -> Void) -> RuleOwner {
        guard var place else { return self }
        change(&place)
        return RuleOwner(self, place: place)
    }

    /// Ties in order compare name, namespace and kind, of a Kubernetes NetworkPolicy as its user wrote them. Several staged objects
    /// may stand for one enforced one: then their own names decide.
    private static func text(_ enforced: PolicyReference, staged: PolicyReference) -> String {
        var (kind, name) = (enforced.kind, enforced.name)
        if kind == "NetworkPolicy", name.hasPrefix(Policy.kubernetesPrefix) {
            name = String(name.dropFirst(Policy.kubernetesPrefix.count))
            kind = "KubernetesNetworkPolicy"
        } else if clusterKinds.contains(kind) {
            kind = "Kubernetes" + kind
        }
        return "\(name)/\(enforced.namespace)/\(kind)/\(staged.name)/\(staged.kind)"
    }

    /// Those of policy.networking.k8s.io.
    private static let clusterKinds: Set<String> = [
        "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy",
    ]

    private static func index(_ direction: Direction, _ version: IPVersion) -> Int {
        2 * Int(direction.rawValue) + (version == .v4 ? 0 : 1)
    }

    private static func subjectKeys(_ rules: [PolicyRule]) -> [String] {
        var keys: Set<String> = []
        for rule in rules { keys.formUnion(rule.source.subjectKeys.union(rule.destination.subjectKeys)) }
        return keys.sorted()
    }

    subscript(_ direction: Direction, _ version: IPVersion, _ subject: SubjectValues) -> CompiledRules? {
        get {
            let index = Self.index(direction, version)
            return subject.isEmpty ? compiled[index] : variants[subject]?[index]
        }
        set {
            let index = Self.index(direction, version)
            if subject.isEmpty {
                compiled[index] = newValue
            } else {
                variants[subject, default: [nil, nil, nil, nil]][index] = newValue
            }
        }
    }

    var isRead: Bool { compiled.contains { $0 != nil } || !variants.isEmpty }

    mutating func forgetRules() {
        compiled = [nil, nil, nil, nil]
        variants = [:]
    }

    /// Drops what is compiled for labels that nobody has any more.
    mutating func forgetVariants(except used: Set<SubjectValues>) {
        variants = variants.filter { used.contains($0.key) }
    }

    /// Every set that its compiled rules mention.
    var sets: [SetNumber] {
        (compiled + variants.values.flatMap(\.self)).flatMap { $0?.rules.flatMap { $0.localSets + $0.peerSets } ?? [] }
    }

    /// The port names that its rules mention.
    var portNames: Set<String> {
        var names: Set<String> = []
        for rule in ingress + egress {
            for side in [rule.source, rule.destination] {
                names.formUnion(side.namedPorts)
                names.formUnion(side.notNamedPorts)
            }
        }
        return names
    }

    /// The services whose ports its rules mean.
    var services: Set<NamespacedName> {
        Set(
            (ingress + egress).compactMap(\.destination.services).map {
                NamespacedName(namespace: $0.namespace.isEmpty ? namespace ?? "" : $0.namespace, name: $0.name)
            })
    }
}

extension RuleOwner.Place {
    /// Whether the policy is asked before another of its tier: by order, those without one last; then by text.
    func isBefore(_ other: Self) -> Bool {
        PolicyOrder.isBefore(order, text, other.order, other.text)
    }
}

/// Orders compare as Calico's: what has none comes last; ties compare texts by their UTF-8 bytes.
enum PolicyOrder {
    static func isBefore(_ left: Double?, _ leftText: String, _ right: Double?, _ rightText: String) -> Bool {
        switch (left, right) {
        case (let first?, let second?) where first != second: first < second
        case (_?, nil): true
        case (nil, _?): false
        default: leftText.utf8.lexicographicallyPrecedes(rightText.utf8)
        }
    }
}
