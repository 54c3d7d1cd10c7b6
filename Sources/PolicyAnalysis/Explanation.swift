import PolicyEngine
import PolicyModel

/// What was decided for one connection, at each policed end, and why.
public struct Explanation: Sendable, Hashable {
    /// Who decided at an end.
    public enum Ruling: Sendable, Hashable {
        /// The policies, with the way to their decision.
        case policy(OracleTrace)
        /// Traffic that the host itself makes to its own workloads is allowed.
        case localHost
        /// An endpoint may always talk to itself.
        case itself

        public var verdict: Verdict {
            switch self {
            case .policy(let trace): trace.decision.verdict
            case .localHost, .itself: .allow
            }
        }
    }

    public struct End: Sendable, Hashable {
        public var endpoint: EndpointKey
        public var direction: Direction
        public var ruling: Ruling
    }

    /// As asked.
    public var source: ExplainEnd
    public var destination: ExplainEnd
    /// Whom they mean; nil for the host and for addresses of nobody.
    public var sourceEndpoint: EndpointKey?
    public var destinationEndpoint: EndpointKey?
    public var packet: PacketTuple
    /// Who has the addresses of `packet`, as `PolicyOracle.peerNames` tells it.
    public var sourceNames: [String]
    public var destinationNames: [String]
    /// Nobody gave the source port of `packet`.
    public var sourcePortAssumed: Bool
    /// Egress of the source, then ingress of the destination; empty when neither is a workload.
    public var ends: [End]
    /// The same ends as they would be decided if the staged policies were enforced; nil when none is judged.
    public var pendingEnds: [End]?

    /// Allow only if every end allows.
    public var verdict: Verdict { Self.verdict(of: ends) }
    /// The verdict of `pendingEnds`.
    public var pendingVerdict: Verdict? { pendingEnds.map(Self.verdict) }

    private static func verdict(of ends: [End]) -> Verdict {
        ends.allSatisfy { $0.ruling.verdict == .allow } ? .allow : .deny
    }
}

extension Verdict {
    /// As the API and Calico write it.
    var word: String { self == .allow ? "Allow" : "Deny" }
}

extension Direction {
    var word: String { self == .ingress ? "ingress" : "egress" }
}

extension Explanation {
    /// The answer for programs: a verdict, and for each end what decided. `rule` is -1 where no rule did. When staged
    /// policies are judged, `pending` is the same answer as if they were enforced. An end has `logged` where Log rules were
    /// met, `rejects` where the sender of what is denied is told, and `annotations` where the rule that decided has some.
    public var json: JSONValue {
        var answer: [String: JSONValue] = ["verdict": .string(verdict.word), "ends": .array(ends.map(\.json))]
        if let pendingEnds, let pendingVerdict {
            answer["pending"] = [
                "verdict": .string(pendingVerdict.word), "ends": .array(pendingEnds.map(\.json)),
            ]
        }
        return .object(answer)
    }
}

extension Explanation.End {
    var json: JSONValue {
        var fields = DecidedBy(kind: "System", policy: "")
        switch ruling {
        case .localHost: fields.policy = "local host"
        case .itself: fields.policy = "self"
        case .policy(let trace): fields = DecidedBy(trace.decision.reason)
        }
        var members: [String: JSONValue] = [
            "endpoint": .string(endpoint.description), "direction": .string(direction.word),
            "verdict": .string(ruling.verdict.word), "tier": .string(fields.tier), "kind": .string(fields.kind),
            "namespace": .string(fields.namespace), "policy": .string(fields.policy),
            "rule": .integer(Int64(fields.rule)), "trigger": .array(fields.triggers.map(\.json)),
        ]
        if case .policy(let trace) = ruling {
            if trace.decision.rejects { members["rejects"] = true }
            if let annotations = trace.decidingRule?.annotations, !annotations.isEmpty {
                members["annotations"] = .object(annotations.mapValues { .string($0) })
            }
            if !trace.decision.logged.isEmpty { members["logged"] = .array(trace.decision.logged.map(\.json)) }
        }
        return .object(members)
    }

    /// The members of the contract that name who decided.
    private struct DecidedBy {
        var tier = ""
        var kind: String
        var namespace = ""
        var policy: String
        var rule = -1
        var triggers: [PolicyReference] = []

        init(kind: String, policy: String) {
            self.kind = kind
            self.policy = policy
        }

        init(_ reason: Reason) {
            switch reason {
            case .rule(let tier, let policy, let index):
                self.init(kind: policy.kind, policy: policy.name)
                self.tier = tier
                namespace = policy.namespace
                rule = index
            case .endOfTier(let tier, let triggers):
                self.init(kind: "EndOfTier", policy: "")
                self.tier = tier
                self.triggers = triggers
            case .profile(let name, let index):
                self.init(kind: "Profile", policy: name)
                rule = index
            case .noProfile:
                self.init(kind: "Profile", policy: "")
            }
        }
    }
}

extension OracleTrace {
    /// nil where no rule decided.
    fileprivate var decidingRule: PolicyRule? {
        switch decision.reason {
        case .rule(_, let reference, _):
            tiers.flatMap(\.policies).first { $0.reference == reference }?.rules.last { $0.matched }?.rule
        case .profile(let name, _): profiles.first { $0.name == name }?.rules.last { $0.matched }?.rule
        case .endOfTier, .noProfile: nil
        }
    }
}

extension PolicyReference {
    fileprivate var json: JSONValue {
        .object(["kind": .string(kind), "namespace": .string(namespace), "policy": .string(name)])
    }
}

extension RuleReference {
    fileprivate var json: JSONValue {
        .object([
            "tier": .string(tier), "kind": .string(policy.kind), "namespace": .string(policy.namespace),
            "policy": .string(policy.name), "rule": .integer(Int64(index)),
        ])
    }
}
