import PolicyEngine
import PolicyModel

/// Rules that name the address or the port of a Service: policy sees packets as the backend gets them.
struct ServiceChecks {
    let policy: Policy
    let world: LintWorld
    private let object: LintObject

    init(policy: Policy, world: LintWorld) {
        self.policy = policy
        self.world = world
        object = LintObject(policy.reference)
    }

    func findings() -> [LintFinding] {
        if world.services.isEmpty { return [] }
        var findings: [LintFinding] = []
        for direction in Direction.allCases {
            for (position, rule) in policy.rules(direction).enumerated() {
                let path = "spec.\(direction.word)[\(rule.writtenIndex ?? position)]"
                let side = rule.writtenIndex == nil ? "\(path).destination" : path
                if direction == .egress { findings += addresses(rule, side) }
                findings += ports(rule, direction, side)
            }
        }
        return findings
    }

    /// Nets that hold little more than a service's address: broad ones are meant for what else is in them.
    private func addresses(_ rule: PolicyRule, _ path: String) -> [LintFinding] {
        world.services.compactMap { service in
            let nets = rule.destination.nets.filter { net in
                net.prefixLength == net.version.width && service.addresses.contains(net.address)
            }
            guard let net = nets.first else { return nil }
            return LintFinding(
                .serviceAddress, object, "\(path).nets",
                "\(net.address) is the address of Service \(service.namespace)/\(service.name); policy sees the address of the backend "
                    + "instead: select the backends, or name the service in services")
        }
    }

    /// Where the rule's side picks a backend that has no such port itself.
    private func ports(_ rule: PolicyRule, _ direction: Direction, _ path: String) -> [LintFinding] {
        let entity = rule.destination
        guard !entity.ports.isEmpty, let transport = rule.transport else { return [] }
        let picked = RuleBox.picked(by: entity, in: policy.namespace)
        let formula: Selector
        switch direction {
        case .ingress: formula = LabelFormula.conjunction([PolicyPlaces.subject(of: policy), picked ?? .all])
        case .egress:
            guard let picked else { return [] }
            formula = picked
        }
        return world.services.flatMap { service -> [LintFinding] in
            if service.selector.isEmpty { return [] }
            let wrong = service.ports.filter { port in
                guard let target = port.target, port.transport == transport, target != port.number else { return false }
                func isNamed(_ number: UInt16) -> Bool { entity.ports.contains { $0.first <= number && number <= $0.last } }
                return isNamed(port.number) && !isNamed(target)
            }
            if wrong.isEmpty { return [] }
            let backends = LabelFormula.conjunction(
                [formula, LabelFormula.isEndpoint, LabelFormula.inNamespace(service.namespace)]
                    + service.selector.sorted { $0.key < $1.key }.map { .equals(key: $0.key, value: $0.value) })
            return wrong.compactMap { port in
                let isBackend = world.first(matching: backends) { member in
                    !member.ports.contains { $0.transport == transport && $0.port == port.number }
                }
                guard isBackend != nil, let target = port.target else { return nil }
                return LintFinding(
                    .servicePort, object, "\(path).ports",
                    "\(port.number) is the port of Service \(service.namespace)/\(service.name); its backends listen on \(target), "
                        + "and policy sees that one: write \(target)")
            }
        }
    }
}
