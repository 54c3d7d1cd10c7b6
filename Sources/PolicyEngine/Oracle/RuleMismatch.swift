/// The first condition of a rule that a packet does not meet.
public enum RuleMismatch: Sendable, Hashable {
    public enum Side: String, Sendable, Hashable, CaseIterable {
        case source
        case destination
    }

    /// A field that picks endpoints and network sets.
    public enum SelectorField: String, Sendable, Hashable, CaseIterable {
        case namespaceSelector
        case serviceAccounts
        case selector
        case notSelector
    }

    /// Another IP version.
    case version
    /// Another protocol.
    case transport
    /// The protocol that is left out.
    case notTransport
    /// Another type or code, or no ICMP at all.
    case icmp
    /// The type and code that are left out.
    case notICMP
    /// All nets of the side are of the other IP version: the rule does not exist for this packet.
    case netsOfOtherVersion(Side)
    /// The address is in none of the nets.
    case nets(Side)
    /// All nets that are left out are of the other IP version: the rule does not exist for this packet.
    case notNetsOfOtherVersion(Side)
    /// The address is in a net that is left out.
    case notNets(Side)
    /// No endpoint and no network set has the address.
    case noPeer(Side, SelectorField)
    /// Nobody with the address is in the NetworkPolicy's namespace, which a selector without namespaceSelector implies.
    case impliedNamespace(Side, SelectorField)
    /// The namespace does not match.
    case namespaceSelector(Side)
    /// Another service account, or none.
    case serviceAccountNames(Side)
    /// The labels of the service account do not match.
    case serviceAccountSelector(Side)
    /// The labels do not match.
    case selector(Side)
    /// Who was picked, or has the address, is left out.
    case notSelector(Side)
    /// The address, or the port there, is not behind the service.
    case services(Side)
    /// The port is none of those.
    case ports(Side)
    /// The packet's protocol has no ports.
    case noPorts(Side)
    /// The port is left out.
    case notPorts(Side)

    /// The field below the rule, as in the API: `protocol`, `source.selector`, `destination.ports`.
    public var path: String {
        switch self {
        case .version: "ipVersion"
        case .transport: "protocol"
        case .notTransport: "notProtocol"
        case .icmp: "icmp"
        case .notICMP: "notICMP"
        case .netsOfOtherVersion(let side), .nets(let side): "\(side.rawValue).nets"
        case .notNetsOfOtherVersion(let side), .notNets(let side): "\(side.rawValue).notNets"
        case .noPeer(let side, let field), .impliedNamespace(let side, let field): "\(side.rawValue).\(field.rawValue)"
        case .namespaceSelector(let side): "\(side.rawValue).namespaceSelector"
        case .serviceAccountNames(let side): "\(side.rawValue).serviceAccounts.names"
        case .serviceAccountSelector(let side): "\(side.rawValue).serviceAccounts.selector"
        case .selector(let side): "\(side.rawValue).selector"
        case .notSelector(let side): "\(side.rawValue).notSelector"
        case .services(let side): "\(side.rawValue).services"
        case .ports(let side), .noPorts(let side): "\(side.rawValue).ports"
        case .notPorts(let side): "\(side.rawValue).notPorts"
        }
    }
}
