import PolicyModel

/// Selectors as conditions on one set of labels, `all()` meaning "true" whatever the field.
///
/// What depends on more than the labels of one (whether a label equals that of the endpoint that the policy applies to,
/// whether an endpoint gives a port a name) becomes a label of its own that no object can have.
enum LabelFormula {
    static let isFalse = Selector.not(.all)
    static let hasNamespace = Selector.has(key: SystemLabels.namespace)
    /// What every endpoint has.
    static let isEndpoint = Selector.and([hasNamespace, .has(key: SystemLabels.orchestrator)])

    static func inNamespace(_ name: String) -> Selector { .equals(key: SystemLabels.namespace, value: name) }

    /// A `selector` or `notSelector`.
    static func selector(_ selector: Selector) -> Selector { read(selector, prefix: "", all: .all, global: .all) }

    static func namespaces(_ selector: NamespaceSelector) -> Selector {
        switch selector {
        case .global: .not(hasNamespace)
        case .matching(let selector): read(selector, prefix: "pcns.", all: hasNamespace, global: .not(hasNamespace))
        }
    }

    /// A selector of service accounts: `all()` is true also without an account.
    static func serviceAccounts(_ selector: Selector) -> Selector { read(selector, prefix: "pcsa.", all: .all, global: .all) }

    /// Endpoints that give the port in question one of these names.
    static func names(of ports: [String]) -> Selector {
        conjunction([isEndpoint, disjunction(ports.map { .has(key: "\u{0}port \($0)") })])
    }

    static func conjunction(_ parts: [Selector]) -> Selector {
        let parts = parts.filter { $0 != .all }
        return parts.count > 1 ? .and(parts) : parts.first ?? .all
    }

    static func disjunction(_ parts: [Selector]) -> Selector {
        parts.count > 1 ? .or(parts) : parts.first ?? isFalse
    }

    private static func read(_ selector: Selector, prefix: String, all: Selector, global: Selector) -> Selector {
        func key(_ key: String) -> String { prefix.isEmpty ? key : prefix + key }
        switch selector {
        case .all: return all
        case .global: return global
        case .has(let name): return .has(key: key(name))
        case .equals(let name, let value): return .equals(key: key(name), value: value)
        case .notEquals(let name, let value): return .notEquals(key: key(name), value: value)
        case .contains(let name, let value): return .contains(key: key(name), value: value)
        case .startsWith(let name, let value): return .startsWith(key: key(name), value: value)
        case .endsWith(let name, let value): return .endsWith(key: key(name), value: value)
        case .isIn(let name, let values): return .isIn(key: key(name), values: values)
        case .isNotIn(let name, let values): return .isNotIn(key: key(name), values: values)
        case .sameNamespace: return .and([hasNamespace, .has(key: "\u{0}same namespace")])
        case .sameLabel(let name): return .and([.has(key: name), .has(key: "\u{0}same \(name)")])
        case .not(let inner): return .not(read(inner, prefix: prefix, all: all, global: global))
        case .and(let parts): return .and(parts.map { read($0, prefix: prefix, all: all, global: global) })
        case .or(let parts): return .or(parts.map { read($0, prefix: prefix, all: all, global: global) })
        }
    }

    /// Whether the formula asks for more than the labels of one: then labels alone do not tell whether it holds.
    static func asksForMore(_ formula: Selector) -> Bool {
        switch formula {
        case .has(let key): key.hasPrefix("\u{0}")
        case .not(let inner): asksForMore(inner)
        case .and(let parts), .or(let parts): parts.contains(where: asksForMore)
        default: false
        }
    }

    /// Labels that the formula asks to have one of few values, whatever else holds.
    static func requirements(_ formula: Selector) -> [String: Set<String>] {
        switch formula {
        case .equals(let key, let value): return [key: [value]]
        case .isIn(let key, let values): return [key: values]
        case .and(let parts):
            return parts.reduce(into: [:]) { found, part in
                found.merge(requirements(part)) { $0.intersection($1) }
            }
        default: return [:]
        }
    }
}
