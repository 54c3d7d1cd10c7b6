/// What Calico's validator demands of one rule of a policy or profile, and our limits.
enum RuleRules {
    static func check(
        _ rule: JSONValue, path: String, direction: Direction, scope: PolicyRules.Scope, into errors: inout [FieldError]
    ) {
        guard case .object = rule else { return }
        let transport = checkProtocol(rule["protocol"], path: "\(path).protocol", into: &errors)
        let notTransport = checkProtocol(rule["notProtocol"], path: "\(path).notProtocol", into: &errors)
        checkICMP(rule, transport, path: path, into: &errors)
        checkVersion(rule, transport.value, notTransport.value, path: path, into: &errors)
        MetadataRules.checkAnnotations(
            rule["metadata"]?["annotations"], path: "\(path).metadata.annotations", into: &errors)
        var version = rule["ipVersion"]?.integerValue.flatMap { UInt8(exactly: $0) }.flatMap { IPVersion(rawValue: $0) }
        var versionSource = version == nil ? "" : "ipVersion"
        for side in ["source", "destination"] {
            guard let entity = rule[side], case .object = entity else { continue }
            let path = "\(path).\(side)"
            let isPeer = (side == "source") == (direction == .ingress)
            checkSelectors(entity, path: path, compares: isPeer && scope == .cluster, into: &errors)
            for member in ["nets", "notNets"] {
                checkNets(
                    entity[member], path: path, member: member, version: &version, versionSource: &versionSource,
                    into: &errors)
            }
            checkServiceAccounts(entity["serviceAccounts"], path: "\(path).serviceAccounts", into: &errors)
            checkServices(entity, path: path, side: side, direction: direction, scope: scope, into: &errors)
            for member in ["ports", "notPorts"] {
                checkPorts(entity[member], path: "\(path).\(member)", into: &errors)
                if entity[member]?.arrayValue?.isEmpty == false, case .known(let transport) = transport,
                    transport?.hasPorts != true
                {
                    errors.fail(
                        "\(path).\(member)",
                        "rules that specify ports must set protocol to TCP, UDP, SCTP or UDPLite")
                }
            }
        }
    }

    private enum RuleProtocol {
        case known(TransportProtocol?)
        case invalid

        var value: TransportProtocol? {
            if case .known(let transport) = self { transport } else { nil }
        }
    }

    private static func checkProtocol(
        _ value: JSONValue?, path: String, into errors: inout [FieldError]
    ) -> RuleProtocol {
        guard let value, !value.isNull else { return .known(nil) }
        let normalized = PolicyRules.normalized(value)
        if let transport = TransportProtocol(normalized) { return .known(transport) }
        let names = TransportProtocol.named.map(\.name).joined(separator: ", ")
        switch normalized {
        case .string(let text):
            errors.fail(path, "\(text.quoted) is no protocol: use \(names) or a number from 1 to 255", .notSupported)
        case .integer(let number):
            errors.fail(path, "\(number) is no protocol: use \(names) or a number from 1 to 255", .notSupported)
        default: break
        }
        return .invalid
    }

    private static func checkICMP(
        _ rule: JSONValue, _ transport: RuleProtocol, path: String, into errors: inout [FieldError]
    ) {
        for member in ["icmp", "notICMP"] {
            guard let icmp = rule[member], case .object(let members) = icmp else { continue }
            if let code = members["code"], !code.isNull, members["type"]?.isNull ?? true {
                errors.fail("\(path).\(member).code", "a code needs a type: write both, or the type alone")
            }
        }
        // Without a protocol Calico asks for none beside notICMP.
        guard let icmp = rule["icmp"], case .object = icmp, case .known(let transport) = transport,
            transport?.hasTypeAndCode != true
        else { return }
        errors.fail("\(path).icmp", "rules that specify ICMP fields must set protocol to ICMP or ICMPv6")
    }

    private static func checkVersion(
        _ rule: JSONValue, _ transport: TransportProtocol?, _ notTransport: TransportProtocol?, path: String,
        into errors: inout [FieldError]
    ) {
        guard let number = rule["ipVersion"]?.integerValue, (4...6).contains(number) else { return }
        if number == 5 { return errors.fail("\(path).ipVersion", "5 is no version of IP: use 4 or 6", .notSupported) }
        for (member, value) in [("protocol", transport), ("notProtocol", notTransport)] {
            guard let value, value.hasTypeAndCode, (value == .icmp) != (number == 4) else { continue }
            errors.fail(
                "\(path).ipVersion",
                "must be \(value == .icmp ? 4 : 6) beside the \(member) \(value), or absent")
        }
    }

    private static func checkSelectors(
        _ entity: JSONValue, path: String, compares: Bool, into errors: inout [FieldError]
    ) {
        PolicyRules.checkSelector(entity["selector"], path: "\(path).selector", compares: compares, into: &errors)
        PolicyRules.checkSelector(entity["notSelector"], path: "\(path).notSelector", into: &errors)
        guard let text = entity["namespaceSelector"]?.stringValue, !text.isEmpty else { return }
        do {
            if case .matching(let selector) = try NamespaceSelector(text), !selector.subjectKeys.isEmpty {
                errors.fail("\(path).namespaceSelector", PolicyRules.placeOfComparisons)
            }
        } catch {
            errors.fail("\(path).namespaceSelector", error.description)
        }
    }

    private static func checkNets(
        _ value: JSONValue?, path: String, member: String, version: inout IPVersion?, versionSource: inout String,
        into errors: inout [FieldError]
    ) {
        guard let nets = value?.arrayValue else { return }
        let path = "\(path).\(member)"
        if nets.count > ObjectLimits.netsPerEntity {
            return errors.fail(
                path,
                "\(nets.count) nets are more than the limit of \(ObjectLimits.netsPerEntity): put them into a NetworkSet")
        }
        AddressRules.check(blocks: nets, path: path, member: member, into: &errors) { index, block, errors in
            if let version, version != block.version {
                errors.fail(
                    "\(path)[\(index)]",
                    versionSource == "ipVersion"
                        ? "is not of the rule's ipVersion \(version.rawValue)"
                        : "rule contains both IPv4 and IPv6 blocks: write one rule for each version")
            }
            version = version ?? block.version
        }
    }

    private static func checkServiceAccounts(_ value: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let value, case .object = value else { return }
        PolicyRules.checkSelector(value["selector"], path: "\(path).selector", into: &errors)
        guard let names = value["names"]?.arrayValue else { return }
        if names.count > ObjectLimits.serviceAccountsPerEntity {
            return errors.fail(
                "\(path).names",
                "\(names.count) names are more than the limit of \(ObjectLimits.serviceAccountsPerEntity): use a selector")
        }
        for (index, name) in names.enumerated() {
            guard let text = name.stringValue, !NameRules.isSubdomain(text) else { continue }
            errors.fail("\(path).names[\(index)]", "\(text.quoted) is no valid name: \(NameRules.subdomainForm)")
        }
    }

    private static func checkServices(
        _ entity: JSONValue, path: String, side: String, direction: Direction, scope: PolicyRules.Scope,
        into errors: inout [FieldError]
    ) {
        guard let services = entity["services"], case .object = services else { return }
        let path = "\(path).services"
        switch (side, direction) {
        case ("source", .egress):
            errors.fail(path, "cannot be the source of an egress rule: that is the endpoint itself; use destination")
        case ("destination", .ingress):
            errors.fail(path, "cannot be the destination of an ingress rule: that is the endpoint itself; use source")
        default: break
        }
        for (member, isValid, form) in [
            ("name", { (text: String) in NameRules.isSubdomain(text) }, NameRules.subdomainForm),
            ("namespace", { (text: String) in NameRules.isLabel(text) }, NameRules.labelForm),
        ] {
            let text = services[member]?.stringValue ?? ""
            if !text.isEmpty {
                if !isValid(text) { errors.fail("\(path).\(member)", "\(text.quoted) is no valid name: \(form)") }
            } else if member == "name" {
                errors.fail("\(path).name", "is required: name the service", .required)
            } else if scope != .namespaced {
                errors.fail("\(path).namespace", "is required outside a NetworkPolicy: name the service's namespace", .required)
            }
        }
        for member in ["selector", "notSelector", "namespaceSelector", "serviceAccounts", "nets", "notNets"]
        where isPresent(entity[member]) {
            errors.fail(path, "cannot stand beside \(member): the service says the addresses")
        }
        guard side == "destination" else { return }
        for member in ["ports", "notPorts"] where isPresent(entity[member]) {
            errors.fail(path, "cannot stand beside \(member): the service says the ports")
        }
    }

    private static func isPresent(_ value: JSONValue?) -> Bool {
        switch value {
        case nil, .null, .string(""), .array([]): false
        default: true
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
            do { _ = try PortRange(json: PolicyRules.normalized(port)) } catch {
                if case .malformed(let message) = error { errors.fail("\(path)[\(index)]", message) }
            }
        }
    }
}
