import PolicyEngine
import PolicyModel

/// Tells what a rule asks for, and why a packet does not meet it.
struct RuleText {
    let rule: PolicyRule
    let explanation: Explanation
    /// The endpoint that the policy applies to.
    let subject: EndpointKey

    // MARK: What is asked for

    /// Each as `PATH VALUE`, in the order of the API.
    static func conditions(of rule: PolicyRule) -> [String] {
        var conditions: [String] = []
        if let version = rule.version { conditions.append("ipVersion \(version.rawValue)") }
        if let transport = rule.transport { conditions.append("protocol \(transport)") }
        if let transport = rule.notTransport { conditions.append("notProtocol \(transport)") }
        if let icmp = rule.icmp { conditions.append("icmp \(text(icmp))") }
        if let icmp = rule.notICMP { conditions.append("notICMP \(text(icmp))") }
        return conditions + Self.conditions(of: rule.source, "source") + Self.conditions(of: rule.destination, "destination")
    }

    private static func conditions(of entity: EntityRule, _ side: String) -> [String] {
        var fields: [(String, String?)] = [
            ("nets", list(entity.nets.map(\.description))), ("notNets", list(entity.notNets.map(\.description))),
            ("namespaceSelector", entity.namespaceSelector?.description),
        ]
        fields += [
            ("serviceAccounts.names", list(entity.serviceAccounts?.names ?? [])),
            ("serviceAccounts.selector", entity.serviceAccounts?.selector?.description),
            ("selector", entity.selector?.description), ("notSelector", entity.notSelector?.description),
            ("services", entity.services.map(text)), ("ports", list(ports(entity))),
            ("notPorts", list(notPorts(entity))),
        ]
        return fields.compactMap { name, value in value.map { "\(side).\(name) \($0)" } }
    }

    // MARK: What is not met

    /// Goes on after the path.
    func reason(of mismatch: RuleMismatch) -> String {
        let packet = explanation.packet
        switch mismatch {
        case .version:
            return "\(rule.version.map { "\($0.rawValue)" } ?? "any") is not \(packet.version.rawValue)"
        case .transport:
            return "\(rule.transport?.description ?? "any") is not \(packet.transport)"
        case .notTransport:
            return "leaves out \(packet.transport)"
        case .icmp:
            return "\(rule.icmp.map(Self.text) ?? "any") is not \(message)"
        case .notICMP:
            return "\(rule.notICMP.map(Self.text) ?? "none") leaves out \(message)"
        case .netsOfOtherVersion(let side):
            return "\(Self.list(entity(side).nets.map(\.description)) ?? "") are all of the other IP version"
        case .nets(let side):
            return "\(Self.list(entity(side).nets.map(\.description)) ?? "") do not hold \(address(side))"
        case .notNetsOfOtherVersion(let side):
            return "\(Self.list(entity(side).notNets.map(\.description)) ?? "") are all of the other IP version"
        case .notNets(let side):
            let holding = entity(side).notNets.first { $0.contains(address(side)) }
            return "\(holding?.description ?? "") leaves out \(address(side))"
        case .services(let side):
            let port = side == .destination && packet.transport.hasPorts ? ", \(packet.transport) port \(packet.destinationPort)" : ""
            return "\(entity(side).services.map(Self.text) ?? "") has no endpoint \(address(side))\(port)"
        case .ports(let side):
            return "\(Self.list(Self.ports(entity(side))) ?? "") do not hold \(port(side))"
        case .noPorts:
            return "are asked for, but \(packet.transport) has none"
        case .notPorts(let side):
            return "\(Self.list(Self.notPorts(entity(side))) ?? "") leave out \(port(side))"
        case .noPeer, .impliedNamespace, .namespaceSelector, .serviceAccountNames, .serviceAccountSelector, .selector,
            .notSelector:
            return reasonOfSelectors(mismatch)
        }
    }

    private func reasonOfSelectors(_ mismatch: RuleMismatch) -> String {
        switch mismatch {
        case .noPeer(let side, let field):
            return "\(text(field, side)): no endpoint or network set has the address \(address(side))"
        case .impliedNamespace(let side, let field):
            return "\(text(field, side)): means the policy's own namespace, which \(explanation.name(of: side)) is not in"
        case .namespaceSelector(let side):
            return "\(text(.namespaceSelector, side)) does not match the namespace of \(explanation.name(of: side))"
        case .serviceAccountNames(let side):
            let names = Self.list(entity(side).serviceAccounts?.names ?? []) ?? ""
            return "\(names): \(explanation.name(of: side)) runs as none of these"
        case .serviceAccountSelector(let side):
            let selector = entity(side).serviceAccounts?.selector?.description ?? ""
            return "\(selector) does not match the service account of \(explanation.name(of: side))"
        case .selector(let side):
            let compares = !(entity(side).selector?.subjectKeys.isEmpty ?? true)
            let compared = compares ? ", compared with \(subject)" : ""
            return "\(text(.selector, side)) does not match \(explanation.name(of: side))\(compared)"
        case .notSelector(let side):
            return "\(entity(side).notSelector?.description ?? "") leaves out \(explanation.name(of: side))"
        default:
            return ""
        }
    }

    private func text(_ field: RuleMismatch.SelectorField, _ side: RuleMismatch.Side) -> String {
        switch field {
        case .selector: entity(side).selector?.description ?? ""
        case .notSelector: entity(side).notSelector?.description ?? ""
        case .namespaceSelector: entity(side).namespaceSelector?.description ?? ""
        case .serviceAccounts:
            (entity(side).serviceAccounts?.names ?? []).isEmpty
                ? entity(side).serviceAccounts?.selector?.description ?? ""
                : Self.list(entity(side).serviceAccounts?.names ?? []) ?? ""
        }
    }

    private func entity(_ side: RuleMismatch.Side) -> EntityRule { side == .source ? rule.source : rule.destination }

    private func address(_ side: RuleMismatch.Side) -> IPAddress {
        side == .source ? explanation.packet.source : explanation.packet.destination
    }

    private func port(_ side: RuleMismatch.Side) -> UInt16 {
        side == .source ? explanation.packet.sourcePort : explanation.packet.destinationPort
    }

    private var message: String {
        let packet = explanation.packet
        guard packet.transport.hasTypeAndCode else { return packet.transport.description }
        return "type \(packet.destinationPort >> 8) code \(packet.destinationPort & 0xff)"
    }

    // MARK: Words

    private static func text(_ icmp: ICMPMatch) -> String {
        let type = icmp.type.map { "type \($0)" } ?? "any type"
        return icmp.code.map { "\(type) code \($0)" } ?? type
    }

    private static func text(_ service: ServiceReference) -> String {
        service.namespace.isEmpty ? service.name : "\(service.namespace)/\(service.name)"
    }

    private static func ports(_ entity: EntityRule) -> [String] { entity.ports.map(\.description) + entity.namedPorts }

    private static func notPorts(_ entity: EntityRule) -> [String] {
        entity.notPorts.map(\.description) + entity.notNamedPorts
    }

    /// nil for none. Long lists are cut: what was not matched is not worth a page.
    private static func list(_ items: [String]) -> String? {
        if items.isEmpty { return nil }
        let shown = 6
        guard items.count > shown else { return items.joined(separator: " ") }
        return items.prefix(shown).joined(separator: " ") + " and \(items.count - shown) more"
    }
}
