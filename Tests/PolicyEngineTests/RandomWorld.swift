import PolicyEngine
import PolicyModel

/// A small world of the whole language that changes at random, so small that everything meets everything.
struct RandomWorld {
    private(set) var world = PolicyWorld()
    /// Every edit since the beginning.
    private(set) var history: [WorldChange] = []
    var random: RandomSource

    private static let namespaces = ["red", "blue"]
    private static let tiers = ["first", "second", Tier.defaultName]
    private static let profiles = ["kns.red", "kns.blue", "ksa.red.robot", "own", "other"]

    init(seed: UInt64) {
        random = RandomSource(seed: seed)
        for _ in 0..<60 { edit() }
    }

    mutating func edit() {
        let change = anyChange()
        history.append(change)
        world.take(change)
    }

    private mutating func anyChange() -> WorldChange {
        switch Int.random(in: 0..<20, using: &random) {
        case 0: namespaceChange()
        case 1: tierChange()
        case 2: accountChange()
        case 3: profileChange()
        case 4, 5: networkSetChange()
        case 6: sliceChange()
        case 7, 8: stagedChange()
        case 9...12: policyChange()
        default: endpointChange()
        }
    }

    mutating func packet() -> PacketTuple {
        let isV6 = random.chance(25)
        let protocols: [TransportProtocol] = [.tcp, .tcp, .udp, .icmp, TransportProtocol(number: 47)]
        let transport = random.pick(protocols)
        let ports: [UInt16] = [0, 22, 80, 81, 443, 0x0800, 65_535]
        return PacketTuple(
            source: isV6 ? anyAddress6() : anyAddress(), destination: isV6 ? anyAddress6() : anyAddress(),
            transport: transport, sourcePort: transport.hasPorts ? random.pick(ports) : 0,
            destinationPort: transport.number == 47 ? 0 : random.pick(ports))
    }

    // MARK: Objects

    private mutating func namespaceChange() -> WorldChange {
        let name = random.pick(Self.namespaces)
        return .namespace(name, random.chance(20) ? nil : Namespace(name: name, labels: labels()))
    }

    private mutating func accountChange() -> WorldChange {
        let name = NamespacedName(namespace: random.pick(Self.namespaces), name: "robot")
        let account = ServiceAccount(namespace: name.namespace, name: name.name, labels: labels())
        return .serviceAccount(name, random.chance(20) ? nil : account)
    }

    private mutating func profileChange() -> WorldChange {
        let name = random.chance(15) ? "kns.red" : random.pick(["own", "other"])
        if random.chance(30) { return .profile(name, nil) }
        return .profile(name, Profile(name: name, labels: labels(), ingress: rules(), egress: rules()))
    }

    private mutating func tierChange() -> WorldChange {
        let name = random.pick(Self.tiers)
        let orders: [Double?] = [1, 2, nil]
        if random.chance(15) { return .tier(name, nil) }
        return .tier(
            name,
            Tier(
                name: name, order: random.pick(orders), defaultAction: random.pick([.deny, .pass]),
                denyAction: random.pick(DenyAction.allCases)))
    }

    private mutating func networkSetChange() -> WorldChange {
        let name = NamespacedName(namespace: random.pick(Self.namespaces + [""]), name: "n\(Int.random(in: 0..<2, using: &random))")
        if random.chance(20) { return .networkSet(name, nil) }
        var set = NetworkSet(namespace: name.namespace, name: name.name, labels: labels())
        if let old = world.networkSets[name], random.chance(50) { set.labels = old.labels }
        set.nets = (0..<Int.random(in: 0...4, using: &random)).map { _ in anyBlock() }
        return .networkSet(name, set)
    }

    private mutating func sliceChange() -> WorldChange {
        let name = NamespacedName(namespace: random.pick(Self.namespaces), name: "s\(Int.random(in: 0..<2, using: &random))")
        if random.chance(20) { return .endpointSlice(name, nil) }
        let port = EndpointSlice.Port(name: "", transport: random.pick([.tcp, .udp]), port: random.pick([80, 443]))
        return .endpointSlice(
            name,
            EndpointSlice(
                namespace: name.namespace, name: name.name, service: random.pick(["web", "db", ""]),
                addresses: (0..<Int.random(in: 0...3, using: &random)).map { _ in anyAddress() },
                ports: random.chance(80) ? [port] : []))
    }

    private mutating func endpointChange() -> WorldChange {
        let key = EndpointKey(
            namespace: random.pick(Self.namespaces), name: "e\(Int.random(in: 0..<4, using: &random))")
        if random.chance(15) { return .endpoint(key, nil) }
        var addresses: [IPAddress] = [anyAddress()]
        if random.chance(40) { addresses.append(anyAddress6()) }
        let second = anyAddress()
        if random.chance(20), second != addresses[0] { addresses.append(second) }
        if let old = world.endpoints[key], random.chance(60) { addresses = old.addresses }
        let port = NamedPort(
            name: random.pick(["http", "dns"]), transport: random.pick([.tcp, .udp]), port: random.pick([22, 80, 443]))
        return .endpoint(
            key,
            WorkloadEndpoint(
                key: key, labels: labels(), node: random.pick(["", "here", "there"]), addresses: addresses,
                ports: random.chance(40) ? [port] : [], serviceAccount: random.chance(30) ? "robot" : "",
                profiles: random.chance(25)
                    ? (0..<Int.random(in: 0...2, using: &random)).map { _ in random.pick(Self.profiles) } : nil))
    }

    private mutating func policyChange() -> WorldChange {
        let policy = anyPolicy()
        return .policy(policy.reference, random.chance(25) ? nil : policy)
    }

    private mutating func stagedChange() -> WorldChange {
        let policy = anyPolicy()
        let reference = PolicyReference(
            kind: "Staged\(policy.reference.kind)", namespace: policy.reference.namespace, name: policy.reference.name)
        if random.chance(35) { return .staged(reference, nil) }
        return .staged(
            reference, StagedPolicy(reference: reference, action: random.pick(StagedPolicy.Action.allCases), policy: policy))
    }

    private mutating func anyPolicy() -> Policy {
        let namespace = random.pick(Self.namespaces + [""])
        let prefix = !namespace.isEmpty && random.chance(20) ? Policy.kubernetesPrefix : ""
        let reference = PolicyReference(
            kind: namespace.isEmpty ? "GlobalNetworkPolicy" : "NetworkPolicy", namespace: namespace,
            name: "\(prefix)p\(Int.random(in: 0..<3, using: &random))")
        let orders: [Double?] = [1, 2, nil]
        let directions: [Set<Direction>] = [[.ingress], [.egress], [.ingress, .egress]]
        return Policy(
            reference: reference, tier: random.pick(Self.tiers), order: random.pick(orders), selector: selector(),
            namespaceSelector: namespace.isEmpty && random.chance(40) ? namespaceSelector() : nil,
            serviceAccountSelector: random.chance(10) ? selector() : nil,
            directions: random.pick(directions), ingress: rules(), egress: rules(),
            denyAction: random.chance(30) ? random.pick(DenyAction.allCases) : nil)
    }

    // MARK: Rules

    private mutating func rules() -> [PolicyRule] {
        (0..<Int.random(in: 0...4, using: &random)).map { _ in
            let transports: [TransportProtocol?] = [nil, nil, .tcp, .tcp, .udp, .icmp]
            return PolicyRule(
                action: random.pick([.allow, .deny, .pass, .log]), version: random.chance(10) ? random.pick([.v4, .v6]) : nil,
                transport: random.pick(transports), notTransport: random.chance(10) ? .udp : nil,
                icmp: random.chance(5) ? ICMPMatch(type: 8, code: random.chance(50) ? 0 : nil) : nil,
                notICMP: random.chance(5) ? ICMPMatch(type: 8) : nil, source: side(isDestination: false),
                destination: side(isDestination: true))
        }
    }

    private mutating func side(isDestination: Bool) -> EntityRule {
        var side = EntityRule()
        if random.chance(20) { side.nets = (0...Int.random(in: 0...2, using: &random)).map { _ in anyBlock() } }
        if random.chance(10) { side.notNets = (0...Int.random(in: 0...1, using: &random)).map { _ in anyBlock() } }
        if random.chance(25) { side.selector = random.chance(30) ? comparison() : selector() }
        if random.chance(12) { side.notSelector = selector() }
        if random.chance(15) { side.namespaceSelector = namespaceSelector() }
        if random.chance(8) {
            side.serviceAccounts = ServiceAccountMatch(
                names: random.chance(50) ? ["robot"] : [], selector: random.chance(50) ? selector() : nil)
        }
        if random.chance(20) { side.ports = (0...Int.random(in: 0...1, using: &random)).map { _ in ports() } }
        if random.chance(12) { side.namedPorts = [random.pick(["http", "dns"])] }
        if random.chance(10) { side.notPorts = [ports()] }
        if random.chance(10) { side.notNamedPorts = [random.pick(["http", "dns"])] }
        if random.chance(8) {
            side = EntityRule(services: ServiceReference(namespace: random.pick(["", "red"]), name: random.pick(["web", "db"])))
        }
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
        for key in ["app", "role"] where random.chance(60) { labels[key] = random.pick(["a", "b", "c"]) }
        return labels
    }

    private mutating func namespaceSelector() -> NamespaceSelector {
        random.chance(25) ? .global : .matching(random.chance(30) ? .all : selector())
    }

    private mutating func comparison() -> Selector {
        let label = Selector.sameLabel(key: random.pick(["app", "role", "pcns.app", "pcsa.role"]))
        return random.pick([.sameNamespace, label, label, .not(.sameNamespace), .not(label), .and([.sameNamespace, label]), .or([label, selector()])])
    }

    private mutating func selector() -> Selector {
        let key = random.pick(["app", "role"])
        let value = random.pick(["a", "b", "c"])
        switch Int.random(in: 0..<9, using: &random) {
        case 0: return .all
        case 1: return .has(key: key)
        case 2: return .not(.equals(key: key, value: value))
        case 3: return .isIn(key: key, values: [value, random.pick(["a", "b", "c"])])
        case 4: return .and([.has(key: key), .notEquals(key: random.pick(["app", "role"]), value: value)])
        case 5: return .equals(key: "pcns." + key, value: value)
        case 6: return .equals(key: "pcsa." + key, value: value)
        default: return .equals(key: key, value: value)
        }
    }
}

extension PolicyWorld {
    mutating func take(_ change: WorldChange) {
        switch change {
        case .tier(let name, let tier): tiers[name] = tier
        case .namespace(let name, let namespace): namespaces[name] = namespace
        case .serviceAccount(let name, let account): serviceAccounts[name] = account
        case .profile(let name, let profile): profiles[name] = profile
        case .endpoint(let key, let endpoint): endpoints[key] = endpoint
        case .networkSet(let name, let set): networkSets[name] = set
        case .endpointSlice(let name, let slice): endpointSlices[name] = slice
        case .policy(let reference, let policy): policies[reference] = policy
        case .staged(let reference, let staged): self.staged[reference] = staged
        }
    }
}
