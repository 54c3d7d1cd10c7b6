/// What Calico's validator demands of workload endpoints, and our limits.
enum WorkloadEndpointRules {
    static func check(_ spec: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let spec else { return }
        for member in ["node", "orchestrator", "workload", "pod", "endpoint", "serviceAccountName"] {
            guard let text = spec[member]?.stringValue, !text.isEmpty, !NameRules.isSubdomain(text) else { continue }
            errors.fail("\(path).\(member)", "\(text.quoted) is no valid name: \(NameRules.subdomainForm)")
        }
        if let text = spec["containerID"]?.stringValue, !text.isEmpty, !NameRules.isContainerID(text) {
            errors.fail(
                "\(path).containerID",
                "\(text.quoted) is no container ID: use letters, digits and '-', beginning and ending with a letter or digit")
        }
        if let text = spec["interfaceName"]?.stringValue, !text.isEmpty, !NameRules.isInterfaceName(text) {
            errors.fail(
                "\(path).interfaceName",
                "\(text.quoted) is no interface name: use at most 15 letters, digits, '-', '_' or '.'")
        }
        checkProfiles(spec["profiles"], path: "\(path).profiles", into: &errors)
        checkInformation(spec, path: path, into: &errors)
        checkAddresses(spec["ipNetworks"], path: "\(path).ipNetworks", into: &errors)
        checkAdmittedSources(spec["allowSpoofedSourcePrefixes"], path: "\(path).allowSpoofedSourcePrefixes", into: &errors)
        checkPorts(spec["ports"], path: "\(path).ports", into: &errors)
    }

    private static func checkAdmittedSources(_ value: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let blocks = value?.arrayValue else { return }
        if blocks.count > ObjectLimits.admittedSourcesPerEndpoint {
            return errors.fail(
                path, "\(blocks.count) blocks are more than the limit of \(ObjectLimits.admittedSourcesPerEndpoint)")
        }
        AddressRules.check(blocks: blocks, path: path, member: "allowSpoofedSourcePrefixes", into: &errors)
    }

    private static func checkProfiles(_ value: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let profiles = value?.arrayValue else { return }
        if profiles.count > ObjectLimits.profilesPerEndpoint {
            return errors.fail(
                path, "\(profiles.count) profiles are more than the limit of \(ObjectLimits.profilesPerEndpoint)")
        }
        for (index, profile) in profiles.enumerated() {
            guard let text = profile.stringValue, !NameRules.isSubdomain(text) else { continue }
            errors.fail("\(path)[\(index)]", "\(text.quoted) is no valid name: \(NameRules.subdomainForm)")
        }
        PolicyRules.checkOnce(value, path: path, into: &errors)
    }

    /// What decides nothing must still be what it says.
    private static func checkInformation(_ spec: JSONValue, path: String, into errors: inout [FieldError]) {
        if let text = spec["mac"]?.stringValue, !text.isEmpty, !NameRules.isHardwareAddress(text) {
            errors.fail("\(path).mac", "\(text.quoted) is no hardware address: write it as 02:00:00:00:00:01")
        }
        for (member, version, example) in [
            ("ipv4Gateway", IPVersion.v4, "10.0.0.1"), ("ipv6Gateway", IPVersion.v6, "2001:db8::1"),
        ] {
            guard let text = spec[member]?.stringValue, !text.isEmpty, IPAddress(text)?.version != version else { continue }
            errors.fail("\(path).\(member)", "\(text.quoted) is no IPv\(version.rawValue) address: write it as \(example)")
        }
    }

    private static func checkAddresses(_ value: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let networks = value?.arrayValue else { return }
        if networks.count > ObjectLimits.addressesPerEndpoint {
            return errors.fail(
                path, "\(networks.count) addresses are more than the limit of \(ObjectLimits.addressesPerEndpoint)")
        }
        var seen: [IPAddress: Int] = [:]
        for (index, network) in networks.enumerated() {
            guard let text = network.stringValue else { continue }
            let path = "\(path)[\(index)]"
            guard let block = AddressBlock(text) else {
                errors.fail(path, "\(text.quoted) is no address: write it as 10.0.0.1 or 2001:db8::1")
                continue
            }
            guard block.prefixLength == block.version.width else {
                errors.fail(
                    path, "\(text.quoted) contains more than one address: write a bare address, or /\(block.version.width)")
                continue
            }
            if let reason = block.address.reasonAgainstEndpoint {
                errors.fail(path, "\(text.quoted) cannot be the address of an endpoint: \(reason)")
            }
            if let first = seen.updateValue(index, forKey: block.address) {
                errors.fail(path, "\(text.quoted) is the same address as ipNetworks[\(first)]")
            }
        }
    }

    private static func checkPorts(_ value: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let ports = value?.arrayValue else { return }
        if ports.count > ObjectLimits.portsPerEndpoint {
            return errors.fail(
                path, "\(ports.count) ports are more than the limit of \(ObjectLimits.portsPerEndpoint)")
        }
        var seen: [NamedPort: Int] = [:]
        for (index, port) in ports.enumerated() {
            let path = "\(path)[\(index)]"
            let name = port["name"]?.stringValue ?? ""
            if name.isEmpty, case .object = port, port["hostPort"]?.integerValue ?? 0 == 0 {
                errors.fail("\(path).name", "is required: give the port a name by which rules can refer to it", .required)
            }
            if let text = port["hostIP"]?.stringValue, !text.isEmpty, IPAddress(text) == nil {
                errors.fail("\(path).hostIP", "\(text.quoted) is no address: write it as 10.0.0.1 or 2001:db8::1")
            }
            if !name.isEmpty, !NameRules.isEndpointPortName(name) {
                errors.fail(
                    "\(path).name",
                    "\(name.quoted) is no port name: use at most 15 lower case letters, digits and single inner '-', "
                        + "among them a letter")
            }
            guard let value = port["protocol"], value.stringValue != nil || value.integerValue != nil else { continue }
            guard let transport = TransportProtocol(PolicyRules.normalized(value)), transport.hasPorts else {
                errors.fail(
                    "\(path).protocol", "\(value) has no ports: use TCP, UDP, SCTP or UDPLite", .notSupported)
                continue
            }
            guard !name.isEmpty, let number = port["port"]?.integerValue, let number = UInt16(exactly: number) else { continue }
            if let first = seen.updateValue(index, forKey: NamedPort(name: name, transport: transport, port: number)) {
                errors.fail(path, "is the same as ports[\(first)]")
            }
        }
    }
}
