import PolicyModel

extension PolicyOracle {
    /// Whether a policy applies to an endpoint in some direction, whatever its tier does.
    public func selects(_ policy: Policy, _ endpoint: EndpointKey) -> Bool {
        Direction.allCases.contains { applicability(of: policy, to: endpoint, $0) == .applies }
    }
}
