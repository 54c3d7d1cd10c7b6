import PolicyModel

/// Policies of policy.networking.k8s.io, written as their users write them.
struct ClusterPolicyGenerator {
    /// What networks are made around.
    let addresses: [IPAddress]

    func policy(using random: inout SplitMix64) -> Policy {
        let kind = random.pick([
            Kinds.clusterNetworkPolicy, Kinds.clusterNetworkPolicy, Kinds.clusterNetworkPolicy, Kinds.adminNetworkPolicy,
            Kinds.baselineAdminNetworkPolicy,
        ])
        let isNewer = kind.version == "v1alpha2"
        let isBaseline = kind.resource == Kinds.baselineAdminNetworkPolicy.resource
        var spec: [String: JSONValue] = [
            "subject": subject(using: &random), "ingress": rules(kind, .ingress, using: &random),
            "egress": rules(kind, .egress, using: &random),
        ]
        if isNewer { spec["tier"] = random.pick(["Admin", "Baseline"]) }
        if !isBaseline { spec["priority"] = .integer(random.pick([0, 1, 1, 2, 10, 1000])) }
        let name = isBaseline ? "default" : random.pick(["p", "p-1", "p.1", "q", "guard"])
        let object: JSONValue = [
            "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind), "metadata": ["name": .string(name)],
            "spec": .object(spec),
        ]
        do { return try Policy(object: object) } catch { preconditionFailure("\(object.text()): \(error)") }
    }

    private func subject(using random: inout SplitMix64) -> JSONValue {
        let namespaces = LabelGenerator.labelSelector(ofNamespaces: true, using: &random)
        return random.chance(50) ? ["namespaces": namespaces] : ["pods": pods(using: &random)]
    }

    private func pods(using random: inout SplitMix64) -> JSONValue {
        [
            "namespaceSelector": LabelGenerator.labelSelector(ofNamespaces: true, using: &random),
            "podSelector": LabelGenerator.labelSelector(ofNamespaces: false, using: &random),
        ]
    }

    private func rules(
        _ kind: ResourceKind, _ direction: Direction, using random: inout SplitMix64
    ) -> JSONValue {
        let isNewer = kind.version == "v1alpha2"
        let allow = isNewer ? "Accept" : "Allow"
        let isBaseline = kind.resource == Kinds.baselineAdminNetworkPolicy.resource
        return .array(
            (0..<random.pick([0, 1, 2, 3])).map { _ in
                var rule: [String: JSONValue] = [
                    "action": .string(random.pick(isBaseline ? [allow, "Deny"] : [allow, "Deny", "Pass"]))
                ]
                let hasNetworks = direction == .egress && random.chance(40)
                rule[direction == .ingress ? "from" : "to"] = .array(
                    (0..<random.number(1...3)).map { index in
                        if hasNetworks, index == 0 { return ["networks": networks(using: &random)] }
                        // Of a kind that only a later release knows.
                        if random.chance(3) { return ["laterPeer": [:]] }
                        return random.chance(40)
                            ? ["namespaces": LabelGenerator.labelSelector(ofNamespaces: true, using: &random)]
                            : ["pods": pods(using: &random)]
                    })
                if random.chance(50) {
                    rule[isNewer ? "protocols" : "ports"] = .array(
                        (0..<random.number(1...3)).map { _ in port(isNewer, named: !hasNetworks, using: &random) })
                }
                return .object(rule)
            })
    }

    private func networks(using random: inout SplitMix64) -> JSONValue {
        let blocks = (0..<random.number(1...3)).map { _ in
            AddressGenerator.block(around: addresses, random.pick(IPVersion.allCases), using: &random)
        }
        return .array(Set(blocks).sorted().map { .string("\($0.address)/\($0.prefixLength)") })
    }

    private func port(_ isNewer: Bool, named: Bool, using random: inout SplitMix64) -> JSONValue {
        if named, random.chance(35) {
            return [isNewer ? "destinationNamedPort" : "namedPort": .string(random.pick(PeerGenerator.portNames))]
        }
        let number = JSONValue.integer(random.pick([53, 80, 443, 5432, 8080]))
        let ends: JSONValue = ["start": .integer(random.pick([1, 53, 80])), "end": .integer(random.pick([81, 443, 65535]))]
        let isRange = random.chance(40)
        guard isNewer else {
            var port = isRange ? ends : ["port": number]
            if random.chance(60) { port["protocol"] = random.pick(["TCP", "UDP", "SCTP"]) }
            return [isRange ? "portRange" : "portNumber": port]
        }
        return [random.pick(["tcp", "tcp", "udp", "sctp"]): ["destinationPort": isRange ? ["range": ends] : ["number": number]]]
    }
}
