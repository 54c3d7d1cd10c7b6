import PolicyModel

/// One packet, and who has its addresses.
struct OracleQuestion: Sendable {
    let packet: PacketTuple
    let sources: [OraclePeer]
    let destinations: [OraclePeer]
    /// The labels of the endpoint at which it is asked.
    let subject: [String: String]
}

extension PolicyOracle {
    /// nil when the packet matches the rule, else the first condition that does not hold. `namespace` is that of the
    /// NetworkPolicy that the rule stands in; nil elsewhere.
    func mismatch(of rule: PolicyRule, in namespace: String?, _ question: OracleQuestion) -> RuleMismatch? {
        let packet = question.packet
        if let version = rule.version, version != packet.version { return .version }
        if let transport = rule.transport, transport.number != packet.transport.number { return .transport }
        if let transport = rule.notTransport, transport.number == packet.transport.number { return .notTransport }
        if let icmp = rule.icmp, !Self.isMessage(packet, of: icmp) { return .icmp }
        // As in Calico, a notICMP without a type leaves nothing out.
        if let icmp = rule.notICMP, icmp.type != nil, Self.isMessage(packet, of: icmp) { return .notICMP }
        return mismatch(of: rule.source, .source, of: rule, in: namespace, question)
            ?? mismatch(of: rule.destination, .destination, of: rule, in: namespace, question)
    }

    private static func isMessage(_ packet: PacketTuple, of icmp: ICMPMatch) -> Bool {
        guard packet.transport.hasTypeAndCode else { return false }
        guard let type = icmp.type else { return true }
        guard UInt16(type) == packet.destinationPort >> 8 else { return false }
        guard let code = icmp.code else { return true }
        return UInt16(code) == packet.destinationPort & 0xff
    }

    // MARK: One side

    private func mismatch(
        of entity: EntityRule, _ side: RuleMismatch.Side, of rule: PolicyRule, in namespace: String?,
        _ question: OracleQuestion
    ) -> RuleMismatch? {
        let packet = question.packet
        let address = side == .source ? packet.source : packet.destination
        if let mismatch = Self.mismatchOfNets(of: entity, side, address) { return mismatch }

        var peers = side == .source ? question.sources : question.destinations
        if let first = entity.picking(in: namespace) {
            if let mismatch = Self.pick(&peers, by: entity, first, side, in: namespace, question.subject) { return mismatch }
        } else if let selector = entity.notSelector,
            peers.contains(where: { OracleSelectors.matches(selector, $0.labels, subject: question.subject) })
        {
            return .notSelector(side)
        }

        if let service = entity.services, !isBehind(service, side, in: namespace, packet) { return .services(side) }
        return Self.mismatchOfPorts(of: entity, side, of: rule, packet, peers)
    }

    private static func mismatchOfNets(
        of entity: EntityRule, _ side: RuleMismatch.Side, _ address: IPAddress
    ) -> RuleMismatch? {
        if !entity.nets.isEmpty {
            if entity.nets.allSatisfy({ $0.version != address.version }) { return .netsOfOtherVersion(side) }
            if !entity.nets.contains(where: { OracleNets.block($0, holds: address) }) { return .nets(side) }
        }
        if !entity.notNets.isEmpty {
            if entity.notNets.allSatisfy({ $0.version != address.version }) { return .notNetsOfOtherVersion(side) }
            if entity.notNets.contains(where: { OracleNets.block($0, holds: address) }) { return .notNets(side) }
        }
        return nil
    }

    /// Leaves those of `peers` that meet everything: one of them must.
    private static func pick(
        _ peers: inout [OraclePeer], by entity: EntityRule, _ first: RuleMismatch.SelectorField,
        _ side: RuleMismatch.Side, in namespace: String?, _ subject: [String: String]
    ) -> RuleMismatch? {
        if peers.isEmpty { return .noPeer(side, first) }
        if let selector = entity.namespaceSelector {
            peers = peers.filter { OracleSelectors.matches(selector, $0.labels) }
            if peers.isEmpty { return .namespaceSelector(side) }
        } else {
            peers = inScope(peers, namespace)
            if peers.isEmpty { return .impliedNamespace(side, first) }
        }
        if let accounts = entity.serviceAccounts {
            if !accounts.names.isEmpty {
                peers = peers.filter { peer in
                    guard let account = peer.labels["projectcalico.org/serviceaccount"] else { return false }
                    return accounts.names.contains(account)
                }
                if peers.isEmpty { return .serviceAccountNames(side) }
            }
            if let selector = accounts.selector {
                peers = peers.filter { OracleSelectors.matches(serviceAccounts: selector, $0.labels) }
                if peers.isEmpty { return .serviceAccountSelector(side) }
            }
        }
        if let selector = entity.selector {
            peers = peers.filter { OracleSelectors.matches(selector, $0.labels, subject: subject) }
            if peers.isEmpty { return .selector(side) }
        }
        if let selector = entity.notSelector {
            peers = peers.filter { !OracleSelectors.matches(selector, $0.labels, subject: subject) }
            if peers.isEmpty { return .notSelector(side) }
        }
        return nil
    }

    /// Without a namespaceSelector the selectors of a NetworkPolicy speak of its own namespace.
    private static func inScope(_ peers: [OraclePeer], _ namespace: String?) -> [OraclePeer] {
        guard let namespace else { return peers }
        return peers.filter { $0.labels["projectcalico.org/namespace"] == namespace }
    }

    /// As a destination a service means its ports too, as a source its addresses alone. Whether a backend is ready does
    /// not matter.
    private func isBehind(
        _ service: ServiceReference, _ side: RuleMismatch.Side, in namespace: String?, _ packet: PacketTuple
    ) -> Bool {
        let wanted = service.namespace.isEmpty ? namespace ?? "" : service.namespace
        return world.endpointSlices.values.contains { slice in
            guard slice.namespace == wanted, slice.service == service.name else { return false }
            switch side {
            case .source:
                return slice.addresses.contains(packet.source)
            case .destination:
                return slice.addresses.contains(packet.destination)
                    && slice.ports.contains { $0.transport == packet.transport && $0.port == packet.destinationPort }
            }
        }
    }

    // MARK: Ports

    /// `peers`: those whom the side picks; where nothing picks, all that have the address.
    private static func mismatchOfPorts(
        of entity: EntityRule, _ side: RuleMismatch.Side, of rule: PolicyRule, _ packet: PacketTuple, _ peers: [OraclePeer]
    ) -> RuleMismatch? {
        let hasPorts = packet.transport.hasPorts
        let port = side == .source ? packet.sourcePort : packet.destinationPort
        func isAny(of ranges: [PortRange], _ names: [String]) -> Bool {
            // What stands in the tuple for other protocols (type and code) is no port.
            guard hasPorts else { return false }
            if ranges.contains(where: { port >= $0.first && port <= $0.last }) { return true }
            guard let transport = rule.transport, transport.number == packet.transport.number else { return false }
            return peers.flatMap(\.ports).contains { named in
                names.contains(named.name) && named.transport.number == transport.number && named.port == port
            }
        }
        if !entity.ports.isEmpty || !entity.namedPorts.isEmpty {
            guard hasPorts else { return .noPorts(side) }
            guard isAny(of: entity.ports, entity.namedPorts) else { return .ports(side) }
        }
        return isAny(of: entity.notPorts, entity.notNamedPorts) ? .notPorts(side) : nil
    }
}

extension EntityRule {
    /// The first of the fields that pick endpoints and network sets; nil: the side is not about these. As in Calico,
    /// notSelector alone picks in a NetworkPolicy: those of its namespace that do not match.
    fileprivate func picking(in namespace: String?) -> RuleMismatch.SelectorField? {
        if namespaceSelector != nil { return .namespaceSelector }
        if let accounts = serviceAccounts, !accounts.names.isEmpty || accounts.selector != nil { return .serviceAccounts }
        if selector != nil { return .selector }
        return namespace != nil && notSelector != nil ? .notSelector : nil
    }
}
