import PolicyModel

/// Part of what a rule matches, in one `TrafficForm`: all that is said must hold.
struct RuleBox: Sendable {
    enum Side: Int, Sendable, CaseIterable { case source, destination }

    /// Whether the packet's address, and port where the service is a destination, is behind a service.
    struct Service: Sendable, Hashable {
        var side: Side
        var reference: ServiceReference
    }

    /// By `TrafficForm.Number`; nil: any.
    var numbers: [NumberSet?] = Array(repeating: nil, count: TrafficForm.Number.allCases.count)
    var services: [Service] = []
    /// By side: for each, somebody who has the address matches.
    var somebody: [[Selector]] = [[], []]
    /// By side: nobody who has the address matches any of these.
    var nobody: [[Selector]] = [[], []]

    /// The boxes whose union is what the rule matches; none: nothing of this form.
    ///
    /// - Parameter namespace: of the NetworkPolicy that the rule stands in; nil elsewhere.
    static func boxes(of rule: PolicyRule, in namespace: String?, _ form: TrafficForm) -> [RuleBox] {
        var box = RuleBox()
        if let version = rule.version, version != form.version { return [] }
        let domains = form.domains
        var transports = domains[TrafficForm.Number.transport.rawValue]
        if let transport = rule.transport { transports = transports.intersection(NumberSet(transport.number, transport.number)) }
        if let transport = rule.notTransport { transports = transports.subtracting(NumberSet(transport.number, transport.number)) }
        guard box.narrow(.transport, to: transports, of: domains) else { return [] }
        if let icmp = rule.icmp {
            guard form.detail == .messages, box.narrow(.detail, to: messages(icmp), of: domains) else { return [] }
        }
        if let icmp = rule.notICMP, icmp.type != nil, form.detail == .messages {
            guard box.narrow(.detail, to: domains[TrafficForm.Number.detail.rawValue].subtracting(messages(icmp)), of: domains)
            else { return [] }
        }
        var boxes = [box]
        for (side, entity) in [(Side.source, rule.source), (.destination, rule.destination)] {
            boxes = boxes.flatMap { $0.narrowed(to: entity, side, of: rule, in: namespace, form) }
        }
        return boxes
    }

    private static func messages(_ icmp: ICMPMatch) -> NumberSet {
        guard let type = icmp.type else { return NumberSet(0, UInt16.max) }
        let first = UInt16(type) << 8
        return icmp.code.map { NumberSet(first | UInt16($0), first | UInt16($0)) } ?? NumberSet(first, first | 0xff)
    }

    /// False: nothing is left.
    private mutating func narrow(_ number: TrafficForm.Number, to wanted: NumberSet, of domains: [NumberSet]) -> Bool {
        let domain = domains[number.rawValue]
        let left = (numbers[number.rawValue] ?? domain).intersection(wanted)
        if left.isEmpty { return false }
        numbers[number.rawValue] = left == domain ? nil : left
        return true
    }

    private func narrowed(
        to entity: EntityRule, _ side: Side, of rule: PolicyRule, in namespace: String?, _ form: TrafficForm
    ) -> [RuleBox] {
        var box = self
        guard box.narrow(toNetsOf: entity, side, form) else { return [] }
        let picked = Self.picked(by: entity, in: namespace)
        if let picked {
            box.somebody[side.rawValue].append(picked)
        } else if let selector = entity.notSelector {
            box.nobody[side.rawValue].append(LabelFormula.selector(selector))
        }
        if var service = entity.services {
            if service.namespace.isEmpty { service.namespace = namespace ?? "" }
            box.services.append(Service(side: side, reference: service))
        }
        return box.narrowed(toPortsOf: entity, side, of: rule, among: picked, form)
    }

    /// Nets of one IP version settle that of the rule.
    private mutating func narrow(toNetsOf entity: EntityRule, _ side: Side, _ form: TrafficForm) -> Bool {
        let number: TrafficForm.Number = side == .source ? .source : .destination
        let domain = form.domains[number.rawValue]
        for (nets, isNegated) in [(entity.nets, false), (entity.notNets, true)] where !nets.isEmpty {
            let own = nets.filter { $0.version == form.version }
            if own.isEmpty { return false }
            let addresses = NumberSet(blocks: own)
            guard narrow(number, to: isNegated ? domain.subtracting(addresses) : addresses, of: form.domains) else { return false }
        }
        return true
    }

    /// What the endpoints and network sets match that the side picks; nil: it is not about these.
    static func picked(by entity: EntityRule, in namespace: String?) -> Selector? {
        let accounts = entity.serviceAccounts.flatMap { $0.names.isEmpty && $0.selector == nil ? nil : $0 }
        guard
            entity.namespaceSelector != nil || accounts != nil || entity.selector != nil
                || (namespace != nil && entity.notSelector != nil)
        else { return nil }
        var parts: [Selector] = []
        if let selector = entity.namespaceSelector {
            parts.append(LabelFormula.namespaces(selector))
        } else if let namespace {
            parts.append(LabelFormula.inNamespace(namespace))
        }
        if let accounts, !accounts.names.isEmpty {
            parts.append(.isIn(key: "projectcalico.org/serviceaccount", values: Set(accounts.names)))
        }
        if let selector = accounts?.selector { parts.append(LabelFormula.serviceAccounts(selector)) }
        if let selector = entity.selector { parts.append(LabelFormula.selector(selector)) }
        if let selector = entity.notSelector { parts.append(.not(LabelFormula.selector(selector))) }
        return LabelFormula.conjunction(parts)
    }

    /// A port's name is one that somebody gives it whom the side picks, or where it picks nobody, who has the address.
    private func narrowed(
        toPortsOf entity: EntityRule, _ side: Side, of rule: PolicyRule, among picked: Selector?, _ form: TrafficForm
    ) -> [RuleBox] {
        let number: TrafficForm.Number = side == .source ? .sourcePort : .detail
        var box = self
        let names = rule.transport == nil ? [] : entity.namedPorts
        let notNames = rule.transport == nil ? [] : entity.notNamedPorts
        if form.detail == .ports {
            if !entity.notPorts.isEmpty {
                let left = form.domains[number.rawValue].subtracting(NumberSet(ports: entity.notPorts))
                guard box.narrow(number, to: left, of: form.domains) else { return [] }
            }
            if !notNames.isEmpty {
                box.nobody[side.rawValue].append(LabelFormula.conjunction([picked ?? .all, LabelFormula.names(of: notNames)]))
            }
        }
        if entity.ports.isEmpty && entity.namedPorts.isEmpty { return [box] }
        guard form.detail == .ports else { return [] }
        var boxes: [RuleBox] = []
        var byNumber = box
        if !entity.ports.isEmpty, byNumber.narrow(number, to: NumberSet(ports: entity.ports), of: form.domains) {
            boxes.append(byNumber)
        }
        if !names.isEmpty {
            box.somebody[side.rawValue].append(LabelFormula.conjunction([picked ?? .all, LabelFormula.names(of: names)]))
            boxes.append(box)
        }
        return boxes
    }
}
