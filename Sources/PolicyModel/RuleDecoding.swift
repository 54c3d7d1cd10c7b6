/// Reads the rules of policies and profiles.
enum RuleDecoding {
    /// - Parameter path: of the list.
    static func rules(_ value: JSONValue?, path: String) throws(ValidationError) -> [PolicyRule] {
        var rules: [PolicyRule] = []
        for (index, element) in (value?.arrayValue ?? []).enumerated() {
            rules.append(try rule(element, path: "\(path)[\(index)]"))
        }
        return rules
    }

    private static func rule(_ value: JSONValue, path: String) throws(ValidationError) -> PolicyRule {
        guard let action = RuleAction(rawValue: ObjectDecoding.text(value["action"])) else {
            throw ObjectDecoding.unreadable("\(path).action")
        }
        var version: IPVersion?
        if let number = value["ipVersion"], !number.isNull {
            guard let read = number.integerValue.flatMap({ UInt8(exactly: $0) }).flatMap({ IPVersion(rawValue: $0) })
            else { throw ObjectDecoding.unreadable("\(path).ipVersion") }
            version = read
        }
        return PolicyRule(
            action: action, version: version,
            transport: try ObjectDecoding.transport(value["protocol"], path: "\(path).protocol"),
            notTransport: try ObjectDecoding.transport(value["notProtocol"], path: "\(path).notProtocol"),
            icmp: try icmp(value["icmp"], path: "\(path).icmp"),
            notICMP: try icmp(value["notICMP"], path: "\(path).notICMP"),
            source: try entity(value["source"], path: "\(path).source"),
            destination: try entity(value["destination"], path: "\(path).destination"),
            annotations: ObjectDecoding.map(value["metadata"]?["annotations"]))
    }

    /// Without a type it asks for nothing, also where it is negated.
    private static func icmp(_ value: JSONValue?, path: String) throws(ValidationError) -> ICMPMatch? {
        guard let type = try octet(value?["type"], path: "\(path).type") else { return nil }
        return ICMPMatch(type: type, code: try octet(value?["code"], path: "\(path).code"))
    }

    private static func octet(_ value: JSONValue?, path: String) throws(ValidationError) -> UInt8? {
        guard let value, !value.isNull else { return nil }
        guard let octet = value.integerValue.flatMap({ UInt8(exactly: $0) }) else { throw ObjectDecoding.unreadable(path) }
        return octet
    }

    private static func entity(_ value: JSONValue?, path: String) throws(ValidationError) -> EntityRule {
        guard let value, !value.isNull else { return EntityRule() }
        let ports = try ports(value["ports"], path: "\(path).ports")
        let notPorts = try Self.ports(value["notPorts"], path: "\(path).notPorts")
        return EntityRule(
            nets: try ObjectDecoding.blocks(value["nets"], path: "\(path).nets"),
            notNets: try ObjectDecoding.blocks(value["notNets"], path: "\(path).notNets"),
            selector: try ObjectDecoding.selector(value["selector"], path: "\(path).selector"),
            notSelector: try ObjectDecoding.selector(value["notSelector"], path: "\(path).notSelector"),
            namespaceSelector: try ObjectDecoding.namespaceSelector(
                value["namespaceSelector"], path: "\(path).namespaceSelector"),
            serviceAccounts: try serviceAccounts(value["serviceAccounts"], path: "\(path).serviceAccounts"),
            services: services(value["services"]), ports: ports.ranges, namedPorts: ports.names,
            notPorts: notPorts.ranges, notNamedPorts: notPorts.names)
    }

    /// Without names and a selector it asks for nothing.
    private static func serviceAccounts(
        _ value: JSONValue?, path: String
    ) throws(ValidationError) -> ServiceAccountMatch? {
        let names = ObjectDecoding.texts(value?["names"]).withoutRepetition
        let selector = try ObjectDecoding.selector(value?["selector"], path: "\(path).selector")
        return names.isEmpty && selector == nil ? nil : ServiceAccountMatch(names: names, selector: selector)
    }

    private static func services(_ value: JSONValue?) -> ServiceReference? {
        guard let value, case .object = value else { return nil }
        return ServiceReference(
            namespace: ObjectDecoding.text(value["namespace"]), name: ObjectDecoding.text(value["name"]))
    }

    private static func ports(
        _ value: JSONValue?, path: String
    ) throws(ValidationError) -> (ranges: [PortRange], names: [String]) {
        var ranges: [PortRange] = []
        var names: [String] = []
        for (index, port) in (value?.arrayValue ?? []).enumerated() {
            do { ranges.append(try PortRange(json: PolicyRules.normalized(port))) } catch {
                guard case .named(let name) = error else { throw ObjectDecoding.unreadable("\(path)[\(index)]") }
                names.append(name)
            }
        }
        return (ranges, names)
    }
}
