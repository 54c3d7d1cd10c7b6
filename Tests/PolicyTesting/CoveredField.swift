import PolicyEngine
import PolicyModel

/// The fields of a rule, in the order in which the oracle asks them.
enum CoveredField: Int, CaseIterable {
    case ipVersion, transport, notProtocol, icmp, notICMP
    case sourceNets, sourceNotNets, sourceNamespaceSelector, sourceAccountNames, sourceAccountSelector, sourceSelector
    case sourceNotSelector, sourceServices, sourcePorts, sourceNamedPorts, sourceAnyPorts, sourceNotPorts
    case sourceNotNamedPorts, sourceNotAnyPorts
    case destinationNets, destinationNotNets, destinationNamespaceSelector, destinationAccountNames
    case destinationAccountSelector, destinationSelector, destinationNotSelector, destinationServices, destinationPorts
    case destinationNamedPorts, destinationAnyPorts, destinationNotPorts, destinationNotNamedPorts
    case destinationNotAnyPorts

    private static let entityNames = [
        "nets", "notNets", "namespaceSelector", "serviceAccounts.names", "serviceAccounts.selector", "selector",
        "notSelector", "services", "ports", "ports by name", "ports by number and name", "notPorts", "notPorts by name",
        "notPorts by number and name",
    ]

    /// Where the fields of the sides begin.
    private static let firstOfSource = CoveredField.sourceNets.rawValue

    var name: String {
        switch self {
        case .ipVersion: return "ipVersion"
        case .transport: return "protocol"
        case .notProtocol: return "notProtocol"
        case .icmp: return "icmp"
        case .notICMP: return "notICMP"
        default:
            let (side, field) = (rawValue - Self.firstOfSource).quotientAndRemainder(dividingBy: Self.entityNames.count)
            return "\(side == 0 ? "source" : "destination").\(Self.entityNames[field])"
        }
    }

    private var entityField: Int { (rawValue - Self.firstOfSource) % Self.entityNames.count }

    func isPresent(in rule: PolicyRule) -> Bool {
        switch self {
        case .ipVersion: return rule.version != nil
        case .transport: return rule.transport != nil
        case .notProtocol: return rule.notTransport != nil
        case .icmp: return rule.icmp != nil
        case .notICMP: return rule.notICMP != nil
        default:
            let isSource = rawValue - Self.firstOfSource < Self.entityNames.count
            return Self.isPresent(entityField, in: isSource ? rule.source : rule.destination)
        }
    }

    private static func isPresent(_ field: Int, in entity: EntityRule) -> Bool {
        switch field {
        case 0: !entity.nets.isEmpty
        case 1: !entity.notNets.isEmpty
        case 2: entity.namespaceSelector != nil
        case 3: entity.serviceAccounts?.names.isEmpty == false
        case 4: entity.serviceAccounts?.selector != nil
        case 5: entity.selector != nil
        case 6: entity.notSelector != nil
        case 7: entity.services != nil
        case 8: !entity.ports.isEmpty && entity.namedPorts.isEmpty
        case 9: entity.ports.isEmpty && !entity.namedPorts.isEmpty
        case 10: !entity.ports.isEmpty && !entity.namedPorts.isEmpty
        case 11: !entity.notPorts.isEmpty && entity.notNamedPorts.isEmpty
        case 12: entity.notPorts.isEmpty && !entity.notNamedPorts.isEmpty
        default: !entity.notPorts.isEmpty && !entity.notNamedPorts.isEmpty
        }
    }

    /// The selectors that the field holds.
    func selectors(in rule: PolicyRule) -> [Selector] {
        guard rawValue >= Self.firstOfSource else { return [] }
        let entity = rawValue - Self.firstOfSource < Self.entityNames.count ? rule.source : rule.destination
        switch entityField {
        case 2: return entity.namespaceSelector.map { [$0.selector] } ?? []
        case 4: return [entity.serviceAccounts?.selector].compactMap { $0 }
        case 5: return [entity.selector].compactMap { $0 }
        case 6: return [entity.notSelector].compactMap { $0 }
        default: return []
        }
    }

    /// Where a rule failed, and how: a column of `Coverage.fieldColumns`.
    static func failed(_ mismatch: RuleMismatch, of rule: PolicyRule) -> (field: Self, column: Int) {
        func field(_ number: Int, _ side: RuleMismatch.Side) -> Self {
            let start = side == .source ? firstOfSource : firstOfSource + entityNames.count
            return Self(rawValue: start + number) ?? .transport
        }
        func entity(_ side: RuleMismatch.Side) -> EntityRule { side == .source ? rule.source : rule.destination }
        func picking(_ by: RuleMismatch.SelectorField, _ side: RuleMismatch.Side) -> Self {
            switch by {
            case .namespaceSelector: return field(2, side)
            case .serviceAccounts: return field(entity(side).serviceAccounts?.names.isEmpty == false ? 3 : 4, side)
            case .selector: return field(5, side)
            case .notSelector: return field(6, side)
            }
        }
        func ports(_ numbers: [PortRange], _ names: [String], _ first: Int, _ side: RuleMismatch.Side) -> Self {
            field(names.isEmpty ? first : numbers.isEmpty ? first + 1 : first + 2, side)
        }
        switch mismatch {
        case .version: return (.ipVersion, 2)
        case .transport: return (.transport, 2)
        case .notTransport: return (.notProtocol, 2)
        case .icmp: return (.icmp, 2)
        case .notICMP: return (.notICMP, 2)
        case .netsOfOtherVersion(let side): return (field(0, side), 3)
        case .nets(let side): return (field(0, side), 2)
        case .notNetsOfOtherVersion(let side): return (field(1, side), 3)
        case .notNets(let side): return (field(1, side), 2)
        case .noPeer(let side, let by): return (picking(by, side), 4)
        case .impliedNamespace(let side, let by): return (picking(by, side), 5)
        case .namespaceSelector(let side): return (field(2, side), 2)
        case .serviceAccountNames(let side): return (field(3, side), 2)
        case .serviceAccountSelector(let side): return (field(4, side), 2)
        case .selector(let side): return (field(5, side), 2)
        case .notSelector(let side): return (field(6, side), 2)
        case .services(let side): return (field(7, side), 2)
        case .ports(let side): return (ports(entity(side).ports, entity(side).namedPorts, 8, side), 2)
        case .noPorts(let side): return (ports(entity(side).ports, entity(side).namedPorts, 8, side), 6)
        case .notPorts(let side): return (ports(entity(side).notPorts, entity(side).notNamedPorts, 11, side), 2)
        }
    }
}

extension NamespaceSelector {
    fileprivate var selector: Selector {
        switch self {
        case .global: .global
        case .matching(let selector): selector
        }
    }
}
