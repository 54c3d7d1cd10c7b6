/// Kubernetes' NetworkPolicies as policies: the conversion that Calico makes
/// (libcalico-go `lib/backend/k8s/conversion`), with rules of one written rule joined where they mean the same.
enum KubernetesPolicyExpansion {
    /// The name under which a Kubernetes NetworkPolicy stands among policies.
    static func reference(namespace: String, name: String) -> PolicyReference {
        PolicyReference(kind: Kinds.networkPolicy.kind, namespace: namespace, name: Policy.kubernetesPrefix + name)
    }

    static func policy(
        reference: PolicyReference, spec: JSONValue, denyAction: DenyAction?
    ) throws(ValidationError) -> Policy {
        Policy(
            reference: reference, order: Policy.kubernetesOrder, selector: try podSelector(spec["podSelector"]),
            directions: Set(types(spec).map { $0 == "Egress" ? .egress : .ingress }),
            ingress: try rules(spec["ingress"]?.arrayValue ?? [], .ingress),
            egress: try rules(spec["egress"]?.arrayValue ?? [], .egress), denyAction: denyAction)
    }

    /// Kubernetes' default: Ingress, and Egress where there are egress rules.
    static func types(_ spec: JSONValue) -> [String] {
        if let types = spec["policyTypes"]?.arrayValue, !types.isEmpty { return types.compactMap(\.stringValue) }
        return spec["egress"]?.arrayValue?.isEmpty ?? true ? ["Ingress"] : ["Ingress", "Egress"]
    }

    /// The member that lists the peers.
    static func peers(_ direction: Direction) -> String { direction == .ingress ? "from" : "to" }

    /// For each written rule one for each protocol and peer, in this order; blocks of one version without exceptions
    /// together. All say Allow, so their order among themselves decides nothing.
    static func rules(_ written: [JSONValue], _ direction: Direction) throws(ValidationError) -> [PolicyRule] {
        var rules: [PolicyRule] = []
        for (index, rule) in written.enumerated() {
            let peers = try entities(rule[peers(direction)]?.arrayValue ?? [])
            for ports in try Self.ports(rule["ports"]?.arrayValue ?? []) {
                rules += ports.rules(.allow, peers, direction, writtenIndex: index)
            }
        }
        return rules
    }

    /// How many rules `rules` makes.
    static func count(_ written: [JSONValue], _ direction: Direction) throws(ValidationError) -> Int {
        var count = 0
        for rule in written {
            count += try entities(rule[peers(direction)]?.arrayValue ?? []).count
                * (try ports(rule["ports"]?.arrayValue ?? []).count)
        }
        return count
    }

    /// What a written rule says of one protocol.
    struct Ports {
        /// nil: all traffic.
        var transport: TransportProtocol?
        /// Both empty: all of the protocol.
        var ranges: [PortRange] = []
        var names: [String] = []

        /// One for each peer.
        func rules(
            _ action: RuleAction, _ peers: [EntityRule], _ direction: Direction, writtenIndex: Int
        ) -> [PolicyRule] {
            peers.map { peer in
                var destination = direction == .ingress ? EntityRule() : peer
                destination.ports = ranges
                destination.namedPorts = names
                return PolicyRule(
                    action: action, transport: transport, source: direction == .ingress ? peer : EntityRule(),
                    destination: destination, writtenIndex: writtenIndex)
            }
        }
    }

    private static func ports(_ written: [JSONValue]) throws(ValidationError) -> [Ports] {
        if written.isEmpty { return [Ports(transport: nil)] }
        var byTransport: [TransportProtocol: Ports] = [:]
        var complete: Set<TransportProtocol> = []
        for port in written {
            let name = ObjectDecoding.text(port["protocol"])
            guard let transport = TransportProtocol(name: name.isEmpty ? "TCP" : name) else {
                throw ObjectDecoding.unreadable("spec.ports.protocol")
            }
            var ports = byTransport[transport] ?? Ports(transport: transport)
            switch port["port"].map(PolicyRules.normalized) ?? .null {
            case .null:
                complete.insert(transport)
            case .string(let name):
                ports.names.append(name)
            case .integer(let first):
                let last = port["endPort"]?.integerValue ?? first
                guard let first = UInt16(exactly: first), let last = UInt16(exactly: last),
                    let range = PortRange(first: first, last: last)
                else { throw ObjectDecoding.unreadable("spec.ports.endPort") }
                ports.ranges.append(range)
            default:
                throw ObjectDecoding.unreadable("spec.ports.port")
            }
            byTransport[transport] = ports
        }
        return byTransport.sorted { $0.key < $1.key }.map { transport, ports in
            complete.contains(transport) ? Ports(transport: transport) : ports
        }
    }

    private static func entities(_ peers: [JSONValue]) throws(ValidationError) -> [EntityRule] {
        if peers.isEmpty { return [EntityRule()] }
        var entities: [EntityRule] = []
        var blocks: [IPVersion: [AddressBlock]] = [:]
        for peer in peers {
            if let block = peer["ipBlock"], !block.isNull {
                guard let cidr = AddressBlock(ObjectDecoding.text(block["cidr"])) else {
                    throw ObjectDecoding.unreadable("spec.ipBlock.cidr")
                }
                let exceptions = try ObjectDecoding.blocks(block["except"], path: "spec.ipBlock.except")
                if exceptions.isEmpty {
                    blocks[cidr.version, default: []].append(cidr)
                } else {
                    entities.append(EntityRule(nets: [cidr], notNets: exceptions))
                }
                continue
            }
            var namespaceSelector: NamespaceSelector?
            if let namespaces = peer["namespaceSelector"], !namespaces.isNull {
                namespaceSelector = .matching(all(try comparisons(namespaces)))
            }
            entities.append(
                EntityRule(selector: try podSelector(peer["podSelector"]), namespaceSelector: namespaceSelector))
        }
        return entities + IPVersion.allCases.compactMap { version in
            blocks[version].map { EntityRule(nets: $0.withoutRepetition) }
        }
    }

    /// Pods are the endpoints of Kubernetes alone.
    static func podSelector(_ value: JSONValue?) throws(ValidationError) -> Selector {
        let pods = Selector.equals(key: SystemLabels.orchestrator, value: SystemLabels.kubernetesOrchestrator)
        return all([pods] + (try comparisons(value ?? .null)))
    }

    static func all(_ comparisons: [Selector]) -> Selector {
        comparisons.count == 1 ? comparisons[0] : comparisons.isEmpty ? .all : .and(comparisons)
    }

    static func comparisons(_ selector: JSONValue) throws(ValidationError) -> [Selector] {
        var comparisons = (selector["matchLabels"]?.objectValue ?? [:]).sorted { $0.key < $1.key }.map {
            Selector.equals(key: $0.key, value: ObjectDecoding.text($0.value))
        }
        for expression in selector["matchExpressions"]?.arrayValue ?? [] {
            let key = ObjectDecoding.text(expression["key"])
            let values = Set((expression["values"]?.arrayValue ?? []).compactMap(\.stringValue))
            switch expression["operator"]?.stringValue {
            case "In": comparisons.append(.isIn(key: key, values: values))
            case "NotIn": comparisons.append(.isNotIn(key: key, values: values))
            case "Exists": comparisons.append(.has(key: key))
            case "DoesNotExist": comparisons.append(.not(.has(key: key)))
            default: throw ObjectDecoding.unreadable("spec.matchExpressions.operator")
            }
        }
        return comparisons
    }
}

extension Array where Element: Hashable {
    /// The first of each.
    var withoutRepetition: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
