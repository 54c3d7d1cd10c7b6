/// What generated worlds may use beside selectors, nets, ports, tiers and orders: so that a decider that does not know it all
/// yet can be compared over what it knows.
public struct LanguageFeatures: OptionSet, Sendable, Hashable {
    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }

    public static let ipVersion = Self(rawValue: 1 << 0)
    public static let notProtocol = Self(rawValue: 1 << 1)
    /// `icmp` and `notICMP`.
    public static let icmp = Self(rawValue: 1 << 2)
    public static let notNets = Self(rawValue: 1 << 3)
    public static let notSelector = Self(rawValue: 1 << 4)
    /// `notPorts` by number.
    public static let notPorts = Self(rawValue: 1 << 5)
    /// `ports` by name, and with `notPorts` these by name too.
    public static let namedPorts = Self(rawValue: 1 << 6)
    /// Of endpoints, of rules and of policies.
    public static let serviceAccounts = Self(rawValue: 1 << 7)
    public static let services = Self(rawValue: 1 << 8)
    public static let networkSets = Self(rawValue: 1 << 9)
    /// Profile objects, endpoints that name their profiles, profiles that do not exist.
    public static let profiles = Self(rawValue: 1 << 10)
    public static let log = Self(rawValue: 1 << 11)
    public static let staged = Self(rawValue: 1 << 12)
    /// Deny actions of tiers and policies.
    public static let rejections = Self(rawValue: 1 << 13)
    /// Kubernetes NetworkPolicies: their names, and rules that were made of one written rule.
    public static let kubernetes = Self(rawValue: 1 << 14)
    /// Endpoints that label themselves as if they inherited it.
    public static let claims = Self(rawValue: 1 << 15)

    public static let all = Self(rawValue: 1 << 16 - 1)

    /// What the compiler compiles.
    public static let compiled: Self = .all
}
