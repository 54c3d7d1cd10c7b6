/// What Kubernetes' validator demands of its own kinds beside NetworkPolicy, and our limits.
enum KubernetesRules {
    /// Sizes, forms of addresses and of port names, and the addresses' version.
    static func checkEndpointSlice(_ object: JSONValue, into errors: inout [FieldError]) {
        let type = object["addressType"]?.stringValue
        if let service = object["metadata"]?["labels"]?[EndpointSlice.serviceLabel]?.stringValue,
            !service.isEmpty, !NameRules.isSubdomain(service)
        {
            errors.fail(
                "metadata.labels[\(EndpointSlice.serviceLabel)]",
                "\(service.quoted) is no valid name of a service: \(NameRules.subdomainForm)")
        }
        let endpoints = object["endpoints"]?.arrayValue ?? []
        if endpoints.count > ObjectLimits.endpointsPerSlice {
            return errors.fail(
                "endpoints",
                "\(endpoints.count) endpoints are more than the limit of \(ObjectLimits.endpointsPerSlice): make two slices")
        }
        for (index, endpoint) in endpoints.enumerated() {
            let path = "endpoints[\(index)].addresses"
            guard let addresses = endpoint["addresses"]?.arrayValue else { continue }
            if addresses.isEmpty { errors.fail(path, "is required: name an address", .required) }
            if addresses.count > ObjectLimits.addressesPerSliceEndpoint {
                errors.fail(
                    path,
                    "\(addresses.count) addresses are more than the limit of \(ObjectLimits.addressesPerSliceEndpoint)")
                continue
            }
            for (index, address) in addresses.enumerated() {
                guard let text = address.stringValue, let type else { continue }
                check(address: text, type: type, path: "\(path)[\(index)]", into: &errors)
            }
        }
        let ports = object["ports"]?.arrayValue ?? []
        if ports.count > ObjectLimits.portsPerSlice {
            errors.fail("ports", "\(ports.count) ports are more than the limit of \(ObjectLimits.portsPerSlice)")
        }
        var names: [String: Int] = [:]
        for (index, port) in ports.enumerated() {
            let name = port["name"]?.stringValue ?? ""
            if let first = names.updateValue(index, forKey: name) {
                errors.fail("ports[\(index)].name", "\(name.quoted) is also the name of ports[\(first)]")
            }
        }
    }

    private static func check(address text: String, type: String, path: String, into errors: inout [FieldError]) {
        switch type {
        case "IPv4", "IPv6":
            let version: IPVersion = type == "IPv4" ? .v4 : .v6
            guard let address = IPAddress(text), address.version == version else {
                return errors.fail(
                    path,
                    "\(text.quoted) is no \(type) address: write it as \(version == .v4 ? "10.0.0.1" : "2001:db8::1")")
            }
            if let reason = address.reasonAgainstEndpoint {
                errors.fail(path, "\(text.quoted) cannot be the address of an endpoint: \(reason)")
            }
        case "FQDN":
            if !NameRules.isSubdomain(text) {
                errors.fail(path, "\(text.quoted) is no domain name: \(NameRules.subdomainForm)")
            }
        default: break
        }
    }

    /// Names and numbers of ports, each once.
    static func checkService(_ spec: JSONValue?, path: String, into errors: inout [FieldError]) {
        let ports = spec?["ports"]?.arrayValue ?? []
        var names: [String: Int] = [:]
        for (index, port) in ports.enumerated() {
            guard case .object = port else { continue }
            let path = "\(path).ports[\(index)]"
            let name = port["name"]?.stringValue ?? ""
            if name.isEmpty, ports.count > 1 {
                errors.fail("\(path).name", "is required where there are several ports", .required)
            } else if !name.isEmpty, !NameRules.isLabel(name) {
                errors.fail("\(path).name", "\(name.quoted) is no valid name: \(NameRules.labelForm)")
            }
            if !name.isEmpty, let first = names.updateValue(index, forKey: name) {
                errors.fail("\(path).name", "\(name.quoted) is also the name of ports[\(first)]")
            }
            switch port["targetPort"].map(PolicyRules.normalized) ?? .null {
            case .integer(let number) where !(1...65535).contains(number):
                errors.fail("\(path).targetPort", "port \(number) is out of range: ports are 1 to 65535")
            case .string(let text) where !NameRules.isEndpointPortName(text):
                errors.fail(
                    "\(path).targetPort",
                    "\(text.quoted) is no port name: use at most 15 lower case letters, digits and single inner '-', "
                        + "among them a letter; write numbers without quotes")
            default: break
            }
        }
        MetadataRules.checkLabels(spec?["selector"], path: "\(path).selector", into: &errors)
    }

    /// Keys, base64 and size of a Secret's or ConfigMap's data.
    static func checkData(_ object: JSONValue, into errors: inout [FieldError]) {
        let isSecret = object["kind"]?.stringValue == Kinds.secret.kind
        var size = 0
        for (member, isBase64) in [("data", isSecret), ("binaryData", true), ("stringData", false)] {
            for (key, value) in (object[member]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
                if !NameRules.isDataKey(key) {
                    errors.fail(
                        "\(member)[\(key)]",
                        "\(key.quoted) is no valid key: use at most 253 letters, digits, '-', '_' or '.'")
                }
                guard let text = value.stringValue else { continue }
                if isBase64 {
                    guard let count = Base64.decodedCount(text) else {
                        errors.fail("\(member)[\(key)]", "is no base64: encode the bytes, or use stringData of a Secret")
                        continue
                    }
                    size += count
                } else {
                    size += text.utf8.count
                }
            }
        }
        if size > ObjectLimits.dataBytes {
            errors.fail("data", "the data has \(size) bytes, more than the limit of \(ObjectLimits.dataBytes)")
        }
    }
}
