import Dataplane
import PolicyEngine
import PolicyModel
import Testing

/// `10.0.0.1` as it is written, for short tests.
func address(_ text: String) -> IPAddress {
    let parts = text.split(separator: ".").compactMap { UInt8($0) }
    return IPAddress(bytes: parts) ?? IPAddress(v4: 0)
}

/// `fd00::N`.
func address6(_ number: UInt64) -> IPAddress { IPAddress(v6High: 0xfd00 << 48, low: number) }

func block(_ text: String, _ length: Int) -> AddressBlock {
    AddressBlock(address: address(text), prefixLength: length) ?? AddressBlock(address(text))
}

/// A literal in `PortRange` itself could also be a JSON value.
func port(_ number: UInt16) -> PortRange { PortRange(number) }

func app(_ value: String) -> Selector { .equals(key: "app", value: value) }

extension PolicyWorld {
    mutating func addTier(_ name: String = Tier.defaultName, _ order: Double? = 1_000_000, _ action: Tier.DefaultAction = .deny) {
        tiers[name] = Tier(name: name, order: order, defaultAction: action)
    }

    mutating func addNamespace(_ name: String, _ labels: [String: String] = [:]) {
        namespaces[name] = Namespace(name: name, labels: labels)
    }

    mutating func addEndpoint(
        _ namespace: String, _ name: String, _ addresses: [IPAddress], _ labels: [String: String] = [:], node: String = ""
    ) {
        let key = EndpointKey(namespace: namespace, name: name)
        endpoints[key] = WorkloadEndpoint(key: key, labels: labels, node: node, addresses: addresses)
    }

    mutating func addPolicy(
        _ namespace: String, _ name: String, tier: String = Tier.defaultName, order: Double? = nil,
        selector: Selector = .all, namespaceSelector: NamespaceSelector? = nil, directions: Set<Direction>? = nil,
        ingress: [PolicyRule] = [], egress: [PolicyRule] = []
    ) {
        let reference = PolicyReference(
            kind: namespace.isEmpty ? "GlobalNetworkPolicy" : "NetworkPolicy", namespace: namespace, name: name)
        var defaulted: Set<Direction> = [.ingress]
        if !egress.isEmpty { defaulted = ingress.isEmpty ? [.egress] : [.ingress, .egress] }
        policies[reference] = Policy(
            reference: reference, tier: tier, order: order, selector: selector, namespaceSelector: namespaceSelector,
            directions: directions ?? defaulted, ingress: ingress, egress: egress)
    }
}

/// Decides a packet at `namespace/name` and checks the compiler's invariants on the way.
func decide(
    _ world: PolicyWorld, _ endpoint: String, _ direction: Direction = .ingress, from source: IPAddress,
    to destination: IPAddress, _ transport: TransportProtocol = .tcp, port: UInt16 = 80, sourcePort: UInt16 = 40_000
) -> Decision? {
    var compiler = VerdictCompiler()
    let tables = compiler.compile(world, node: "here")
    let wrong = compiler.checkInvariants()
    #expect(wrong == [])
    let parts = endpoint.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    return TableEvaluator(tables: tables).decide(
        endpoint: EndpointKey(namespace: parts[0], name: parts[1]), direction: direction,
        packet: PacketTuple(
            source: source, destination: destination, transport: transport, sourcePort: sourcePort,
            destinationPort: port))
}

func rule(_ policy: String, _ index: Int, tier: String = Tier.defaultName) -> Reason {
    let parts = policy.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    return .rule(tier: tier, policy: reference(parts[0], parts[1]), index: index)
}

func reference(_ namespace: String, _ name: String) -> PolicyReference {
    PolicyReference(
        kind: namespace.isEmpty ? "GlobalNetworkPolicy" : "NetworkPolicy", namespace: namespace, name: name)
}
