extension Policy {
    /// Reads a NetworkPolicy or GlobalNetworkPolicy and fills in Calico's defaults: the tier `default`; types by the rules
    /// that are there; an empty selector is `all()`; an empty selector in a rule is absent.
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        let kind = try ObjectDecoding.validated(object, [Kinds.networkPolicy, Kinds.globalNetworkPolicy])
        let spec = object["spec"] ?? .null
        let name = ObjectDecoding.name(object)
        let namespace = kind.namespaced ? ObjectDecoding.namespace(object) : ""
        let tier = ObjectDecoding.text(spec["tier"])
        var namespaceSelector: NamespaceSelector?
        if !kind.namespaced { namespaceSelector = try ObjectDecoding.namespaceSelector(spec["namespaceSelector"]) }
        let ingress = try ObjectDecoding.rules(spec["ingress"])
        let egress = try ObjectDecoding.rules(spec["egress"])
        self.init(
            reference: PolicyReference(kind: kind.kind, namespace: namespace, name: name),
            tier: tier.isEmpty ? Tier.defaultName : tier, order: spec["order"]?.numberValue,
            selector: try ObjectDecoding.selector(spec["selector"]) ?? .all, namespaceSelector: namespaceSelector,
            directions: ObjectDecoding.directions(spec), ingress: ingress, egress: egress)
    }
}

extension Tier {
    /// Reads a Tier: the default action is Deny; the tier `default` has its fixed order.
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        _ = try ObjectDecoding.validated(object, [Kinds.tier])
        let name = ObjectDecoding.name(object)
        let spec = object["spec"] ?? .null
        self.init(
            name: name, order: spec["order"]?.numberValue ?? TierRules.reserved[name]?.order,
            defaultAction: DefaultAction(rawValue: ObjectDecoding.text(spec["defaultAction"]))
                ?? TierRules.reserved[name]?.defaultAction ?? .deny)
    }
}

extension Namespace {
    /// The label that names a namespace; Kubernetes sets it on each.
    public static let nameLabel = "kubernetes.io/metadata.name"

    /// Reads a Namespace; the label that names it is always there.
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        _ = try ObjectDecoding.validated(object, [Kinds.namespace])
        let name = ObjectDecoding.name(object)
        var labels = ObjectDecoding.labels(object)
        labels[Self.nameLabel] = name
        self.init(name: name, labels: labels)
    }
}

extension WorkloadEndpoint {
    /// Reads a WorkloadEndpoint.
    ///
    /// Throws what `Validator` finds, but passes over unknown members.
    public init(object: JSONValue) throws(ValidationError) {
        _ = try ObjectDecoding.validated(object, [Kinds.workloadEndpoint])
        let spec = object["spec"] ?? .null
        var addresses: [IPAddress] = []
        for (index, network) in (spec["ipNetworks"]?.arrayValue ?? []).enumerated() {
            guard let block = AddressBlock(ObjectDecoding.text(network)) else {
                throw ObjectDecoding.unreadable("spec.ipNetworks[\(index)]")
            }
            addresses.append(block.address)
        }
        var ports: [NamedPort] = []
        for (index, port) in (spec["ports"]?.arrayValue ?? []).enumerated() {
            guard let transport = port["protocol"].flatMap({ TransportProtocol(PolicyRules.normalized($0)) }),
                let number = port["port"]?.integerValue.flatMap({ UInt16(exactly: $0) })
            else { throw ObjectDecoding.unreadable("spec.ports[\(index)]") }
            ports.append(NamedPort(name: ObjectDecoding.text(port["name"]), transport: transport, port: number))
        }
        self.init(
            key: EndpointKey(namespace: ObjectDecoding.namespace(object), name: ObjectDecoding.name(object)),
            labels: ObjectDecoding.labels(object), node: ObjectDecoding.text(spec["node"]),
            orchestrator: ObjectDecoding.text(spec["orchestrator"]),
            interfaceName: ObjectDecoding.text(spec["interfaceName"]), addresses: addresses, ports: ports)
    }
}

/// Reads members of objects that have been validated.
enum ObjectDecoding {
    static func validated(_ object: JSONValue, _ kinds: [ResourceKind]) throws(ValidationError) -> ResourceKind {
        guard let kind = Kinds.find(object), kinds.contains(where: { $0.resource == kind.resource }) else {
            let names = SchemaChecker.choice(kinds.map { "\($0.apiVersion) \($0.kind)" })
            throw ValidationError([FieldError(path: "kind", message: "must be \(names)", reason: .notSupported)])
        }
        // Metadata that is refused today and was stored before says nothing about traffic.
        let errors = Validator.validate(object, kind: kind).filter {
            $0.reason != .unknown && !($0.reason == .notEnforcedYet && $0.path.hasPrefix("metadata."))
        }
        guard errors.isEmpty else { throw ValidationError(errors) }
        return kind
    }

    /// For what validation excludes: a difference between the two must be loud, and never a rule that is left out.
    static func unreadable(_ path: String) -> ValidationError {
        ValidationError([FieldError(path: path, message: "cannot be read", reason: .invalid)])
    }

    /// Empty when absent.
    static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "" }

    static func name(_ object: JSONValue) -> String { text(object["metadata"]?["name"]) }

    static func namespace(_ object: JSONValue) -> String { text(object["metadata"]?["namespace"]) }

    static func labels(_ object: JSONValue) -> [String: String] {
        (object["metadata"]?["labels"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
    }

    static func selector(_ value: JSONValue?) throws(ValidationError) -> Selector? {
        let text = text(value)
        if text.isEmpty { return nil }
        do { return try Selector(text) } catch {
            throw ValidationError([FieldError(path: "selector", message: error.description)])
        }
    }

    static func namespaceSelector(_ value: JSONValue?) throws(ValidationError) -> NamespaceSelector? {
        let text = text(value)
        if text.isEmpty { return nil }
        do { return try NamespaceSelector(text) } catch {
            throw ValidationError([FieldError(path: "namespaceSelector", message: error.description)])
        }
    }

    /// Those in `types`; without any, those that Calico derives from the rules.
    static func directions(_ spec: JSONValue) -> Set<Direction> {
        Set(types(spec).map { $0 == "Egress" ? .egress : .ingress })
    }

    /// Calico's default: Ingress unless there are egress rules alone; Egress if there are any.
    static func types(_ spec: JSONValue) -> [String] {
        if let types = spec["types"]?.arrayValue, !types.isEmpty { return types.compactMap(\.stringValue) }
        let isEmpty = { (member: String) in spec[member]?.arrayValue?.isEmpty ?? true }
        if isEmpty("egress") { return ["Ingress"] }
        return isEmpty("ingress") ? ["Egress"] : ["Ingress", "Egress"]
    }

    static func rules(_ value: JSONValue?) throws(ValidationError) -> [PolicyRule] {
        var rules: [PolicyRule] = []
        for rule in value?.arrayValue ?? [] {
            guard let action = RuleAction(rawValue: text(rule["action"])) else { throw unreadable("action") }
            var transport: TransportProtocol?
            if let value = rule["protocol"], !value.isNull {
                transport = TransportProtocol(PolicyRules.normalized(value))
                if transport == nil { throw unreadable("protocol") }
            }
            rules.append(
                PolicyRule(
                    action: action, transport: transport, source: try entity(rule["source"]),
                    destination: try entity(rule["destination"])))
        }
        return rules
    }

    private static func entity(_ value: JSONValue?) throws(ValidationError) -> EntityRule {
        guard let value else { return EntityRule() }
        var nets: [AddressBlock] = []
        for net in value["nets"]?.arrayValue ?? [] {
            guard let block = AddressBlock(text(net)) else { throw unreadable("nets") }
            nets.append(block)
        }
        var ports: [PortRange] = []
        for port in value["ports"]?.arrayValue ?? [] {
            do { ports.append(try PortRange(json: PolicyRules.normalized(port))) } catch { throw unreadable("ports") }
        }
        return EntityRule(
            nets: nets, selector: try selector(value["selector"]),
            namespaceSelector: try namespaceSelector(value["namespaceSelector"]), ports: ports)
    }
}
