import PolicyModel

/// A small world that changes at random, so small that everything meets everything.
struct RandomWorld {
    private(set) var world = PolicyWorld()
    private var random: RandomSource

    private static let namespaces = ["red", "blue", ""]
    private static let keys = ["app", "role"]
    private static let values = ["a", "b", "c"]
    private static let tiers = ["first", "second", Tier.defaultName]

    init(seed: UInt64) {
        random = RandomSource(seed: seed)
        for _ in 0..<40 { edit() }
    }

    mutating func edit() {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: editNamespace()
        case 1: editTier()
        case 2...4: editPolicy()
        default: editEndpoint()
        }
    }

    mutating func packet() -> PacketTuple {
        let isV6 = random.chance(25)
        let protocols: [TransportProtocol] = [.tcp, .udp, .icmp, TransportProtocol(number: 47)]
        let transport = random.pick(protocols)
        let ports: [UInt16] = [0, 22, 80, 81, 443, 65_535]
        return PacketTuple(
            source: isV6 ? anyAddress6() : anyAddress(), destination: isV6 ? anyAddress6() : anyAddress(),
            transport: transport, sourcePort: transport.hasPorts ? random.pick(ports) : 0,
            destinationPort: transport.number == 47 ? 0 : random.pick(ports))
    }

    private mutating func editNamespace() {
        let name = random.pick(["red", "blue"])
        world.namespaces[name] = random.chance(20) ? nil : Namespace(name: name, labels: labels())
    }

    private mutating func editTier() {
        let name = random.pick(Self.tiers)
        let orders: [Double?] = [1, 2, nil]
        world.tiers[name] =
            random.chance(15)
            ? nil : Tier(name: name, order: random.pick(orders), defaultAction: random.pick([.deny, .pass]))
    }

    private mutating func editEndpoint() {
        let key = EndpointKey(
            namespace: random.pick(Self.namespaces), name: "e\(Int.random(in: 0..<4, using: &random))")
        if random.chance(15) {
            world.endpoints[key] = nil
            return
        }
        var addresses: [IPAddress] = [anyAddress()]
        if random.chance(40) { addresses.append(anyAddress6()) }
        if random.chance(20), let second = Optional(anyAddress()), second != addresses[0] { addresses.append(second) }
        if let old = world.endpoints[key], random.chance(60) { addresses = old.addresses }
        world.endpoints[key] = WorkloadEndpoint(
            key: key, labels: labels(), node: random.pick(["", "here", "there"]), addresses: addresses)
    }

    private mutating func editPolicy() {
        let namespace = random.pick(Self.namespaces)
        let reference = PolicyReference(
            kind: namespace.isEmpty ? "GlobalNetworkPolicy" : "NetworkPolicy", namespace: namespace,
            name: "p\(Int.random(in: 0..<3, using: &random))")
        if random.chance(25) {
            world.policies[reference] = nil
            return
        }
        let orders: [Double?] = [1, 2, nil]
        let directions: [Set<Direction>] = [[.ingress], [.egress], [.ingress, .egress]]
        world.policies[reference] = Policy(
            reference: reference, tier: random.pick(Self.tiers), order: random.pick(orders), selector: selector(),
            namespaceSelector: namespace.isEmpty && random.chance(40) ? namespaceSelector() : nil,
            directions: random.pick(directions), ingress: rules(), egress: rules())
    }

    private mutating func rules() -> [PolicyRule] {
        (0..<Int.random(in: 0...4, using: &random)).map { _ in
            let transports: [TransportProtocol?] = [nil, nil, .tcp, .udp, .icmp]
            return PolicyRule(
                action: random.pick([.allow, .deny, .pass]), transport: random.pick(transports), source: side(),
                destination: side())
        }
    }

    private mutating func side() -> EntityRule {
        var side = EntityRule()
        if random.chance(25) { side.nets = (0...Int.random(in: 0...2, using: &random)).map { _ in anyBlock() } }
        if random.chance(30) { side.selector = selector() }
        if random.chance(20) { side.namespaceSelector = namespaceSelector() }
        if random.chance(25) { side.ports = (0...Int.random(in: 0...1, using: &random)).map { _ in ports() } }
        return side
    }

    private mutating func ports() -> PortRange {
        random.pick(
            [port(80), port(22), PortRange(first: 80, last: 443), PortRange(first: 0, last: 65_535)]
                .compactMap { $0 })
    }

    private mutating func anyBlock() -> AddressBlock {
        if random.chance(20) {
            let address = anyAddress6()
            return AddressBlock(address: address, prefixLength: random.pick([0, 64, 126, 128])) ?? AddressBlock(address)
        }
        let address = anyAddress()
        return AddressBlock(address: address, prefixLength: random.pick([0, 8, 29, 30, 31, 32])) ?? AddressBlock(address)
    }

    private mutating func anyAddress() -> IPAddress {
        IPAddress(v4: (random.chance(85) ? 0x0a00_0000 : 0x0b00_0000) + UInt32.random(in: 0..<12, using: &random))
    }

    private mutating func anyAddress6() -> IPAddress {
        IPAddress(v6High: 0xfd00 << 48, low: UInt64.random(in: 0..<6, using: &random))
    }

    private mutating func labels() -> [String: String] {
        var labels: [String: String] = [:]
        for key in Self.keys where random.chance(60) { labels[key] = random.pick(Self.values) }
        return labels
    }

    private mutating func namespaceSelector() -> NamespaceSelector {
        random.chance(25) ? .global : .matching(random.chance(30) ? .all : selector())
    }

    private mutating func selector() -> Selector {
        let key = random.pick(Self.keys)
        let value = random.pick(Self.values)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return .all
        case 1: return .has(key: key)
        case 2: return .not(.equals(key: key, value: value))
        case 3: return .isIn(key: key, values: [value, random.pick(Self.values)])
        case 4: return .and([.has(key: key), .notEquals(key: random.pick(Self.keys), value: value)])
        case 5: return .equals(key: "pcns." + key, value: value)
        default: return .equals(key: key, value: value)
        }
    }
}
