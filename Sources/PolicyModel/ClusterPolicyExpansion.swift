/// The kinds of policy.networking.k8s.io as policies of the tiers `kube-admin` and `kube-baseline`, as Calico makes them
/// (libcalico-go `lib/backend/k8s/conversion`); where it leaves something out, as the specification says.
enum ClusterPolicyExpansion {
    static func policy(
        _ form: ClusterPolicyForm, reference: PolicyReference, spec: JSONValue, denyAction: DenyAction?
    ) throws(ValidationError) -> Policy {
        let ingress = spec["ingress"]?.arrayValue ?? []
        let egress = spec["egress"]?.arrayValue ?? []
        // Without rules for a direction nothing is said of it, and so the tier is as if the policy were not there.
        var directions: Set<Direction> = []
        if !ingress.isEmpty { directions.insert(.ingress) }
        if !egress.isEmpty { directions.insert(.egress) }
        let subject = spec["subject"] ?? .null
        guard let subjects = try pods(subject) else { throw ObjectDecoding.unreadable("spec.subject") }
        return Policy(
            reference: reference, tier: tier(form, spec),
            order: form == .baseline ? Policy.baselineOrder : spec["priority"]?.numberValue,
            selector: subjects.selector ?? .all, namespaceSelector: subjects.namespaceSelector, directions: directions,
            ingress: try rules(ingress, .ingress, form), egress: try rules(egress, .egress, form), denyAction: denyAction)
    }

    private static func tier(_ form: ClusterPolicyForm, _ spec: JSONValue) -> String {
        switch form {
        case .admin: Tier.adminName
        case .baseline: Tier.baselineName
        case .cluster: spec["tier"] == "Baseline" ? Tier.baselineName : Tier.adminName
        }
    }

    /// For each written rule one for each protocol and peer, blocks of one version together: all with its action.
    ///
    /// A rule with a peer or a port of a kind that is not known fails closed, as the specification demands: one that accepts
    /// matches nothing, any other denies everything.
    static func rules(
        _ written: [JSONValue], _ direction: Direction, _ form: ClusterPolicyForm
    ) throws(ValidationError) -> [PolicyRule] {
        var rules: [PolicyRule] = []
        for (index, rule) in written.enumerated() {
            let name = ObjectDecoding.text(rule["action"])
            guard let action = form.actions.first(where: { $0.name == name })?.action else {
                throw ObjectDecoding.unreadable("spec.action")
            }
            guard let peers = try entities(rule[KubernetesPolicyExpansion.peers(direction)]?.arrayValue ?? [], direction),
                let ports = try Self.ports(rule[form.portsMember]?.arrayValue ?? [], form)
            else {
                if action != .allow { rules.append(PolicyRule(action: .deny, writtenIndex: index)) }
                continue
            }
            for ports in ports { rules += ports.rules(action, peers, direction, writtenIndex: index) }
        }
        return rules
    }

    // MARK: Peers

    /// nil: one of them is of a kind that is not known.
    private static func entities(
        _ peers: [JSONValue], _ direction: Direction
    ) throws(ValidationError) -> [EntityRule]? {
        if peers.isEmpty { return nil }
        var entities: [EntityRule] = []
        var blocks: [AddressBlock] = []
        for peer in peers {
            if let entity = try pods(peer) {
                entities.append(entity)
            } else if direction == .egress, let networks = peer["networks"]?.arrayValue, !networks.isEmpty {
                blocks += try ObjectDecoding.blocks(.array(networks), path: "spec.networks")
            } else {
                return nil
            }
        }
        for version in IPVersion.allCases {
            let nets = blocks.filter { $0.version == version }.withoutRepetition
            if !nets.isEmpty { entities.append(EntityRule(nets: nets)) }
        }
        return entities
    }

    /// `namespaces` or `pods` of a subject or a peer; nil: neither is there. Pods are the endpoints of Kubernetes alone.
    private static func pods(_ value: JSONValue) throws(ValidationError) -> EntityRule? {
        if let pods = value["pods"], !pods.isNull {
            return EntityRule(
                selector: try KubernetesPolicyExpansion.podSelector(pods["podSelector"]),
                namespaceSelector: try namespaces(pods["namespaceSelector"] ?? .null))
        }
        guard let selector = value["namespaces"], !selector.isNull else { return nil }
        return EntityRule(
            selector: try KubernetesPolicyExpansion.podSelector(nil), namespaceSelector: try namespaces(selector))
    }

    private static func namespaces(_ selector: JSONValue) throws(ValidationError) -> NamespaceSelector {
        .matching(KubernetesPolicyExpansion.all(try KubernetesPolicyExpansion.comparisons(selector)))
    }

    // MARK: Ports

    /// What one written port says: a range of a protocol, or a name that ports of any protocol can have.
    private enum Port {
        case range(TransportProtocol, PortRange)
        case name(String)
    }

    private static let transports: [TransportProtocol] = [.tcp, .udp, .sctp]

    /// nil: one of them is of a kind that is not known.
    private static func ports(
        _ written: [JSONValue], _ form: ClusterPolicyForm
    ) throws(ValidationError) -> [KubernetesPolicyExpansion.Ports]? {
        if written.isEmpty { return [KubernetesPolicyExpansion.Ports(transport: nil)] }
        var byTransport: [TransportProtocol: KubernetesPolicyExpansion.Ports] = [:]
        for value in written {
            guard let port = form == .cluster ? try Self.protocolPort(value) : try Self.port(value) else { return nil }
            switch port {
            case .range(let transport, let range):
                byTransport[transport, default: KubernetesPolicyExpansion.Ports(transport: transport)].ranges.append(range)
            case .name(let name):
                for transport in transports {
                    byTransport[transport, default: KubernetesPolicyExpansion.Ports(transport: transport)].names.append(name)
                }
            }
        }
        return byTransport.sorted { $0.key < $1.key }.map(\.value)
    }

    /// An element of `protocols` (v1alpha2).
    private static func protocolPort(_ value: JSONValue) throws(ValidationError) -> Port? {
        let name = ObjectDecoding.text(value["destinationNamedPort"])
        if !name.isEmpty { return .name(name) }
        for (member, transport) in [("tcp", TransportProtocol.tcp), ("udp", .udp), ("sctp", .sctp)] {
            guard let port = value[member]?["destinationPort"] else { continue }
            if let number = port["number"], !number.isNull { return .range(transport, try range(number, number)) }
            guard let ports = port["range"], !ports.isNull else { return nil }
            return .range(transport, try range(ports["start"], ports["end"]))
        }
        return nil
    }

    /// An element of `ports` (v1alpha1).
    private static func port(_ value: JSONValue) throws(ValidationError) -> Port? {
        let name = ObjectDecoding.text(value["namedPort"])
        if !name.isEmpty { return .name(name) }
        if let port = value["portNumber"], !port.isNull {
            return .range(try transport(port), try range(port["port"], port["port"]))
        }
        guard let port = value["portRange"], !port.isNull else { return nil }
        return .range(try transport(port), try range(port["start"], port["end"]))
    }

    private static func transport(_ port: JSONValue) throws(ValidationError) -> TransportProtocol {
        let name = ObjectDecoding.text(port["protocol"])
        guard let transport = TransportProtocol(name: name.isEmpty ? "TCP" : name) else {
            throw ObjectDecoding.unreadable("spec.ports.protocol")
        }
        return transport
    }

    private static func range(_ first: JSONValue?, _ last: JSONValue?) throws(ValidationError) -> PortRange {
        guard let first = first?.integerValue.flatMap({ UInt16(exactly: $0) }),
            let last = last?.integerValue.flatMap({ UInt16(exactly: $0) }),
            let range = PortRange(first: first, last: last)
        else { throw ObjectDecoding.unreadable("spec.ports") }
        return range
    }
}
