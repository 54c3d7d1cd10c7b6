import PolicyModel

/// Rules whose conditions overlap with those of other rules of the same world.
struct RuleGenerator {
    /// What nets are made around.
    let addresses: [IPAddress]
    private var recentNets: [AddressBlock] = []
    private var recentPorts: [PortRange] = []

    init(addresses: [IPAddress]) { self.addresses = addresses }

    mutating func rule(
        _ direction: Direction, in namespace: String?, using random: inout SplitMix64
    ) -> PolicyRule {
        let transport = transport(using: &random)
        let mayHavePorts = transport?.hasPorts ?? random.chance(10)
        var source = entity(isPeer: direction == .ingress, using: &random)
        var destination = entity(isPeer: direction == .egress, using: &random)
        if mayHavePorts || random.chance(2) {
            if random.chance(22) { source.ports = ports(using: &random) }
            if random.chance(60) { destination.ports = ports(using: &random) }
        }
        let action = random.pick([RuleAction.allow, .allow, .allow, .deny, .deny, .pass, .pass])
        return PolicyRule(action: action, transport: transport, source: source, destination: destination)
    }

    private func transport(using random: inout SplitMix64) -> TransportProtocol? {
        if random.chance(30) { return nil }
        let others = [47, 50, 136, 132, 1, 58, 255, random.number(1...255)].map {
            TransportProtocol(number: UInt8($0))
        }
        return random.pick([.tcp, .tcp, .tcp, .udp, .udp, .sctp, .udpLite, .icmp, .icmpV6, random.pick(others)])
    }

    private mutating func entity(isPeer: Bool, using random: inout SplitMix64) -> EntityRule {
        var entity = EntityRule()
        let weight = isPeer ? 100 : 35
        if random.chance(30 * weight / 100) { entity.nets = nets(using: &random) }
        if random.chance(38 * weight / 100) { entity.selector = LabelGenerator.selector(using: &random) }
        if random.chance(22 * weight / 100) {
            entity.namespaceSelector = LabelGenerator.namespaceSelector(using: &random)
        }
        return entity
    }

    private mutating func nets(using random: inout SplitMix64) -> [AddressBlock] {
        let versions = random.pick([[IPVersion.v4], [.v6], [.v4, .v6]])
        return (0..<random.number(1...3)).map { index in
            let version = index < versions.count ? versions[index] : random.pick(versions)
            if random.chance(25), let recent = recentNets.last(where: { $0.version == version }) {
                // The same address with another length: one net within the other.
                let length = random.number(0...version.width)
                return AddressBlock(address: recent.last, prefixLength: length) ?? recent
            }
            let block = AddressGenerator.block(around: addresses, version, using: &random)
            recentNets.append(block)
            return block
        }
    }

    private mutating func ports(using random: inout SplitMix64) -> [PortRange] {
        (0..<random.pick([1, 1, 2, 3])).map { _ in
            let range = portRange(using: &random)
            recentPorts.append(range)
            return range
        }
    }

    private func portRange(using random: inout SplitMix64) -> PortRange {
        if random.chance(35), let recent = recentPorts.last {
            // Adjacent to the one before, or overlapping it.
            let start = random.chance(50) ? min(Int(recent.last) + 1, 65535) : Int(recent.first)
            let end = min(start + random.pick([0, 1, 100]), 65535)
            return PortRange(first: UInt16(start), last: UInt16(end)) ?? recent
        }
        let start = random.pick([0, 1, 22, 53, 80, 443, 1024, 5432, 8080, 32768, 65535, random.number(0...65535)])
        let end = min(start + random.pick([0, 0, 1, 10, 1000, 65535]), 65535)
        return PortRange(first: UInt16(start), last: UInt16(end)) ?? PortRange(UInt16(start))
    }
}
