/// What the definitions of policy.networking.k8s.io demand beyond types, and our limits.
struct ClusterPolicyRules {
    let form: ClusterPolicyForm
    /// The policy is read, not written: a peer or a port of a kind that is not known makes its rule fail closed.
    let failsClosed: Bool

    func check(_ object: JSONValue, into errors: inout [FieldError]) {
        if form == .baseline, object["metadata"]?["name"]?.stringValue != ClusterPolicyForm.baselineName {
            errors.fail(
                "metadata.name",
                "must be \(ClusterPolicyForm.baselineName.quoted): there is at most one BaselineAdminNetworkPolicy")
        }
        guard let spec = object["spec"], case .object = spec else { return }
        checkSubject(spec["subject"], into: &errors)
        for direction in Direction.allCases {
            let member = direction == .ingress ? "ingress" : "egress"
            guard let rules = spec[member]?.arrayValue else { continue }
            let path = "spec.\(member)"
            guard rules.count <= form.listLimit else {
                errors.fail(
                    path, "\(rules.count) rules are more than the limit of \(form.listLimit): split the policy")
                continue
            }
            for (index, rule) in rules.enumerated() {
                check(rule, path: "\(path)[\(index)]", direction, into: &errors)
            }
            // What cannot be expanded is wrong, and told of already.
            guard let expanded = try? ClusterPolicyExpansion.rules(rules, direction, form).count,
                expanded > ObjectLimits.expandedKubernetesRules
            else { continue }
            errors.fail(
                path,
                "its peers and protocols make \(expanded) rules, more than the limit of "
                    + "\(ObjectLimits.expandedKubernetesRules): split the policy")
        }
    }

    private func checkSubject(_ subject: JSONValue?, into errors: inout [FieldError]) {
        guard let subject, case .object = subject else { return }
        checkOne(of: ["namespaces", "pods"], in: subject, path: "spec.subject", isRule: false, into: &errors)
        checkSelectors(subject, path: "spec.subject", into: &errors)
    }

    private func check(
        _ rule: JSONValue, path: String, _ direction: Direction, into errors: inout [FieldError]
    ) {
        guard case .object = rule else { return }
        if let name = rule["name"]?.stringValue, name.unicodeScalars.count > ObjectLimits.ruleNameLength {
            errors.fail(
                "\(path).name",
                "has \(name.unicodeScalars.count) characters, more than the limit of \(ObjectLimits.ruleNameLength)")
        }
        let member = KubernetesPolicyExpansion.peers(direction)
        if let peers = list(rule[member], path: "\(path).\(member)", "peers", into: &errors) {
            for (index, peer) in peers.enumerated() {
                check(peer: peer, path: "\(path).\(member)[\(index)]", direction, into: &errors)
            }
        }
        guard let ports = list(rule[form.portsMember], path: "\(path).\(form.portsMember)", "ports", into: &errors) else { return }
        let hasBlocks = (rule[member]?.arrayValue ?? []).contains { peer in
            ["networks", "nodes", "domainNames"].contains { peer[$0]?.isNull == false }
        }
        for (index, port) in ports.enumerated() {
            check(port: port, path: "\(path).\(form.portsMember)[\(index)]", besideBlocks: hasBlocks, into: &errors)
        }
    }

    /// A list that is there must hold something, and not too much; nil when it does not.
    private func list(
        _ value: JSONValue?, path: String, _ name: String, into errors: inout [FieldError]
    ) -> [JSONValue]? {
        guard let elements = value?.arrayValue else { return nil }
        if elements.isEmpty {
            errors.fail(path, "must hold at least one element", .required)
            return nil
        }
        guard elements.count <= form.listLimit else {
            errors.fail(
                path, "\(elements.count) \(name) are more than the limit of \(form.listLimit): split the rule")
            return nil
        }
        return elements
    }

    /// Exactly one of `members` must be there.
    private func checkOne(
        of members: [String], in value: JSONValue, path: String, isRule: Bool = true, into errors: inout [FieldError]
    ) {
        let present = members.filter { value[$0]?.isNull == false }
        if present.count > 1 {
            errors.fail(
                path, "must have one member, not \(present.joined(separator: " and "))\(isRule ? ": write several elements" : "")")
        } else if present.isEmpty, !(isRule && failsClosed) {
            errors.fail(path, "must have one of the members \(SchemaChecker.choice(members))", .required)
        }
    }

    private func checkSelectors(_ value: JSONValue, path: String, into errors: inout [FieldError]) {
        KubernetesPolicyRules.checkLabelSelector(value["namespaces"], path: "\(path).namespaces", into: &errors)
        for member in ["namespaceSelector", "podSelector"] {
            KubernetesPolicyRules.checkLabelSelector(value["pods"]?[member], path: "\(path).pods.\(member)", into: &errors)
        }
    }

    private func check(
        peer: JSONValue, path: String, _ direction: Direction, into errors: inout [FieldError]
    ) {
        guard case .object = peer else { return }
        checkOne(of: ClusterPolicyForm.peerAlternatives(direction), in: peer, path: path, into: &errors)
        checkSelectors(peer, path: path, into: &errors)
        guard direction == .egress, let networks = peer["networks"]?.arrayValue else { return }
        let member = "\(path).networks"
        if networks.isEmpty { errors.fail(member, "must hold at least one block", .required) }
        if networks.count > ObjectLimits.networksPerPeer {
            return errors.fail(
                member,
                "\(networks.count) blocks are more than the limit of \(ObjectLimits.networksPerPeer): write several peers")
        }
        AddressRules.check(blocks: networks, path: member, member: "networks", into: &errors)
        for (index, network) in networks.enumerated() {
            guard let text = network.stringValue, AddressBlock(text) != nil, !text.utf8.contains(UInt8(ascii: "/")) else { continue }
            errors.fail("\(member)[\(index)]", "\(text.quoted) is no address block: write it as 10.0.0.0/8 or 2001:db8::/32")
        }
    }

    private func check(port: JSONValue, path: String, besideBlocks: Bool, into errors: inout [FieldError]) {
        guard case .object = port else { return }
        checkOne(of: form.portAlternatives, in: port, path: path, into: &errors)
        let nameMember = form == .cluster ? "destinationNamedPort" : "namedPort"
        if let name = port[nameMember]?.stringValue {
            if !NameRules.isEndpointPortName(name) {
                errors.fail(
                    "\(path).\(nameMember)",
                    "\(name.quoted) is no port name: use at most 15 lower case letters, digits and single inner '-', "
                        + "among them a letter")
            }
            if besideBlocks {
                errors.fail("\(path).\(nameMember)", "cannot stand beside networks: only pods give names to ports")
            }
        }
        guard form == .cluster else { return checkRange(port["portRange"], path: "\(path).portRange", into: &errors) }
        for member in ["tcp", "udp", "sctp"] {
            guard let destination = port[member]?["destinationPort"], case .object = destination else { continue }
            let path = "\(path).\(member).destinationPort"
            checkOne(of: ["number", "range"], in: destination, path: path, into: &errors)
            checkRange(destination["range"], path: "\(path).range", into: &errors)
        }
    }

    private func checkRange(_ range: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let first = range?["start"]?.integerValue, let last = range?["end"]?.integerValue, first >= last else { return }
        errors.fail("\(path).end", "must be greater than start: for one port write its number")
    }
}
