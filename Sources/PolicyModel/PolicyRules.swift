/// What Calico's validator demands of policies, and our limits.
enum PolicyRules {
    static func check(_ spec: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let spec else { return }
        if let tier = spec["tier"]?.stringValue, !tier.isEmpty, !NameRules.isLabel(tier) {
            errors.fail("\(path).tier", "\(tier.quoted) is no valid name: \(NameRules.labelForm)")
        }
        checkSelector(spec["selector"], path: "\(path).selector", into: &errors)
        checkTypes(spec["types"], path: "\(path).types", into: &errors)
        for direction in ["ingress", "egress"] {
            guard let rules = spec[direction]?.arrayValue else { continue }
            if rules.count > ObjectLimits.rulesPerDirection {
                errors.fail(
                    "\(path).\(direction)",
                    "\(rules.count) rules are more than the limit of \(ObjectLimits.rulesPerDirection): split the policy")
                continue
            }
            for (index, rule) in rules.enumerated() {
                checkRule(rule, path: "\(path).\(direction)[\(index)]", into: &errors)
            }
        }
    }

    /// A selector of endpoints or, for a policy as a whole, of namespaces.
    static func checkSelector(_ value: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let text = value?.stringValue else { return }
        do {
            if try Selector(text).mentionsGlobal {
                errors.fail(path, "global() can stand only in the namespaceSelector of a rule's source or destination")
            }
        } catch {
            errors.fail(path, error.description)
        }
    }

    private static func checkTypes(_ value: JSONValue?, path: String, into errors: inout [FieldError]) {
        var seen: [String] = []
        for (index, type) in (value?.arrayValue ?? []).enumerated() {
            guard let text = type.stringValue else { continue }
            if seen.contains(text) { errors.fail("\(path)[\(index)]", "\(text.quoted) is given more than once") }
            seen.append(text)
        }
    }

    private static func checkRule(_ rule: JSONValue, path: String, into errors: inout [FieldError]) {
        guard case .object = rule else { return }
        if rule["action"] == .string("Log") { errors.notEnforcedYet("\(path).action") }
        let transport = checkProtocol(rule["protocol"], path: "\(path).protocol", into: &errors)
        var version: IPVersion?
        for side in ["source", "destination"] {
            guard let entity = rule[side], case .object = entity else { continue }
            checkSelector(entity["selector"], path: "\(path).\(side).selector", into: &errors)
            if let text = entity["namespaceSelector"]?.stringValue, !text.isEmpty {
                do { _ = try NamespaceSelector(text) } catch {
                    errors.fail("\(path).\(side).namespaceSelector", error.description)
                }
            }
            checkNets(entity["nets"], path: "\(path).\(side).nets", version: &version, into: &errors)
            checkPorts(entity["ports"], path: "\(path).\(side).ports", into: &errors)
            if entity["ports"]?.arrayValue?.isEmpty == false, case .known(let transport) = transport,
                transport?.hasPorts != true
            {
                errors.fail(
                    "\(path).\(side).ports", "rules that specify ports must set protocol to TCP, UDP, SCTP or UDPLite")
            }
        }
    }

    private enum RuleProtocol {
        case known(TransportProtocol?)
        case invalid
    }

    private static func checkProtocol(
        _ value: JSONValue?, path: String, into errors: inout [FieldError]
    ) -> RuleProtocol {
        guard let value, !value.isNull else { return .known(nil) }
        if let transport = TransportProtocol(normalized(value)) { return .known(transport) }
        let names = TransportProtocol.named.map(\.name).joined(separator: ", ")
        switch normalized(value) {
        case .string(let text):
            errors.fail(path, "\(text.quoted) is no protocol: use \(names) or a number from 1 to 255", .notSupported)
        case .integer(let number):
            errors.fail(path, "\(number) is no protocol: use \(names) or a number from 1 to 255", .notSupported)
        default: break
        }
        return .invalid
    }

    private static func checkNets(
        _ value: JSONValue?, path: String, version: inout IPVersion?, into errors: inout [FieldError]
    ) {
        guard let nets = value?.arrayValue else { return }
        if nets.count > ObjectLimits.netsPerEntity {
            return errors.fail(
                path, "\(nets.count) nets are more than the limit of \(ObjectLimits.netsPerEntity): split the rule")
        }
        var seen: [AddressBlock: Int] = [:]
        for (index, net) in nets.enumerated() {
            guard let text = net.stringValue else { continue }
            guard let block = AddressBlock(text) else {
                errors.fail("\(path)[\(index)]", "\(text.quoted) is no address block: write it as 10.0.0.0/8 or 2001:db8::/32")
                continue
            }
            if let first = seen.updateValue(index, forKey: block) {
                errors.fail("\(path)[\(index)]", "\(text.quoted) is the same block as nets[\(first)]")
            }
            if let version, version != block.version {
                errors.fail(
                    "\(path)[\(index)]", "rule contains both IPv4 and IPv6 blocks: write one rule for each version")
            }
            version = version ?? block.version
        }
    }

    private static func checkPorts(_ value: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let ports = value?.arrayValue else { return }
        if ports.count > ObjectLimits.portsPerEntity {
            return errors.fail(
                path, "\(ports.count) ports are more than the limit of \(ObjectLimits.portsPerEntity): split the rule")
        }
        for (index, port) in ports.enumerated() {
            // Other types, and fractions, the schema has told of.
            guard port.stringValue != nil || port.integerValue != nil else { continue }
            do { _ = try PortRange(json: normalized(port)) } catch {
                switch error {
                case .named: errors.notEnforcedYet("\(path)[\(index)]")
                case .malformed(let message): errors.fail("\(path)[\(index)]", message)
                }
            }
        }
    }

    /// Whole numbers written with a fraction (`80.0`) as what they are.
    static func normalized(_ value: JSONValue) -> JSONValue { value.integerValue.map { .integer($0) } ?? value }
}

/// What Calico demands of tiers that it knows by name.
enum TierRules {
    /// Tiers whose place is fixed.
    static let reserved: [String: (order: Double, defaultAction: Tier.DefaultAction)] = [
        Tier.defaultName: (Tier.defaultOrder, .deny)
    ]

    static func check(_ spec: JSONValue?, name: String, into errors: inout [FieldError]) {
        guard let fixed = reserved[name] else { return }
        if let order = spec?["order"]?.numberValue, order != fixed.order {
            errors.fail("spec.order", "the order of the tier \(name) is \(Int64(fixed.order)) and cannot be changed")
        }
        if let action = spec?["defaultAction"]?.stringValue, action != fixed.defaultAction.rawValue {
            errors.fail(
                "spec.defaultAction",
                "the default action of the tier \(name) is \(fixed.defaultAction.rawValue) and cannot be changed")
        }
    }
}
