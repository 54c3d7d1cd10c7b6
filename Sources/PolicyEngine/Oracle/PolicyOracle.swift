import PolicyModel

/// What a policy means, written to be read.
///
/// The oracle walks tiers, policies and rules one after the other for one packet, as the documentation of Calico's v3
/// API tells it. It is the definition that the compiler, the kernel program and the analyses are compared with, so it
/// shares nothing with them but the values of `PolicyModel`, and never trades clearness for speed.
public struct PolicyOracle: Sendable {
    let world: PolicyWorld
    let peers: OraclePeers
    let profiles: OracleProfiles
    private let enforced: OracleStack
    /// As if the staged policies were enforced; nil where that is the same.
    private let staged: OracleStack?

    /// Cost grows with the world; make one oracle for many packets.
    public init(world: PolicyWorld) {
        self.world = world
        profiles = OracleProfiles(world: world)
        peers = OraclePeers(world: world, profiles: profiles)
        enforced = OracleStack(world.enforcedPolicies, in: world)
        staged = world.policiesWithStaged.map { OracleStack($0, in: world) }
    }

    /// Whether there are staged policies that are decided beside the enforced ones.
    public var judgesStaged: Bool { staged != nil }

    /// What happens to a packet at one end. The endpoint need not own an address of the packet; an endpoint that is not
    /// in the world has no profile, so its packets are denied.
    public func decide(endpoint: EndpointKey, direction: Direction, packet: PacketTuple) -> Decision {
        decide(endpoint, direction, question(packet, at: endpoint), traced: nil).decision
    }

    /// The same decision, with everything that was asked on the way to it.
    public func trace(endpoint: EndpointKey, direction: Direction, packet: PacketTuple) -> OracleTrace {
        let start = emptyTrace(endpoint, direction, packet, strays: enforced.strays)
        let (decision, trace) = decide(endpoint, direction, question(packet, at: endpoint), traced: start)
        var result = trace ?? start
        result.decision = decision
        return result
    }

    /// The way to the decision that would fall if the staged policies were enforced; nil unless `judgesStaged`.
    /// Its decision says nothing of a pending one.
    public func pendingTrace(endpoint: EndpointKey, direction: Direction, packet: PacketTuple) -> OracleTrace? {
        guard let staged else { return nil }
        let start = emptyTrace(endpoint, direction, packet, strays: staged.strays)
        var trace: OracleTrace? = start
        let decision = walk(staged, endpoint, direction, question(packet, at: endpoint), &trace)
        var result = trace ?? start
        result.decision = decision
        return result
    }

    /// The effective labels of an endpoint, those inherited from its profiles included; nil for one not in the world.
    public func effectiveLabels(of endpoint: EndpointKey) -> [String: String]? { peers.endpoints[endpoint]?.labels }

    /// Whether a selector matches the effective labels of an endpoint.
    public static func matches(_ selector: Selector, labels: [String: String]) -> Bool {
        OracleSelectors.matches(selector, labels)
    }

    /// The endpoints that claim an address, by key.
    public func owners(of address: IPAddress) -> [EndpointKey] { peers.owners[address] ?? [] }

    /// Who has an address: `NAMESPACE/NAME` for an endpoint, `NetworkSet NAMESPACE/NAME`, `GlobalNetworkSet NAME`.
    public func peerNames(at address: IPAddress) -> [String] { peers.at(address).map(\.name) }

    private func question(_ packet: PacketTuple, at endpoint: EndpointKey) -> OracleQuestion {
        OracleQuestion(
            packet: packet, sources: peers.at(packet.source), destinations: peers.at(packet.destination),
            subject: peers.endpoints[endpoint]?.labels ?? [:])
    }

    private func emptyTrace(
        _ endpoint: EndpointKey, _ direction: Direction, _ packet: PacketTuple, strays: [PolicyReference]
    ) -> OracleTrace {
        OracleTrace(
            endpoint: endpoint, direction: direction, packet: packet, tiers: [], profiles: [], strays: strays,
            decision: Decision(.deny, .noProfile))
    }

    private func decide(
        _ endpoint: EndpointKey, _ direction: Direction, _ question: OracleQuestion, traced start: OracleTrace?
    ) -> (decision: Decision, trace: OracleTrace?) {
        var trace = start
        var decision = walk(enforced, endpoint, direction, question, &trace)
        if let staged {
            var unused: OracleTrace?
            let other = walk(staged, endpoint, direction, question, &unused)
            if other.verdict != decision.verdict || other.reason != decision.reason {
                decision.pending = Decision.Pending(other.verdict, other.reason)
            }
        }
        return (decision, trace)
    }

    // MARK: Whether a policy applies

    /// Whether a policy speaks of an endpoint's traffic in a direction, or what stands against it.
    func applicability(
        of policy: Policy, to endpoint: EndpointKey, _ direction: Direction
    ) -> OracleTrace.Applicability {
        guard policy.directions.contains(direction) else { return .otherDirection }
        if let namespace = policy.namespace, namespace != endpoint.namespace { return .otherNamespace }
        let labels = peers.endpoints[endpoint]?.labels ?? [:]
        if let selector = policy.namespaceSelector, policy.namespace == nil,
            !OracleSelectors.matches(selector, labels)
        {
            return .namespaceSelector
        }
        if let selector = policy.serviceAccountSelector, !OracleSelectors.matches(serviceAccounts: selector, labels) {
            return .serviceAccountSelector
        }
        guard OracleSelectors.matches(policy.selector, labels) else { return .selector }
        return .applies
    }
}

/// Tiers with their policies, in the order in which they are asked.
struct OracleStack: Sendable {
    let tiers: [OracleTier]
    /// Policies whose tier does not exist: they do not act.
    let strays: [PolicyReference]

    init(_ policies: [OraclePolicy], in world: PolicyWorld) {
        tiers = OracleOrder.tiers(Array(world.tiers.values), with: policies)
        strays = OracleOrder.sorted(policies.filter { world.tiers[$0.policy.tier] == nil }).map(\.reference)
    }
}
