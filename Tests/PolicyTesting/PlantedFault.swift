import PolicyModel

/// Mistakes that a compiler could make, as changes to the world that it is given. A comparison that does not notice
/// one of them is not worth its time.
public enum PlantedFault: String, Sendable, CaseIterable {
    case policyOrderSwapped
    case tierOrderSwapped
    case missingOrderFirst
    case tiesByNamespaceFirst
    case passAsAllow
    case passAsDeny
    case lastRuleLost
    case endOfTierSkipped
    case defaultActionPassIgnored
    case typesIgnored
    case rangeEndOffByOne
    case rangeStartOffByOne
    case sourcePortsIgnored
    case destinationPortsIgnored
    case protocolIgnored
    case versionSixPrefixCutAt64
    case prefixOneShorter
    case netsIgnored
    case selectorIgnored
    case namespaceSelectorIgnored
    case policyNamespaceSelectorIgnored
    case impliedNamespaceIgnored
    case missingLabelNeverUnequal
    case beginningTakenForPart
    case namespaceLabelsNotInherited
    case ownLabelNamesTheNamespace
    case onlyFirstAddressKnown
    case oneClaimantOfAnAddress
    case missingNamespaceAllowed

    /// The world as a compiler with this fault would see it.
    public func apply(to world: PolicyWorld) -> PolicyWorld {
        var world = world
        switch self {
        case .tierOrderSwapped:
            world.tiers = world.tiers.mapValues { Self.with($0) { $0.order = $0.order.map { -$0 } } }
        case .endOfTierSkipped:
            world.tiers = world.tiers.mapValues { Self.with($0) { $0.defaultAction = .pass } }
        case .defaultActionPassIgnored:
            world.tiers = world.tiers.mapValues { Self.with($0) { $0.defaultAction = .deny } }
        case .namespaceLabelsNotInherited:
            world.namespaces = world.namespaces.mapValues { Self.with($0) { $0.labels = [:] } }
        case .ownLabelNamesTheNamespace:
            for (key, endpoint) in world.endpoints {
                world.endpoints[key]?.labels[Self.claimedKey] = endpoint.labels[Self.namespaceKey] ?? key.namespace
            }
            world.policies = world.policies.mapValues { policy in Self.with(policy) { change(&$0) } }
        case .missingNamespaceAllowed:
            for key in world.endpoints.keys where world.namespaces[key.namespace] == nil {
                world.namespaces[key.namespace] = Namespace(name: key.namespace)
            }
        case .onlyFirstAddressKnown:
            // Only of others' endpoints: the node's own would lose the leg that is asked about.
            for (key, endpoint) in world.endpoints where endpoint.node == WorldGenerator.otherNode {
                world.endpoints[key]?.addresses = Array(endpoint.addresses.prefix(1))
            }
        case .oneClaimantOfAnAddress:
            keepOneClaimant(in: &world)
        case .tiesByNamespaceFirst:
            breakTiesByNamespace(in: &world)
        default:
            world.policies = world.policies.mapValues { policy in Self.with(policy) { change(&$0) } }
        }
        return world
    }

    private static func with<Value>(_ value: Value, _ change: (inout Value) -> Void) -> Value {
        var value = value
        change(&value)
        return value
    }

    private func change(_ policy: inout Policy) {
        switch self {
        case .policyOrderSwapped: policy.order = policy.order.map { -$0 }
        case .missingOrderFirst: policy.order = policy.order ?? -1_000_000
        case .typesIgnored: policy.directions = [.ingress, .egress]
        case .policyNamespaceSelectorIgnored: policy.namespaceSelector = nil
        case .missingLabelNeverUnequal: policy.selector = Self.requiringLabels(policy.selector)
        case .beginningTakenForPart: policy.selector = Self.searchingAnywhere(policy.selector)
        case .ownLabelNamesTheNamespace: policy.selector = Self.readingClaims(policy.selector)
        case .lastRuleLost:
            policy.ingress = policy.ingress.dropLast()
            policy.egress = policy.egress.dropLast()
        default: break
        }
        let namespaced = policy.namespace != nil
        policy.ingress = policy.ingress.map { rule in Self.with(rule) { change(&$0, namespaced: namespaced) } }
        policy.egress = policy.egress.map { rule in Self.with(rule) { change(&$0, namespaced: namespaced) } }
    }

    private func change(_ rule: inout PolicyRule, namespaced: Bool) {
        switch self {
        case .passAsAllow: if rule.action == .pass { rule.action = .allow }
        case .passAsDeny: if rule.action == .pass { rule.action = .deny }
        case .protocolIgnored: rule.transport = nil
        case .sourcePortsIgnored: rule.source.ports = []
        case .destinationPortsIgnored: rule.destination.ports = []
        default:
            change(&rule.source, namespaced: namespaced)
            change(&rule.destination, namespaced: namespaced)
        }
    }

    private func change(_ entity: inout EntityRule, namespaced: Bool) {
        switch self {
        case .rangeEndOffByOne:
            entity.ports = entity.ports.map { range in
                PortRange(first: range.first, last: range.last == .max ? .max - 1 : range.last + 1) ?? range
            }
        case .rangeStartOffByOne:
            entity.ports = entity.ports.map { range in
                PortRange(first: range.first == .max ? .max : range.first + 1, last: range.last)
                    ?? PortRange(first: range.first, last: range.last + 1) ?? range
            }
        case .versionSixPrefixCutAt64:
            entity.nets = entity.nets.map { block in
                block.version == .v6
                    ? AddressBlock(address: block.address, prefixLength: min(64, block.prefixLength)) ?? block : block
            }
        case .prefixOneShorter:
            entity.nets = entity.nets.map {
                AddressBlock(address: $0.address, prefixLength: max(0, $0.prefixLength - 1)) ?? $0
            }
        case .netsIgnored: entity.nets = []
        case .selectorIgnored: entity.selector = nil
        case .namespaceSelectorIgnored: entity.namespaceSelector = nil
        case .impliedNamespaceIgnored:
            if namespaced, entity.selector != nil, entity.namespaceSelector == nil {
                entity.namespaceSelector = .matching(.all)
            }
        case .missingLabelNeverUnequal: entity.selector = entity.selector.map(Self.requiringLabels)
        case .beginningTakenForPart: entity.selector = entity.selector.map(Self.searchingAnywhere)
        case .ownLabelNamesTheNamespace: entity.selector = entity.selector.map(Self.readingClaims)
        default: break
        }
    }

    // MARK: Selectors

    private static func requiringLabels(_ selector: Selector) -> Selector {
        switch selector {
        case .notEquals(let key, _), .isNotIn(let key, _): .and([.has(key: key), selector])
        case .not(let inner): .not(requiringLabels(inner))
        case .and(let parts): .and(parts.map(requiringLabels))
        case .or(let parts): .or(parts.map(requiringLabels))
        default: selector
        }
    }

    private static func searchingAnywhere(_ selector: Selector) -> Selector {
        switch selector {
        case .startsWith(let key, let value), .endsWith(let key, let value): .contains(key: key, value: value)
        case .not(let inner): .not(searchingAnywhere(inner))
        case .and(let parts): .and(parts.map(searchingAnywhere))
        case .or(let parts): .or(parts.map(searchingAnywhere))
        default: selector
        }
    }

    private static let namespaceKey = "projectcalico.org/namespace"
    private static let claimedKey = "claimed-namespace"

    private static func readingClaims(_ selector: Selector) -> Selector {
        func claimed(_ key: String) -> String { key == namespaceKey ? claimedKey : key }
        return switch selector {
        case .has(let key): .has(key: claimed(key))
        case .equals(let key, let value): .equals(key: claimed(key), value: value)
        case .notEquals(let key, let value): .notEquals(key: claimed(key), value: value)
        case .contains(let key, let value): .contains(key: claimed(key), value: value)
        case .startsWith(let key, let value): .startsWith(key: claimed(key), value: value)
        case .endsWith(let key, let value): .endsWith(key: claimed(key), value: value)
        case .isIn(let key, let values): .isIn(key: claimed(key), values: values)
        case .isNotIn(let key, let values): .isNotIn(key: claimed(key), values: values)
        case .not(let inner): .not(readingClaims(inner))
        case .and(let parts): .and(parts.map(readingClaims))
        case .or(let parts): .or(parts.map(readingClaims))
        case .all, .global: selector
        }
    }

    // MARK: Endpoints and ties

    /// Endpoints of the other node keep an address only when no one before them has it.
    private func keepOneClaimant(in world: inout PolicyWorld) {
        var taken: Set<IPAddress> = []
        for key in world.endpoints.keys.sorted() {
            guard let endpoint = world.endpoints[key] else { continue }
            if endpoint.node == WorldGenerator.otherNode {
                world.endpoints[key]?.addresses = endpoint.addresses.filter { !taken.contains($0) }
            }
            taken.formUnion(endpoint.addresses)
        }
    }

    private func breakTiesByNamespace(in world: inout PolicyWorld) {
        let ordered = world.policies.values.sorted { left, right in
            let (leftOrder, rightOrder) = (left.order ?? .infinity, right.order ?? .infinity)
            if leftOrder != rightOrder { return leftOrder < rightOrder }
            return (left.reference.namespace, left.reference.name, left.reference.kind)
                < (right.reference.namespace, right.reference.name, right.reference.kind)
        }
        for (rank, policy) in ordered.enumerated() { world.policies[policy.reference]?.order = Double(rank) }
    }
}
