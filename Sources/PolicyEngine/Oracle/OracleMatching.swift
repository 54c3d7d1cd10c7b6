import PolicyModel

extension PolicyOracle {
    /// nil when the packet matches the rule, else the first condition that does not hold.
    func mismatch(of rule: PolicyRule, in policy: Policy, _ packet: PacketTuple) -> RuleMismatch? {
        if let transport = rule.transport, transport.number != packet.transport.number { return .transport }
        return mismatch(of: rule.source, .source, in: policy, packet.source, packet.sourcePort, packet.transport)
            ?? mismatch(
                of: rule.destination, .destination, in: policy, packet.destination, packet.destinationPort,
                packet.transport)
    }

    private func mismatch(
        of entity: EntityRule, _ side: RuleMismatch.Side, in policy: Policy, _ address: IPAddress, _ port: UInt16,
        _ transport: TransportProtocol
    ) -> RuleMismatch? {
        if !entity.nets.isEmpty {
            if entity.nets.allSatisfy({ $0.version != address.version }) { return .version(side) }
            if !entity.nets.contains(where: { Self.block($0, holds: address) }) { return .nets(side) }
        }
        if let mismatch = mismatchOfSelectors(of: entity, side, in: policy, address) { return mismatch }
        if !entity.ports.isEmpty {
            // What stands in the tuple for other protocols (type and code) is no port.
            guard transport.hasPorts else { return .noPorts(side) }
            guard entity.ports.contains(where: { port >= $0.first && port <= $0.last }) else { return .ports(side) }
        }
        return nil
    }

    /// An address matches selectors when one of the endpoints that claim it matches all of them.
    private func mismatchOfSelectors(
        of entity: EntityRule, _ side: RuleMismatch.Side, in policy: Policy, _ address: IPAddress
    ) -> RuleMismatch? {
        if entity.selector == nil, entity.namespaceSelector == nil { return nil }
        var candidates = owners(of: address)
        if candidates.isEmpty { return .noEndpoint(side, entity.selector == nil ? .namespaceSelector : .selector) }

        if let namespaceSelector = entity.namespaceSelector {
            candidates = candidates.filter { labels.namespace(of: $0, matches: namespaceSelector) }
            if candidates.isEmpty { return .namespaceSelector(side) }
        } else if let namespace = policy.namespace {
            // A selector alone in a NetworkPolicy speaks of the policy's own namespace.
            candidates = candidates.filter { $0.namespace == namespace }
            if candidates.isEmpty { return .impliedNamespace(side) }
        }
        if let selector = entity.selector {
            candidates = candidates.filter { labels.endpoint($0, matches: selector) }
            if candidates.isEmpty { return .selector(side) }
        }
        return nil
    }

    /// Compares byte by byte, the last one bit by bit.
    static func block(_ block: AddressBlock, holds address: IPAddress) -> Bool {
        guard block.version == address.version else { return false }
        let wanted = block.address.bytes
        let actual = address.bytes
        for bit in 0..<block.prefixLength {
            let shift = UInt8(7 - bit % 8)
            if (wanted[bit / 8] >> shift) & 1 != (actual[bit / 8] >> shift) & 1 { return false }
        }
        return true
    }
}
