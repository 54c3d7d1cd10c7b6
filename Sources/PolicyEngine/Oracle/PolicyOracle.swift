import PolicyModel

/// What a policy means, written to be read.
///
/// The oracle walks tiers, policies and rules one after the other for one packet, as the documentation of Calico's v3
/// API tells it. It is the definition that the compiler, the kernel program and the analyses are compared with, so it
/// shares nothing with them but the values of `PolicyModel`, and never trades clearness for speed.
public struct PolicyOracle: Sendable {
    /// A tier with its policies, in the order in which they are asked.
    struct OrderedTier: Sendable {
        var tier: Tier
        var policies: [Policy]
    }

    let world: PolicyWorld
    let labels: OracleLabels
    private let tiers: [OrderedTier]
    /// Policies whose tier does not exist: they do not act.
    private let strays: [PolicyReference]

    /// Cost grows with the world; make one oracle for many packets.
    public init(world: PolicyWorld) {
        self.world = world
        labels = OracleLabels(world: world)
        let policies = OracleOrder.sorted(Array(world.policies.values))
        tiers = OracleOrder.sorted(Array(world.tiers.values)).map { tier in
            OrderedTier(tier: tier, policies: policies.filter { $0.tier == tier.name })
        }
        strays = policies.filter { world.tiers[$0.tier] == nil }.map(\.reference)
    }

    /// What happens to a packet at one end. The endpoint need not own an address of the packet; an endpoint that is not
    /// in the world has no profile, so its packets are denied.
    public func decide(endpoint: EndpointKey, direction: Direction, packet: PacketTuple) -> Decision {
        var unused: OracleTrace?
        return walk(endpoint, direction, packet, &unused)
    }

    /// The same decision, with everything that was asked on the way to it.
    public func trace(endpoint: EndpointKey, direction: Direction, packet: PacketTuple) -> OracleTrace {
        let start = OracleTrace(
            endpoint: endpoint, direction: direction, packet: packet, tiers: [], strays: strays,
            decision: Decision(.deny, .noProfile))
        var trace: OracleTrace? = start
        let decision = walk(endpoint, direction, packet, &trace)
        var result = trace ?? start
        result.decision = decision
        return result
    }

    /// The effective labels of an endpoint, those inherited from its namespace included; nil for one not in the world.
    public func effectiveLabels(of endpoint: EndpointKey) -> [String: String]? { labels.effective[endpoint] }

    /// The endpoints that claim an address, by key.
    public func owners(of address: IPAddress) -> [EndpointKey] { labels.owners[address] ?? [] }

    // MARK: The walk

    private func walk(
        _ endpoint: EndpointKey, _ direction: Direction, _ packet: PacketTuple, _ trace: inout OracleTrace?
    ) -> Decision {
        guard world.endpoints[endpoint] != nil else { return Decision(.deny, .noProfile) }
        for ordered in tiers {
            if let decision = walk(ordered, endpoint, direction, packet, &trace) { return decision }
        }

        guard world.namespaces[endpoint.namespace] != nil else { return Decision(.deny, .noProfile) }
        return Decision(.allow, .profile(name: "kns.\(endpoint.namespace)", index: 0))
    }

    /// nil: the tier does not decide, the next one is asked.
    private func walk(
        _ ordered: OrderedTier, _ endpoint: EndpointKey, _ direction: Direction, _ packet: PacketTuple,
        _ trace: inout OracleTrace?
    ) -> Decision? {
        let tier = ordered.tier
        trace?.tiers.append(OracleTrace.TierTrace(tier: tier, policies: [], outcome: .noPolicyApplies))
        var triggers: [PolicyReference] = []
        var leftByPass: (policy: PolicyReference, index: Int)?
        var decision: Decision?

        for policy in ordered.policies {
            let applicability = applicability(of: policy, to: endpoint, direction)
            trace?.appendPolicy(OracleTrace.PolicyTrace(policy: policy, applicability: applicability, rules: []))
            guard applicability == .applies else { continue }
            triggers.append(policy.reference)
            // The policies after the deciding one are only looked at to tell whom the tier concerns.
            guard decision == nil, leftByPass == nil else { continue }

            for (index, rule) in policy.rules(direction).enumerated() {
                let mismatch = mismatch(of: rule, in: policy, packet)
                trace?.appendRule(OracleTrace.RuleTrace(index: index, rule: rule, mismatch: mismatch))
                guard mismatch == nil else { continue }
                let reason = Reason.rule(tier: tier.name, policy: policy.reference, index: index)
                switch rule.action {
                case .allow: decision = Decision(.allow, reason)
                case .deny: decision = Decision(.deny, reason)
                case .pass: leftByPass = (policy.reference, index)
                case .log: continue
                }
                break
            }
        }

        if let decision {
            trace?.setOutcome(.decided)
            return decision
        }
        if let leftByPass {
            trace?.setOutcome(.passed(policy: leftByPass.policy, index: leftByPass.index))
            return nil
        }
        if triggers.isEmpty { return nil }
        trace?.setOutcome(.endOfTier(tier.defaultAction))
        switch tier.defaultAction {
        case .pass: return nil
        case .deny: return Decision(.deny, .endOfTier(tier: tier.name, triggers: triggers))
        }
    }

    /// Whether a policy speaks of an endpoint's traffic in a direction, or what stands against it.
    func applicability(
        of policy: Policy, to endpoint: EndpointKey, _ direction: Direction
    ) -> OracleTrace.Applicability {
        guard policy.directions.contains(direction) else { return .otherDirection }
        if let namespace = policy.namespace, namespace != endpoint.namespace { return .otherNamespace }
        if let selector = policy.namespaceSelector, policy.namespace == nil,
            !labels.namespace(of: endpoint, matches: selector)
        {
            return .namespaceSelector
        }
        guard labels.endpoint(endpoint, matches: policy.selector) else { return .selector }
        return .applies
    }
}
