import PolicyModel

/// The kinds that the server serves, by their place in the API.
struct ResourceCatalog: Sendable {
    /// A group and version: one discovery document.
    struct GroupVersion: Sendable, Hashable {
        /// Empty for the core group.
        var group: String
        var version: String

        var text: String { group.isEmpty ? version : "\(group)/\(version)" }
        /// `api/v1`, `apis/projectcalico.org/v3`.
        var path: String { group.isEmpty ? "api/\(version)" : "apis/\(group)/\(version)" }
    }

    /// Whose objects are stored, and their aliases.
    let kinds: [ResourceKind]
    /// Those that are answered and not stored.
    let reviews: [ResourceKind]
    /// In the order of `kinds` and `reviews`, without repetition.
    let groupVersions: [GroupVersion]
    let namespaceKind: ResourceKind?
    let tierKind: ResourceKind?
    private let byPlace: [GroupVersion: [String: ResourceKind]]

    init(kinds: [ResourceKind], reviews: [ResourceKind] = []) {
        self.kinds = kinds
        self.reviews = reviews
        namespaceKind = kinds.first(where: \.isNamespace)
        tierKind = kinds.first(where: \.isTier)
        byPlace = Dictionary(grouping: kinds) { GroupVersion(group: $0.group, version: $0.version) }
            .mapValues { Dictionary($0.map { ($0.plural, $0) }) { first, _ in first } }
        var seen: Set<GroupVersion> = []
        groupVersions = (kinds + reviews).map { GroupVersion(group: $0.group, version: $0.version) }
            .filter { seen.insert($0).inserted }
    }

    func kinds(in groupVersion: GroupVersion) -> [ResourceKind] {
        (kinds + reviews).filter { $0.group == groupVersion.group && $0.version == groupVersion.version }
    }

    func review(_ groupVersion: GroupVersion, plural: String) -> ResourceKind? {
        reviews.first { $0.group == groupVersion.group && $0.version == groupVersion.version && $0.plural == plural }
    }

    func kind(_ groupVersion: GroupVersion, plural: String) -> ResourceKind? {
        byPlace[groupVersion]?[plural]
    }

    /// By kind name; the names that the server itself treats specially are unique.
    func kind(named name: String) -> ResourceKind? { kinds.first { $0.kind == name } }
}

extension ResourceKind {
    var isNamespace: Bool { group.isEmpty && kind == "Namespace" }
    /// Whether its status is written apart.
    var hasStatus: Bool { !isReview && fields.contains { $0.name == "status" } }
    var isTier: Bool { group == "projectcalico.org" && kind == "Tier" }
    /// A kind whose `spec.tier` names a tier, enforced or staged.
    var namesTier: Bool {
        isTieredPolicy
            || group == "projectcalico.org" && (kind == "StagedNetworkPolicy" || kind == "StagedGlobalNetworkPolicy")
    }
    /// Of those, one that is enforced.
    var isTieredPolicy: Bool {
        group == "projectcalico.org" && (kind == "NetworkPolicy" || kind == "GlobalNetworkPolicy")
    }
}
