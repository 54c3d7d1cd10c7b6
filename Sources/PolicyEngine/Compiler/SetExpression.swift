import PolicyModel

/// Number of an address set. Internal: given to another expression only when no remembered content mentions it.
typealias SetNumber = Int32

/// What an address set holds, in canonical form: equal expressions are one set.
enum SetExpression: Hashable, Sendable {
    /// The addresses of endpoints and network sets whose labels match.
    case members(Selector)
    /// The addresses of endpoints whose labels match and that call a port so.
    case namedPort(Selector, name: String, PortVariant)
    /// The addresses behind a service.
    case service(NamespacedName)
    /// Those that have the port.
    case servicePort(NamespacedName, PortVariant)
    /// Sorted, of one IP version, none inside another.
    case nets([AddressBlock])

    /// nil when no block is of this version.
    init?(nets: [AddressBlock], version: IPVersion) {
        var kept: [AddressBlock] = []
        for block in nets.filter({ $0.version == version }).sorted() {
            if let last = kept.last, last.contains(block) { continue }
            kept.append(block)
        }
        guard !kept.isEmpty else { return nil }
        self = .nets(kept)
    }
}

/// Labels that are not the user's own.
enum SystemLabel {
    static let namespace = "projectcalico.org/namespace"
    static let orchestrator = "projectcalico.org/orchestrator"
    static let serviceAccount = "projectcalico.org/serviceaccount"
    static let name = "projectcalico.org/name"
    static let namespacePrefix = "pcns."
    static let serviceAccountPrefix = "pcsa."
}
