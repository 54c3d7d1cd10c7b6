import PolicyModel

/// Something that is allowed and hardly what its author meant.
public struct LintFinding: Sendable, Hashable {
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// Every packet that the rule matches is decided before it, whatever workloads there are.
        case unreachableRule = "unreachable-rule"
        /// No packet meets all that the rule, or the selector, asks for.
        case contradiction
        /// The rule needs more steps than `LintLimits` allows.
        case notExamined = "not-examined"
        case selectsNothing = "selects-nothing"
        case peerSelectsNothing = "peer-selects-nothing"
        /// A selector of a NetworkPolicy that matches workloads of other namespaces alone.
        case ownNamespace = "own-namespace"
        case unknownPortName = "unknown-port-name"
        case logOnly = "log-only"
        case serviceAddress = "service-address"
        case servicePort = "service-port"
        case cutsDNS = "cuts-dns"
        /// Equal orders of policies that contradict each other.
        case tiedOrder = "tied-order"
        /// `all()` that means addresses of network sets too.
        case allMeansNetworkSets = "all-means-network-sets"
        case noTier = "no-tier"
        /// What the API warns of when the object is written, whatever else there is.
        case asWritten = "as-written"
    }

    public var code: Code
    public var object: LintObject
    /// As in an error of the API: `spec.ingress[2].source.selector`.
    public var path: String
    /// A sentence: what is so, and what to write.
    public var message: String

    public init(_ code: Code, _ object: LintObject, _ path: String, _ message: String) {
        self.code = code
        self.object = object
        self.path = path
        self.message = message
    }
}

extension LintFinding: Comparable {
    public static func < (left: Self, right: Self) -> Bool {
        let (first, second) = (left.object, right.object)
        return (first.resource, first.namespace, first.name, left.path, left.code.rawValue, left.message)
            < (second.resource, second.namespace, second.name, right.path, right.code.rawValue, right.message)
    }
}
