import PolicyModel

/// Whom the selectors of one side of a rule, or of a policy, mean: selectors over the labels that endpoints and
/// network sets have in the end.
struct PeerSelector {
    /// Who is meant; nil: the side has no positive selector.
    var positive: Selector?
    /// Who is not meant, where there is no positive selector.
    var negative: Selector?

    /// Whose named ports are meant.
    var portOwners: Selector { positive ?? .all }

    /// - Parameter namespace: of the policy; nil for a global one and for a profile.
    init(_ side: EntityRule, namespace: String?) {
        let own = namespace.map { Selector.equals(key: SystemLabel.namespace, value: $0) }
        let accounts = side.serviceAccounts.map(Self.selectors) ?? []
        // As in Calico, a NetworkPolicy's side with any selector, notSelector alone included, picks within its namespace.
        let isPicking = side.selector != nil || side.namespaceSelector != nil || !accounts.isEmpty
        guard isPicking || (own != nil && side.notSelector != nil) else {
            negative = side.notSelector
            return
        }
        let scope = side.namespaceSelector.map(Self.selector) ?? own
        positive = Self.all([scope, side.selector].compactMap(\.self) + accounts + (side.notSelector.map { [.not($0)] } ?? []))
    }

    /// The endpoints that a policy applies to.
    static func subjects(of policy: Policy) -> Selector {
        var parts: [Selector] = []
        // A namespaced policy never leaves its namespace.
        if let namespace = policy.namespace {
            parts.append(.equals(key: SystemLabel.namespace, value: namespace))
        } else if let namespaceSelector = policy.namespaceSelector {
            parts.append(selector(namespaceSelector))
        }
        parts.append(policy.selector)
        if let accounts = policy.serviceAccountSelector { parts.append(selector(serviceAccounts: accounts)) }
        return all(parts)
    }

    private static func selectors(_ accounts: ServiceAccountMatch) -> [Selector] {
        var parts: [Selector] = []
        if !accounts.names.isEmpty {
            parts.append(.isIn(key: SystemLabel.serviceAccount, values: Set(accounts.names)))
        }
        if let selector = accounts.selector { parts.append(Self.selector(serviceAccounts: selector)) }
        return parts
    }

    private static func selector(_ namespaceSelector: NamespaceSelector) -> Selector {
        let inNamespace = Selector.has(key: SystemLabel.namespace)
        return switch namespaceSelector {
        case .global: .not(inNamespace)
        case .matching(let selector):
            prefixed(selector, SystemLabel.namespacePrefix, all: inNamespace, global: .not(inNamespace))
        }
    }

    private static func selector(serviceAccounts selector: Selector) -> Selector {
        prefixed(selector, SystemLabel.serviceAccountPrefix, all: .all, global: .all)
    }

    private static func all(_ parts: [Selector]) -> Selector {
        let asking = parts.filter { $0 != .all }
        return asking.count > 1 ? .and(asking) : asking.first ?? .all
    }

    /// The selector with a prefix before each of its keys, and with other words for `all()` and `global()`.
    private static func prefixed(
        _ selector: Selector, _ prefix: String, all: Selector, global: Selector
    ) -> Selector {
        func again(_ inner: Selector) -> Selector { prefixed(inner, prefix, all: all, global: global) }
        return switch selector {
        case .all: all
        case .global: global
        case .has(let key): .has(key: prefix + key)
        case .equals(let key, let value): .equals(key: prefix + key, value: value)
        case .notEquals(let key, let value): .notEquals(key: prefix + key, value: value)
        case .contains(let key, let value): .contains(key: prefix + key, value: value)
        case .startsWith(let key, let value): .startsWith(key: prefix + key, value: value)
        case .endsWith(let key, let value): .endsWith(key: prefix + key, value: value)
        case .isIn(let key, let values): .isIn(key: prefix + key, values: values)
        case .isNotIn(let key, let values): .isNotIn(key: prefix + key, values: values)
        // Nothing is compared with an endpoint here.
        case .sameNamespace, .sameLabel: .not(.all)
        case .not(let inner): .not(again(inner))
        case .and(let parts): .and(parts.map(again))
        case .or(let parts): .or(parts.map(again))
        }
    }
}
