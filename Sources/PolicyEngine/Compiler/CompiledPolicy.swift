import PolicyModel

/// A policy with its selectors and nets as set numbers.
struct CompiledPolicy {
    let policy: Policy
    /// Another for each content; internal.
    let revision: Int32
    /// The endpoints it applies to.
    let selection: SetNumber
    let ingress: [CompiledRule]
    let egress: [CompiledRule]

    func rules(_ direction: Direction) -> [CompiledRule] { direction == .ingress ? ingress : egress }

    func dependsOnAddress(_ direction: Direction) -> Bool {
        rules(direction).contains { $0.local.endpoints != nil || $0.local.hasNets }
    }

    var sets: [SetNumber] { [selection] + (ingress + egress).flatMap { $0.local.sets + $0.peer.sets } }
}

/// The addresses that one side of a rule asks for.
struct CompiledSide {
    var endpoints: SetNumber?
    var hasNets: Bool
    var netsV4: SetNumber?
    var netsV6: SetNumber?

    init(_ side: EntityRule, namespace: String?, intern: (SetExpression) -> SetNumber) {
        endpoints = SetExpression(side: side, namespace: namespace).map(intern)
        hasNets = !side.nets.isEmpty
        netsV4 = SetExpression(nets: side.nets, version: .v4).map(intern)
        netsV6 = SetExpression(nets: side.nets, version: .v6).map(intern)
    }

    var sets: [SetNumber] { [endpoints, netsV4, netsV6].compactMap { $0 } }

    func nets(_ version: IPVersion) -> SetNumber? { version == .v4 ? netsV4 : netsV6 }

    /// False when its nets are all of the other version.
    func exists(_ version: IPVersion) -> Bool { !hasNets || nets(version) != nil }

    /// All that an address of `version` must be in.
    func conditions(_ version: IPVersion) -> [SetNumber] { [endpoints, nets(version)].compactMap { $0 } }
}

/// A rule seen from one direction: the local side is the destination of ingress and the source of egress.
struct CompiledRule {
    /// As the user wrote the list.
    var index: Int32
    var action: RuleAction
    var ports: PortCondition
    var local: CompiledSide
    var peer: CompiledSide

    init(
        _ rule: PolicyRule, index: Int, ports: PortCondition, direction: Direction, namespace: String?,
        intern: (SetExpression) -> SetNumber
    ) {
        self.index = Int32(index)
        action = rule.action
        self.ports = ports
        let (near, far) = direction == .ingress ? (rule.destination, rule.source) : (rule.source, rule.destination)
        local = CompiledSide(near, namespace: namespace, intern: intern)
        peer = CompiledSide(far, namespace: namespace, intern: intern)
    }
}

/// What a rule asks of protocol and ports.
struct PortCondition: Hashable {
    /// Half open, over `VerdictTables.rangeKey`; sorted, disjoint, never empty.
    var keys: [KeyInterval]
    /// Half open, over source ports; sorted, disjoint; nil: every packet.
    var sourcePorts: [KeyInterval]?

    /// The first key that no packet has.
    static let keyEnd: UInt32 = 1 << 24
    private static let protocolsWithPorts = (0...UInt8.max).map(TransportProtocol.init).filter(\.hasPorts)

    /// nil when no packet can match.
    init?(_ rule: PolicyRule) {
        let destinationPorts = Self.merged(rule.destination.ports)
        sourcePorts = rule.source.ports.isEmpty ? nil : Self.merged(rule.source.ports)
        let portsAsked = !destinationPorts.isEmpty || sourcePorts != nil
        if sourcePorts == [KeyInterval(start: 0, end: 1 << 16)] { sourcePorts = nil }
        let protocols: [TransportProtocol]
        switch (rule.transport, portsAsked) {
        case (let transport?, false): protocols = [transport]
        case (let transport?, true): protocols = transport.hasPorts ? [transport] : []
        case (nil, true): protocols = Self.protocolsWithPorts
        case (nil, false):
            keys = [KeyInterval(start: 0, end: Self.keyEnd)]
            return
        }
        let ports = destinationPorts.isEmpty ? [KeyInterval(start: 0, end: 1 << 16)] : destinationPorts
        keys = protocols.flatMap { transport in
            let offset = UInt32(transport.number) << 16
            return ports.map { KeyInterval(start: $0.start + offset, end: $0.end + offset) }
        }
        if keys.isEmpty { return nil }
    }

    private static func merged(_ ports: [PortRange]) -> [KeyInterval] {
        var result: [KeyInterval] = []
        for range in ports.sorted(by: { ($0.first, $0.last) < ($1.first, $1.last) }) {
            let end = UInt32(range.last) + 1
            if let last = result.last, UInt32(range.first) <= last.end {
                result[result.count - 1].end = max(last.end, end)
            } else {
                result.append(KeyInterval(start: UInt32(range.first), end: end))
            }
        }
        return result
    }
}

/// `start..<end`.
struct KeyInterval: Hashable {
    var start: UInt32
    var end: UInt32
}
