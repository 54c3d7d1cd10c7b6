import PolicyModel

/// A rule of a policy or profile as seen from one direction, for one IP version: sets instead of selectors and nets.
///
/// The local side is the destination of ingress and the source of egress.
struct CompiledRule: Sendable {
    /// One way to match the rule.
    struct Alternative: Sendable {
        var ports: PortCondition
        /// The sets that the local address must be in, all of them.
        var local: [SetNumber] = []
        /// The sets that the peer must be in, all of them.
        var peers: [SetNumber] = []
    }

    /// What the rule does not match for addresses in a set.
    struct Exclusion: Hashable, Sendable {
        var set: SetNumber
        var ports: PortExclusion
    }

    /// Of the policy's rules in this direction, from 0.
    var position: Int32
    /// As the user wrote the list.
    var index: Int32
    var action: RuleAction
    var alternatives: [Alternative]
    var localExclusions: [Exclusion]
    var peerExclusions: [Exclusion]

    /// Every set that the local address is asked about.
    var localSets: [SetNumber] { alternatives.flatMap(\.local) + localExclusions.map(\.set) }

    var peerSets: [SetNumber] { alternatives.flatMap(\.peers) + peerExclusions.map(\.set) }
}

/// Makes rules into sets and ports.
struct RuleCompilation {
    let direction: Direction
    let version: IPVersion
    /// Of the policy; nil for a global one and for a profile.
    let namespace: String?
    /// The numbers that a port's name stands for somewhere, sorted.
    let namedPorts: (String) -> [PortVariant]
    /// The ports of a service, sorted.
    let servicePorts: (NamespacedName) -> [PortVariant]

    private enum Side {
        case local
        case peer
    }

    /// A condition on ports together with one on the address of the same side.
    private struct Choice {
        var keys = KeySet.allKeys
        var sourcePorts: KeySet?
        var set: SetExpression?
    }

    /// nil when no packet can match, whatever the sets hold.
    func compile(_ rule: PolicyRule, position: Int, intern: (SetExpression) -> SetNumber) -> CompiledRule? {
        guard rule.version == nil || rule.version == version, exists(rule.source), exists(rule.destination) else {
            return nil
        }
        let keys = keys(of: rule)
        let source = PeerSelector(rule.source, namespace: namespace)
        let destination = PeerSelector(rule.destination, namespace: namespace)
        let sourceSide: Side = direction == .ingress ? .peer : .local
        let destinationSide: Side = direction == .ingress ? .local : .peer

        var result = CompiledRule(
            position: Int32(position), index: Int32(rule.writtenIndex ?? position), action: rule.action, alternatives: [],
            localExclusions: [], peerExclusions: [])
        // As a source a service means its addresses, whatever their ports.
        let sourceService = rule.source.services.map { SetExpression.service(name($0)) }
        let sourceSets = (sets(rule.source, source) + (sourceService.map { [$0] } ?? [])).map(intern)
        let destinationSets = sets(rule.destination, destination).map(intern)
        for first in sourceChoices(rule, source) {
            for second in destinationChoices(rule, destination) {
                let left = keys.intersection(first.keys).intersection(second.keys)
                guard !left.isEmpty else { continue }
                var alternative = CompiledRule.Alternative(
                    ports: PortCondition(keys: left, sourcePorts: first.sourcePorts))
                let ofSource = (first.set.map { [intern($0)] } ?? []) + sourceSets
                let ofDestination = (second.set.map { [intern($0)] } ?? []) + destinationSets
                alternative.local = sourceSide == .local ? ofSource : ofDestination
                alternative.peers = sourceSide == .peer ? ofSource : ofDestination
                result.alternatives.append(alternative)
            }
        }
        for (side, exclusions) in [
            (sourceSide, exclusions(rule, rule.source, source, isSource: true, intern)),
            (destinationSide, exclusions(rule, rule.destination, destination, isSource: false, intern)),
        ] {
            if side == .local { result.localExclusions += exclusions } else { result.peerExclusions += exclusions }
        }
        return result.alternatives.isEmpty ? nil : result
    }

    /// As in Calico, a side whose nets, or notNets, are all of one version has the rule exist for that version only.
    private func exists(_ side: EntityRule) -> Bool {
        [side.nets, side.notNets].allSatisfy { nets in nets.isEmpty || nets.contains { $0.version == version } }
    }

    /// What the fields that do not speak of addresses leave.
    private func keys(of rule: PolicyRule) -> KeySet {
        var keys = rule.transport.map { KeySet($0) } ?? .allKeys
        if let transport = rule.notTransport { keys = keys.subtracting(KeySet(transport)) }
        let messages: [TransportProtocol] = [.icmp, .icmpV6]
        if let icmp = rule.icmp {
            keys = keys.intersection(messages.map { KeySet(icmp, of: $0) }.reduce(KeySet.none) { $0.union($1) })
        }
        // As in Calico, a notICMP without a type leaves nothing out.
        if let icmp = rule.notICMP, icmp.type != nil {
            for transport in messages { keys = keys.subtracting(KeySet(icmp, of: transport)) }
        }
        return keys.subtracting(KeySet(destinationPorts: rule.destination.notPorts))
    }

    /// The sets of a side without regard to ports.
    private func sets(_ side: EntityRule, _ selector: PeerSelector) -> [SetExpression] {
        var result: [SetExpression] = []
        if let positive = selector.positive { result.append(.members(positive)) }
        if let nets = SetExpression(nets: side.nets, version: version) { result.append(nets) }
        return result
    }

    private func sourceChoices(_ rule: PolicyRule, _ selector: PeerSelector) -> [Choice] {
        let side = rule.source
        var choices: [Choice] = []
        if side.ports.isEmpty && side.namedPorts.isEmpty {
            choices = [Choice()]
        } else {
            if !side.ports.isEmpty {
                let ports = KeySet(sourcePorts: side.ports)
                choices.append(Choice(keys: .withPorts, sourcePorts: ports == .allPorts ? nil : ports))
            }
            for (name, variant) in variants(side.namedPorts, of: rule) {
                choices.append(
                    Choice(
                        keys: KeySet(variant.transport), sourcePorts: variant.sourcePorts,
                        set: .namedPort(selector.portOwners, name: name, variant)))
            }
        }
        let excluded = KeySet(sourcePorts: side.notPorts)
        if !excluded.isEmpty { choices = choices.flatMap { without(excluded, $0) } }
        return choices
    }

    /// Source ports can only be left out of protocols that have them.
    private func without(_ excluded: KeySet, _ choice: Choice) -> [Choice] {
        let left = (choice.sourcePorts ?? .allPorts).subtracting(excluded)
        var withPorts = choice
        withPorts.keys = choice.keys.intersection(.withPorts)
        withPorts.sourcePorts = left
        var others = choice
        others.keys = choice.keys.subtracting(.withPorts)
        return (left.isEmpty || withPorts.keys.isEmpty ? [] : [withPorts]) + (others.keys.isEmpty ? [] : [others])
    }

    private func destinationChoices(_ rule: PolicyRule, _ selector: PeerSelector) -> [Choice] {
        let side = rule.destination
        if let service = side.services.map(name) {
            return servicePorts(service).map { Choice(keys: $0.keys, set: .servicePort(service, $0)) }
        }
        if side.ports.isEmpty && side.namedPorts.isEmpty { return [Choice()] }
        var choices: [Choice] = []
        if !side.ports.isEmpty { choices.append(Choice(keys: KeySet(destinationPorts: side.ports))) }
        for (name, variant) in variants(side.namedPorts, of: rule) {
            choices.append(Choice(keys: variant.keys, set: .namedPort(selector.portOwners, name: name, variant)))
        }
        return choices
    }

    private func exclusions(
        _ rule: PolicyRule, _ side: EntityRule, _ selector: PeerSelector, isSource: Bool,
        _ intern: (SetExpression) -> SetNumber
    ) -> [CompiledRule.Exclusion] {
        var result: [CompiledRule.Exclusion] = []
        if let nets = SetExpression(nets: side.notNets, version: version) {
            result.append(CompiledRule.Exclusion(set: intern(nets), ports: .everything))
        }
        if let negative = selector.negative {
            result.append(CompiledRule.Exclusion(set: intern(.members(negative)), ports: .everything))
        }
        for (name, variant) in variants(side.notNamedPorts, of: rule) {
            let set = intern(.namedPort(selector.portOwners, name: name, variant))
            result.append(
                CompiledRule.Exclusion(
                    set: set, ports: isSource ? .sourcePorts(variant.sourcePorts) : .keys(variant.keys)))
        }
        return result
    }

    /// A named port needs the rule's protocol to be its own.
    private func variants(_ names: [String], of rule: PolicyRule) -> [(String, PortVariant)] {
        guard let transport = rule.transport, transport.hasPorts else { return [] }
        return Set(names).sorted().flatMap { name in
            namedPorts(name).filter { $0.transport == transport }.map { (name, $0) }
        }
    }

    private func name(_ service: ServiceReference) -> NamespacedName {
        NamespacedName(
            namespace: service.namespace.isEmpty ? namespace ?? "" : service.namespace, name: service.name)
    }
}
