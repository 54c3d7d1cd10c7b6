/// What Kubernetes' validator demands of NetworkPolicies, and our limits.
enum KubernetesPolicyRules {
    static func check(_ spec: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let spec, case .object = spec else { return }
        checkLabelSelector(spec["podSelector"], path: "\(path).podSelector", into: &errors)
        PolicyRules.checkOnce(spec["policyTypes"], path: "\(path).policyTypes", into: &errors)
        for direction in Direction.allCases {
            let member = direction == .ingress ? "ingress" : "egress"
            guard let rules = spec[member]?.arrayValue else { continue }
            for (index, rule) in rules.enumerated() {
                check(rule, path: "\(path).\(member)[\(index)]", direction: direction, into: &errors)
            }
            // What cannot be expanded is wrong, and told of already.
            guard let expanded = try? KubernetesPolicyExpansion.count(rules, direction) else { continue }
            if expanded > ObjectLimits.expandedKubernetesRules {
                errors.fail(
                    "\(path).\(member)",
                    "its peers and protocols make \(expanded) rules, more than the limit of "
                        + "\(ObjectLimits.expandedKubernetesRules): split the policy")
            }
        }
    }

    static func checkLabelSelector(_ value: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let value, case .object = value else { return }
        MetadataRules.checkLabels(value["matchLabels"], path: "\(path).matchLabels", into: &errors)
        for (index, expression) in (value["matchExpressions"]?.arrayValue ?? []).enumerated() {
            let path = "\(path).matchExpressions[\(index)]"
            if let key = expression["key"]?.stringValue, !NameRules.isQualifiedName(key) {
                errors.fail("\(path).key", "\(key.quoted) is no valid label key: \(NameRules.qualifiedNameForm)")
            }
            let values = expression["values"]?.arrayValue ?? []
            switch expression["operator"]?.stringValue {
            case "In", "NotIn":
                if values.isEmpty { errors.fail("\(path).values", "is required: In and NotIn need values", .required) }
                for (index, value) in values.enumerated() {
                    guard let text = value.stringValue, !NameRules.isLabelValue(text) else { continue }
                    errors.fail(
                        "\(path).values[\(index)]", "\(text.quoted) is no valid label value: \(NameRules.labelValueForm)")
                }
            case "Exists", "DoesNotExist":
                if !values.isEmpty { errors.fail("\(path).values", "must be absent: Exists and DoesNotExist take none") }
            default: break
            }
        }
    }

    private static func check(
        _ rule: JSONValue, path: String, direction: Direction, into errors: inout [FieldError]
    ) {
        let member = KubernetesPolicyExpansion.peers(direction)
        if let peers = rule[member]?.arrayValue {
            if peers.count > ObjectLimits.peersPerKubernetesRule {
                errors.fail(
                    "\(path).\(member)",
                    "\(peers.count) peers are more than the limit of \(ObjectLimits.peersPerKubernetesRule): split the rule")
            } else {
                for (index, peer) in peers.enumerated() {
                    check(peer: peer, path: "\(path).\(member)[\(index)]", into: &errors)
                }
            }
        }
        guard let ports = rule["ports"]?.arrayValue else { return }
        if ports.count > ObjectLimits.portsPerKubernetesRule {
            return errors.fail(
                "\(path).ports",
                "\(ports.count) ports are more than the limit of \(ObjectLimits.portsPerKubernetesRule): split the rule")
        }
        for (index, port) in ports.enumerated() { check(port: port, path: "\(path).ports[\(index)]", into: &errors) }
    }

    private static func check(peer: JSONValue, path: String, into errors: inout [FieldError]) {
        guard case .object(let members) = peer else { return }
        let present = members.filter { !$0.value.isNull }
        if present.isEmpty {
            return errors.fail(
                path, "is empty: write podSelector, namespaceSelector or ipBlock; for every peer leave the whole list out",
                .required)
        }
        for member in ["podSelector", "namespaceSelector"] {
            checkLabelSelector(present[member], path: "\(path).\(member)", into: &errors)
        }
        guard let block = present["ipBlock"] else { return }
        if present["podSelector"] != nil || present["namespaceSelector"] != nil {
            errors.fail("\(path).ipBlock", "cannot stand beside selectors: write two peers")
        }
        guard let text = block["cidr"]?.stringValue else { return }
        guard let cidr = AddressBlock(text), text.utf8.contains(UInt8(ascii: "/")) else {
            return errors.fail(
                "\(path).ipBlock.cidr", "\(text.quoted) is no address block: write it as 10.0.0.0/8 or 2001:db8::/32")
        }
        let exceptions = block["except"]?.arrayValue ?? []
        if exceptions.count > ObjectLimits.netsPerEntity {
            return errors.fail(
                "\(path).ipBlock.except",
                "\(exceptions.count) blocks are more than the limit of \(ObjectLimits.netsPerEntity): split the block")
        }
        for (index, exception) in exceptions.enumerated() {
            guard let text = exception.stringValue else { continue }
            let path = "\(path).ipBlock.except[\(index)]"
            guard let inner = AddressBlock(text), text.utf8.contains(UInt8(ascii: "/")) else {
                errors.fail(path, "\(text.quoted) is no address block: write it as 10.0.0.0/8 or 2001:db8::/32")
                continue
            }
            if inner == cidr || !cidr.contains(inner) {
                errors.fail(path, "\(text.quoted) must be inside the cidr \(cidr), and smaller")
            }
        }
    }

    private static func check(port: JSONValue, path: String, into errors: inout [FieldError]) {
        guard case .object = port else { return }
        let value = port["port"].map(PolicyRules.normalized) ?? .null
        switch value {
        case .integer(let number):
            if !(1...65535).contains(number) {
                errors.fail("\(path).port", "port \(number) is out of range: ports are 1 to 65535")
            }
        case .string(let name):
            if !NameRules.isEndpointPortName(name) {
                errors.fail(
                    "\(path).port",
                    "\(name.quoted) is no port name: use at most 15 lower case letters, digits and single inner '-', "
                        + "among them a letter; write numbers without quotes")
            }
        default: break
        }
        guard let last = port["endPort"], !last.isNull else { return }
        guard case .integer(let first) = value else {
            return errors.fail(
                "\(path).endPort", value.isNull ? "needs port, the first of the range" : "needs a port that is a number")
        }
        if let last = last.integerValue, last < first {
            errors.fail("\(path).endPort", "\(last) is less than port: write the higher number here")
        }
    }
}
