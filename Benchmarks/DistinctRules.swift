import PolicyEngine
import PolicyModel

/// One workload whose egress is decided by so many rules, no two of them alike, and a packet that meets each.
struct DistinctRules {
    static let rulesPerPolicy = 50
    static let endpoint = EndpointKey(namespace: "default", name: "workload")
    static let address = IPAddress(v4: 0x0a3f_0001)
    static let node = "measured"

    private let peers: [Peer]
    private(set) var world: PolicyWorld

    /// What one rule allows, and an address and port that meet it and no other rule.
    private struct Peer {
        var rule: PolicyRule
        var address: IPAddress
        var port: UInt16
        /// For rules that name their peer by a label.
        var endpoint: WorkloadEndpoint?
    }

    /// `isMixed`: every tenth rule has source ports, or names its block in the negative; packets for single rules
    /// cannot be made then.
    init(count: Int, isMixed: Bool = false) throws {
        peers = try (0..<count).map { try isMixed ? Self.mixed($0) : Self.peer($0) }
        world = .builtIn
        world.endpoints[Self.endpoint] = WorkloadEndpoint(
            key: Self.endpoint, labels: ["role": "workload"], node: Self.node, addresses: [Self.address])
        for peer in peers { if let endpoint = peer.endpoint { world.endpoints[endpoint.key] = endpoint } }
        for start in stride(from: 0, to: count, by: Self.rulesPerPolicy) {
            let policy = Policy(
                reference: Self.reference(ofRule: start), order: Double(start), selector: try Selector("role == 'workload'"),
                directions: [.egress], egress: peers[start..<min(start + Self.rulesPerPolicy, count)].map(\.rule))
            world.policies[policy.reference] = policy
        }
    }

    var count: Int { peers.count }

    func tables() -> VerdictTables {
        var compiler = VerdictCompiler()
        return compiler.compile(world, node: Self.node)
    }

    /// Of a connection that the rule allows.
    func tuple(rule: Int, sourcePort: UInt16) -> PacketTuple {
        let peer = peers[rule]
        return PacketTuple(
            source: Self.address, destination: peer.address, transport: peer.rule.transport ?? .tcp,
            sourcePort: sourcePort, destinationPort: peer.port)
    }

    func decision(rule: Int) -> Decision {
        Decision(
            .allow,
            .rule(tier: Tier.defaultName, policy: Self.reference(ofRule: rule), index: rule % Self.rulesPerPolicy))
    }

    private static func reference(ofRule rule: Int) -> PolicyReference {
        PolicyReference(kind: "NetworkPolicy", namespace: "default", name: "policy-\(rule / rulesPerPolicy)")
    }

    /// In no block of a rule, nor do any of a rule's share their first 16 bits with them; the port is no rule's.
    static func farAddresses(_ number: Int) -> PacketTuple { unmatched(0xac10_0000 + UInt32(number), number) }

    /// As `farAddresses`, but amid blocks of rules.
    static func nearAddresses(_ number: Int) -> PacketTuple { unmatched(0x2800_0000 + UInt32(number % 700) << 16 + 1, number) }

    private static let unmatchedPort: UInt16 = 61_000

    private static func unmatched(_ address: UInt32, _ number: Int) -> PacketTuple {
        PacketTuple(
            source: Self.address, destination: IPAddress(v4: address), transport: .tcp,
            sourcePort: UInt16(1024 + number % 60_000), destinationPort: unmatchedPort)
    }

    private static func mixed(_ index: Int) throws -> Peer {
        var peer = try peer(index)
        guard index % 10 == 9 else { return peer }
        if index % 20 == 9 || peer.rule.destination.nets.isEmpty {
            peer.rule.source.ports = [PortRange(UInt16(2000 + index))]
        } else {
            peer.rule.destination.notNets = peer.rule.destination.nets
            peer.rule.destination.nets = []
        }
        return peer
    }

    /// Four kinds of peers in turn: a label, an address, a /24, a /20; TCP and UDP; one port, or a range.
    private static func peer(_ index: Int) throws -> Peer {
        let number = UInt32(index)
        let port = UInt16(1024 + index * 7 % 50_000)
        var destination = EntityRule()
        guard let ports = PortRange(first: port, last: port + UInt16(index % 3) * 10) else {
            throw BenchmarkError.wrong("no port range from \(port)")
        }
        destination.ports = [ports]
        var endpoint: WorkloadEndpoint?
        let address: IPAddress
        switch index % 4 {
        case 0:
            address = IPAddress(v4: 0x0a40_0000 + number)
            destination.selector = try Selector("app == 'peer-\(index)'")
            endpoint = WorkloadEndpoint(
                key: EndpointKey(namespace: "default", name: "peer-\(index)"), labels: ["app": "peer-\(index)"],
                node: "another", addresses: [address])
        case 1:
            address = IPAddress(v4: 0x0a80_0000 + number)
            destination.nets = [AddressBlock(address)]
        case 2:
            address = IPAddress(v4: 0x1400_0000 + number << 8 + 7)
            destination.nets = [try block(address, 24)]
        default:
            address = IPAddress(v4: 0x2800_0000 + number << 12 + 777)
            destination.nets = [try block(address, 20)]
        }
        let rule = PolicyRule(action: .allow, transport: index % 8 < 4 ? .tcp : .udp, destination: destination)
        return Peer(rule: rule, address: address, port: port, endpoint: endpoint)
    }

    private static func block(_ address: IPAddress, _ length: Int) throws -> AddressBlock {
        guard let block = AddressBlock(address: address, prefixLength: length) else {
            throw BenchmarkError.wrong("no block of length \(length)")
        }
        return block
    }
}
