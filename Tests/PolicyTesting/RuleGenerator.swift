import PolicyModel

/// Rules whose conditions overlap with those of other rules of the same world.
struct RuleGenerator {
    /// Where a rule stands.
    struct Scope {
        /// Of the NetworkPolicy; nil elsewhere.
        var namespace: String?
        /// Those of the world.
        var namespaces: [String]
        /// It may compare its peer with the endpoint that the policy applies to.
        var compares = false
    }

    /// What nets are made around.
    let addresses: [IPAddress]
    private var recentNets: [AddressBlock] = []
    private var recentPorts: [PortRange] = []

    init(addresses: [IPAddress]) {
        self.addresses = addresses
    }

    mutating func rule(_ direction: Direction, _ scope: Scope, using random: inout SplitMix64) -> PolicyRule {
        var rule = PolicyRule(action: action(using: &random), transport: transport(using: &random))
        if random.chance(8) { rule.version = random.pick(IPVersion.allCases) }
        if random.chance(rule.transport == nil ? 25 : 2) {
            rule.notTransport = random.pick([.tcp, .udp, .icmp, TransportProtocol(number: 47)])
        }
        if rule.transport?.hasTypeAndCode == true { addMessages(to: &rule, using: &random) }

        if random.chance(7) {
            addService(to: &rule, direction, scope, using: &random)
        } else {
            rule.source = entity(isPeer: direction == .ingress, scope, using: &random)
            rule.destination = entity(isPeer: direction == .egress, scope, using: &random)
        }
        addPorts(to: &rule, using: &random)
        if rule.hasRarePorts, random.chance(50) { rule.leavePortsAlone() }
        return rule
    }

    private func action(using random: inout SplitMix64) -> RuleAction {
        if random.chance(10) { return .log }
        return random.pick([.allow, .allow, .allow, .deny, .deny, .pass, .pass])
    }

    private func transport(using random: inout SplitMix64) -> TransportProtocol? {
        if random.chance(30) { return nil }
        let others = [47, 50, 136, 132, 1, 58, 255, random.number(1...255)].map {
            TransportProtocol(number: UInt8($0))
        }
        return random.pick([.tcp, .tcp, .tcp, .udp, .udp, .sctp, .udpLite, .icmp, .icmpV6, random.pick(others)])
    }

    private func addMessages(to rule: inout PolicyRule, using random: inout SplitMix64) {
        func match(using random: inout SplitMix64) -> ICMPMatch {
            ICMPMatch(
                type: random.pick([0, 3, 8, 128, 129, 255]), code: random.chance(45) ? random.pick([0, 1, 3, 255]) : nil)
        }
        if random.chance(50) { rule.icmp = match(using: &random) }
        if random.chance(35) { rule.notICMP = match(using: &random) }
    }

    /// Nothing else may stand beside a service but ports of a source.
    private func addService(
        to rule: inout PolicyRule, _ direction: Direction, _ scope: Scope, using random: inout SplitMix64
    ) {
        let own = scope.namespace != nil && random.chance(50)
        let reference = ServiceReference(
            namespace: own ? "" : random.pick(scope.namespaces),
            name: random.pick(PeerGenerator.serviceNames + PeerGenerator.serviceNames + ["ghost"]))
        switch direction {
        case .ingress: rule.source.services = reference
        case .egress: rule.destination.services = reference
        }
        // A service's ports say the protocol too.
        if random.chance(60) { (rule.transport, rule.icmp, rule.notICMP) = (nil, nil, nil) }
    }

    // MARK: Sides

    private mutating func entity(isPeer: Bool, _ scope: Scope, using random: inout SplitMix64) -> EntityRule {
        var entity = EntityRule()
        func chance(_ percent: Int, using random: inout SplitMix64) -> Bool {
            random.chance(isPeer ? percent : percent * 35 / 100)
        }
        if chance(28, using: &random) { entity.nets = nets(using: &random) }
        if chance(12, using: &random) { entity.notNets = nets(using: &random) }
        if chance(36, using: &random) {
            entity.selector =
                isPeer && scope.compares
                ? LabelGenerator.peerSelector(using: &random) : LabelGenerator.selector(using: &random)
        }
        if chance(14, using: &random) {
            entity.notSelector = LabelGenerator.selector(using: &random)
        }
        if chance(20, using: &random) { entity.namespaceSelector = LabelGenerator.namespaceSelector(using: &random) }
        if chance(14, using: &random) {
            let kind = random.number(0...2)
            entity.serviceAccounts = ServiceAccountMatch(
                names: kind == 0 ? [] : random.sample(PeerGenerator.accountNames, random.number(1...2)),
                selector: kind == 1 ? nil : LabelGenerator.accountSelector(using: &random))
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

    // MARK: Ports

    /// The API refuses ports without a protocol that has them; what they would mean there is settled all the same, but
    /// for names and negations.
    private mutating func addPorts(to rule: inout PolicyRule, using random: inout SplitMix64) {
        let hasPorts = rule.transport?.hasPorts == true
        if rule.destination.services == nil {
            if hasPorts || random.chance(rule.transport == nil ? 10 : 2) {
                if random.chance(20) { rule.source.ports = ports(using: &random) }
                if random.chance(50) { rule.destination.ports = ports(using: &random) }
            }
            if hasPorts { addRarePorts(to: &rule.destination, rule.transport, weight: 100, using: &random) }
        }
        if hasPorts { addRarePorts(to: &rule.source, rule.transport, weight: 90, using: &random) }
    }

    private mutating func addRarePorts(
        to entity: inout EntityRule, _ transport: TransportProtocol?, weight: Int, using random: inout SplitMix64
    ) {
        if random.chance(14 * weight / 100) { entity.notPorts = ports(using: &random) }
        guard transport != .udpLite else { return }
        if random.chance(18 * weight / 100) {
            entity.namedPorts = random.sample(PeerGenerator.portNames + ["ghost"], random.number(1...2))
            // Mostly alone: beside numbers a name decides little.
            if random.chance(60) { entity.ports = [] }
        }
        if random.chance((entity.notPorts.isEmpty ? 12 : 35) * weight / 100) {
            entity.notNamedPorts = random.sample(PeerGenerator.portNames, random.number(1...2))
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

extension PolicyRule {
    /// Ports that few packets get as far as being asked for.
    var hasRarePorts: Bool {
        [source, destination].contains { !$0.notPorts.isEmpty || !$0.namedPorts.isEmpty || !$0.notNamedPorts.isEmpty }
    }

    /// Takes away what speaks of addresses.
    fileprivate mutating func leavePortsAlone() {
        func left(_ side: EntityRule) -> EntityRule {
            EntityRule(
                services: side.services, ports: side.ports, namedPorts: side.namedPorts, notPorts: side.notPorts,
                notNamedPorts: side.notNamedPorts)
        }
        (source, destination) = (left(source), left(destination))
    }
}
