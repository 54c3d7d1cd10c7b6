import PolicyEngine
import PolicyModel

/// Counts what generated verdicts have exercised, so that a comparison that agrees can be seen to have compared.
public struct Coverage: Sendable {
    /// One line of the table.
    public struct Row: Sendable, Hashable {
        public var group: String
        public var name: String
        /// Cells by column; every column named here must reach the floor.
        public var cells: [String: Int]
    }

    private static let ruleFields =
        ["protocol"]
        + ["source", "destination"].flatMap { side in
            ["nets", "namespaceSelector", "selector", "ports"].map { "\(side).\($0)" }
        }

    public private(set) var verdicts = 0
    public private(set) var denials = 0
    private var counts: [String: [String: [String: Int]]] = [:]

    /// `shapes`: of the packets that stand for the probes, where there are packets; each must be seen allowed and denied.
    public init(shapes: [String] = []) {
        expect("packet shape", shapes, ["allowed", "denied"])
        expect("rule field", Self.ruleFields, ["absent", "matched", "unmatched"])
        expect("rule field", ["source.nets", "destination.nets"], ["other version"])
        expect("rule field", ["source.selector", "destination.selector"], ["implied namespace"])
        expect("rule field", ["source.ports", "destination.ports"], ["no ports"])
        expect("policy field", ["selector", "types"], ["matched", "unmatched"])
        expect("policy field", ["namespaceSelector"], ["absent", "matched", "unmatched"])
        expect("policy field", ["order"], ["absent", "present"])
        expect("policy field", ["namespace"], ["absent", "matched", "unmatched"])
        expect("action", [RuleAction.allow, .deny, .pass].map(\.rawValue), ["ingress", "egress"])
        expect("reason", ["rule Allow", "rule Deny", "end of tier", "profile", "no profile"], ["ingress", "egress"])
        expect("tier", ["not for this endpoint", "decided", "passed by rule", "end: Deny", "end: Pass"], ["times"])
        expect("selector", Self.operators, ["asked"])
        expect("address", ["known once", "claimed twice", "unknown"], ["v4", "v6"])
        expect("protocol", ["TCP", "UDP", "SCTP", "UDPLite", "ICMP kind", "other"], ["v4", "v6"])
    }

    private mutating func expect(_ group: String, _ names: [String], _ columns: [String]) {
        for name in names { for column in columns { counts[group, default: [:]][name, default: [:]][column] = 0 } }
    }

    private mutating func count(_ group: String, _ name: String, _ column: String) {
        counts[group, default: [:]][name, default: [:]][column, default: 0] += 1
    }

    /// Denials in a hundred verdicts.
    public var denialPercent: Double { verdicts == 0 ? 0 : Double(denials) * 100 / Double(verdicts) }

    /// Decides a probe by the oracle, counting what the oracle asked.
    public mutating func decide(_ probe: Probe, by oracle: PolicyOracle) -> Decision {
        let trace = oracle.trace(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
        record(trace, by: oracle)
        return trace.decision
    }

    /// Counts a verdict that somebody else has given in agreement with the oracle.
    public mutating func record(_ trace: OracleTrace, by oracle: PolicyOracle, shape: String? = nil) {
        if let shape { count("packet shape", shape, trace.decision.verdict == .allow ? "allowed" : "denied") }
        verdicts += 1
        if trace.decision.verdict == .deny { denials += 1 }
        let direction = trace.direction == .ingress ? "ingress" : "egress"
        count("reason", Self.name(of: trace.decision), direction)
        let version = trace.packet.version == .v4 ? "v4" : "v6"
        count("protocol", Self.name(of: trace.packet.transport), version)
        let peer = trace.direction == .ingress ? trace.packet.source : trace.packet.destination
        let owners = oracle.owners(of: peer).count
        count("address", owners == 0 ? "unknown" : owners == 1 ? "known once" : "claimed twice", version)
        for tier in trace.tiers {
            count("tier", Self.name(of: tier.outcome), "times")
            for policy in tier.policies { record(policy, direction: direction) }
        }
    }

    private mutating func record(_ trace: OracleTrace.PolicyTrace, direction: String) {
        let policy = trace.policy
        count("policy field", "order", policy.order == nil ? "absent" : "present")
        count("policy field", "types", trace.applicability == .otherDirection ? "unmatched" : "matched")
        if trace.applicability == .otherDirection { return }
        let namespace = trace.applicability == .otherNamespace ? "unmatched" : "matched"
        count("policy field", "namespace", policy.namespace == nil ? "absent" : namespace)
        if trace.applicability == .otherNamespace { return }
        let selected = trace.applicability == .namespaceSelector ? "unmatched" : "matched"
        count("policy field", "namespaceSelector", policy.namespaceSelector == nil ? "absent" : selected)
        if trace.applicability == .namespaceSelector { return }
        count("policy field", "selector", trace.applicability == .selector ? "unmatched" : "matched")
        recordOperators(of: policy.selector)
        for rule in trace.rules { record(rule, direction: direction) }
    }

    private mutating func record(_ trace: OracleTrace.RuleTrace, direction: String) {
        if trace.matched { count("action", trace.rule.action.rawValue, direction) }
        // In the order in which the oracle asks; what comes after the first failure was not asked.
        for field in Self.ruleFields {
            guard Self.isPresent(field, in: trace.rule) else {
                count("rule field", field, "absent")
                continue
            }
            recordOperators(of: field, in: trace.rule)
            if let mismatch = trace.mismatch, mismatch.path == field {
                count("rule field", field, Self.column(of: mismatch))
                return
            }
            count("rule field", field, "matched")
        }
    }

    private static func isPresent(_ field: String, in rule: PolicyRule) -> Bool {
        if field == "protocol" { return rule.transport != nil }
        let entity = field.hasPrefix("source") ? rule.source : rule.destination
        switch field.split(separator: ".").last {
        case "nets": return !entity.nets.isEmpty
        case "namespaceSelector": return entity.namespaceSelector != nil
        case "selector": return entity.selector != nil
        default: return !entity.ports.isEmpty
        }
    }

    private static func column(of mismatch: RuleMismatch) -> String {
        switch mismatch {
        case .version: "other version"
        case .noPorts: "no ports"
        case .impliedNamespace: "implied namespace"
        default: "unmatched"
        }
    }

    private static func name(of decision: Decision) -> String {
        switch decision.reason {
        case .rule: decision.verdict == .allow ? "rule Allow" : "rule Deny"
        case .endOfTier: "end of tier"
        case .profile: "profile"
        case .noProfile: "no profile"
        }
    }

    private static func name(of outcome: OracleTrace.TierOutcome) -> String {
        switch outcome {
        case .noPolicyApplies: "not for this endpoint"
        case .decided: "decided"
        case .passed: "passed by rule"
        case .endOfTier(let action): "end: \(action.rawValue)"
        }
    }

    private static func name(of transport: TransportProtocol) -> String {
        if transport.hasTypeAndCode { return "ICMP kind" }
        return transport.hasPorts ? transport.description : "other"
    }

    // MARK: Selectors

    private static let operators = [
        "all()", "global()", "has", "==", "!=", "contains", "starts with", "ends with", "in", "not in", "!", "&&", "||",
    ]

    private mutating func recordOperators(of field: String, in rule: PolicyRule) {
        let entity = field.hasPrefix("source") ? rule.source : rule.destination
        if field.hasSuffix(".selector"), let selector = entity.selector { recordOperators(of: selector) }
        guard field.hasSuffix(".namespaceSelector"), let selector = entity.namespaceSelector else { return }
        switch selector {
        case .global: count("selector", "global()", "asked")
        case .matching(let selector): recordOperators(of: selector)
        }
    }

    private mutating func recordOperators(of selector: Selector) {
        switch selector {
        case .all: count("selector", "all()", "asked")
        case .global: count("selector", "global()", "asked")
        case .has: count("selector", "has", "asked")
        case .equals: count("selector", "==", "asked")
        case .notEquals: count("selector", "!=", "asked")
        case .contains: count("selector", "contains", "asked")
        case .startsWith: count("selector", "starts with", "asked")
        case .endsWith: count("selector", "ends with", "asked")
        case .isIn: count("selector", "in", "asked")
        case .isNotIn: count("selector", "not in", "asked")
        case .not(let inner):
            count("selector", "!", "asked")
            recordOperators(of: inner)
        case .and(let parts):
            count("selector", "&&", "asked")
            for part in parts { recordOperators(of: part) }
        case .or(let parts):
            count("selector", "||", "asked")
            for part in parts { recordOperators(of: part) }
        }
    }

    // MARK: Results

    /// By group and name.
    public var rows: [Row] {
        counts.sorted { $0.key < $1.key }.flatMap { group, names in
            names.sorted { $0.key < $1.key }.map { Row(group: group, name: $0.key, cells: $0.value) }
        }
    }

    /// For people: one line a row.
    public var table: String {
        var lines = ["\(verdicts) verdicts, \(Int(denialPercent.rounded())) % denied"]
        var group = ""
        for row in rows {
            if row.group != group {
                group = row.group
                lines.append("\(group):")
            }
            let cells = row.cells.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            let name = row.name + String(repeating: " ", count: max(1, 30 - row.name.count))
            lines.append("  \(name)\(cells.joined(separator: ", "))")
        }
        return lines.joined(separator: "\n")
    }

    /// What was not exercised often enough: empty when every cell holds at least `floor`, and at least 25 % of the
    /// verdicts are denials.
    public func check(floor: Int) -> [String] {
        var shortfalls: [String] = []
        if denialPercent < 25 { shortfalls.append("denials: \(denialPercent) % of the verdicts, less than 25 %") }
        for row in rows {
            for (column, count) in row.cells.sorted(by: { $0.key < $1.key }) where count < floor {
                shortfalls.append("\(row.group), \(row.name), \(column): \(count), less than \(floor)")
            }
        }
        return shortfalls
    }
}
