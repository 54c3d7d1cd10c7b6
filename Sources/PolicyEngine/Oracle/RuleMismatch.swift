/// The first condition of a rule that a packet does not meet.
public enum RuleMismatch: Sendable, Hashable {
    public enum Side: String, Sendable, Hashable, CaseIterable {
        case source
        case destination
    }

    public enum SelectorField: String, Sendable, Hashable, CaseIterable {
        case selector
        case namespaceSelector
    }

    /// Another protocol.
    case transport
    /// All nets of the side are of the other IP version: the rule does not exist for this packet.
    case version(Side)
    /// The address is in none of the nets.
    case nets(Side)
    /// The port is in none of the ranges.
    case ports(Side)
    /// The packet's protocol has no ports.
    case noPorts(Side)
    /// No endpoint claims the address.
    case noEndpoint(Side, SelectorField)
    /// The endpoint is not in the NetworkPolicy's namespace, which a selector without namespaceSelector implies.
    case impliedNamespace(Side)
    /// The endpoint's namespace does not match.
    case namespaceSelector(Side)
    /// The endpoint's labels do not match.
    case selector(Side)

    /// The field below the rule, as in the API: `protocol`, `source.selector`, `destination.ports`.
    public var path: String {
        switch self {
        case .transport: "protocol"
        case .version(let side), .nets(let side): "\(side.rawValue).nets"
        case .ports(let side), .noPorts(let side): "\(side.rawValue).ports"
        case .noEndpoint(let side, let field): "\(side.rawValue).\(field.rawValue)"
        case .namespaceSelector(let side): "\(side.rawValue).namespaceSelector"
        case .impliedNamespace(let side), .selector(let side): "\(side.rawValue).selector"
        }
    }
}
