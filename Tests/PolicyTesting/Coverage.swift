import PolicyEngine
import PolicyModel

/// Counts what generated verdicts have exercised, so that a comparison that agrees can be seen to have compared.
public struct Coverage: Sendable {
    /// What every cell must hold when a million verdicts were counted, and as much less as fewer were.
    public static let floorOfMillion = 500

    public private(set) var verdicts = 0
    public private(set) var denials = 0

    private var fields = CoverageTable(
        "rule field", rows: CoveredField.allCases.map(\.name),
        columns: ["absent", "matched", "unmatched", "other version", "nobody there", "implied namespace", "no ports"])
    private var actions = CoverageTable(
        "action", rows: RuleAction.allCases.map(\.rawValue), columns: ["ingress", "egress", "in profile"])
    private var policies = CoverageTable(
        "policy field",
        rows: [
            "types", "namespace", "namespaceSelector", "serviceAccountSelector", "selector", "order", "deny action",
            "Kubernetes NetworkPolicy", "policy.networking.k8s.io",
        ],
        columns: ["absent", "matched", "unmatched"])
    private var tiers = CoverageTable(
        "tier", rows: ["not for this endpoint", "decided", "passed by rule", "end: Deny", "end: Pass"], columns: ["times"])
    private var reasons = CoverageTable(
        "reason",
        rows: ["rule Allow", "rule Deny", "end of tier", "profile Allow", "profile Deny", "no profile"],
        columns: ["ingress", "egress", "rejected", "pending"])
    private var pending = CoverageTable(
        "pending", rows: ["none", "other reason", "Allow to Deny", "Deny to Allow"], columns: ["staged rule", "else"])
    private var logs = CoverageTable("logged", rows: ["nothing", "one rule", "several rules"], columns: ["times"])
    private var profiles = CoverageTable(
        "profile", rows: ["of a namespace", "of a service account", "object"], columns: ["decided", "passed on", "missing"])
    private var selectors = CoverageTable("selector", rows: Coverage.operators, columns: ["asked"])
    private var addresses = CoverageTable(
        "peer's address", rows: ["one endpoint", "several endpoints", "network sets alone", "endpoint and set", "nobody"],
        columns: ["v4", "v6"])
    private var protocols = CoverageTable(
        "protocol", rows: ["TCP", "UDP", "SCTP", "UDPLite", "ICMP kind", "other"], columns: ["v4", "v6"])
    private var shapes: CoverageTable

    /// - Parameters:
    ///   - shapes: Of the packets that stand for the probes, where there are packets; each must be seen allowed and denied.
    public init(shapes: [String] = []) {
        self.shapes = CoverageTable("packet shape", rows: shapes, columns: ["allowed", "denied"])
        for row in shapes.indices { self.shapes.expect(row, 0...1) }
        expectFields()
        for row in protocols.rows.indices { protocols.expect(row, 0...1) }
        for row in tiers.rows.indices { tiers.expect(row, 0...0) }
        for row in selectors.rows.indices { selectors.expect(row, 0...0) }
        for row in [0, 1, 3] { actions.expect(row, 0...1) }
        for row in [0, 1, 2, 3, 5] { reasons.expect(row, 0...1) }
        for row in [0, 1, 4] { addresses.expect(row, 0...1) }
        profiles.expect(0, [0, 2])
        expectWhole()
    }

    private mutating func expectFields() {
        for field in CoveredField.allCases {
            fields.expect(field.rawValue, 0...2)
            switch field {
            case .sourceNets, .destinationNets, .sourceNotNets, .destinationNotNets: fields.expect(field.rawValue, [3])
            case .sourceNamespaceSelector, .destinationNamespaceSelector: fields.expect(field.rawValue, [4])
            case .sourceSelector, .destinationSelector, .sourceAccountNames, .destinationAccountNames,
                .sourceAccountSelector, .destinationAccountSelector:
                fields.expect(field.rawValue, [4, 5])
            case .sourcePorts, .destinationPorts: fields.expect(field.rawValue, [6])
            default: break
            }
        }
    }

    private mutating func expectWhole() {
        policies.expect(0, 1...2)
        for row in [1, 2] { policies.expect(row, 0...2) }
        policies.expect(4, 1...2)
        policies.expect(5, 0...1)
        policies.expect(3, 0...2)
        for row in [6, 7, 8] { policies.expect(row, 0...1) }
        for row in [1, 2] { reasons.expect(row, [2]) }
        for row in [2, 3] { addresses.expect(row, 0...1) }
        for row in actions.rows.indices { actions.expect(row, [2]) }
        reasons.expect(4, 0...1)
        profiles.expect(1, 1...2)
        profiles.expect(2, 0...2)
        actions.expect(2, 0...1)
        for row in logs.rows.indices { logs.expect(row, 0...0) }
        pending.expect(0, [1])
        for row in 1...3 { pending.expect(row, 0...1) }
        for row in [0, 1, 2, 3] { reasons.expect(row, [3]) }
    }

    /// Denials in a hundred verdicts.
    public var denialPercent: Double { verdicts == 0 ? 0 : Double(denials) * 100 / Double(verdicts) }

    // MARK: Counting

    /// Decides a probe by the oracle, counting what the oracle asked.
    public mutating func decide(_ probe: Probe, by oracle: PolicyOracle) -> Decision {
        let trace = oracle.trace(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
        record(trace, by: oracle)
        return trace.decision
    }

    /// Counts a verdict that somebody else has given in agreement with the oracle. `shape` must be one of those that the
    /// coverage was made with.
    public mutating func record(_ trace: OracleTrace, by oracle: PolicyOracle, shape: String? = nil) {
        verdicts += 1
        let decision = trace.decision
        if decision.verdict == .deny { denials += 1 }
        if let shape, let row = shapes.rows.firstIndex(of: shape) {
            shapes.count(row, decision.verdict == .allow ? 0 : 1)
        }
        let direction = trace.direction == .ingress ? 0 : 1
        record(decision, direction)
        let version = trace.packet.version == .v4 ? 0 : 1
        protocols.count(Self.row(of: trace.packet.transport), version)
        let peer = trace.direction == .ingress ? trace.packet.source : trace.packet.destination
        addresses.count(Self.row(owners: oracle.owners(of: peer).count, everybody: oracle.peerNames(at: peer).count), version)
        for tier in trace.tiers {
            tiers.count(Self.row(of: tier.outcome), 0)
            for policy in tier.policies { record(policy, direction) }
        }
        for profile in trace.profiles { record(profile) }
    }

    private mutating func record(_ decision: Decision, _ direction: Int) {
        let row = Self.row(of: decision.verdict, decision.reason)
        reasons.count(row, direction)
        if decision.rejects { reasons.count(row, 2) }
        logs.count(min(2, decision.logged.count), 0)
        guard let other = decision.pending else {
            pending.count(0, 1)
            return
        }
        reasons.count(Self.row(of: other.verdict, other.reason), 3)
        var byStaged = 1
        if case .rule(_, let policy, _) = other.reason, policy.kind.hasPrefix("Staged") { byStaged = 0 }
        pending.count(other.verdict == decision.verdict ? 1 : other.verdict == .deny ? 2 : 3, byStaged)
    }

    private mutating func record(_ trace: OracleTrace.PolicyTrace, _ direction: Int) {
        let policy = trace.policy
        policies.count(5, policy.order == nil ? 0 : 1)
        policies.count(6, policy.denyAction == nil ? 0 : 1)
        policies.count(7, policy.reference.name.hasPrefix(Policy.kubernetesPrefix) ? 1 : 0)
        policies.count(8, Self.clusterKinds.contains(policy.reference.kind) ? 1 : 0)
        // In the order in which the oracle asks; what comes after the first failure was not asked.
        let questions: [(present: Bool, failure: OracleTrace.Applicability)] = [
            (true, .otherDirection), (policy.namespace != nil, .otherNamespace),
            (policy.namespaceSelector != nil, .namespaceSelector),
            (policy.serviceAccountSelector != nil, .serviceAccountSelector), (true, .selector),
        ]
        for (row, question) in questions.enumerated() {
            let failed = trace.applicability == question.failure
            policies.count(row, !question.present ? 0 : failed ? 2 : 1)
            if failed { return }
        }
        recordOperators(of: policy.selector)
        for rule in trace.rules { record(rule, direction) }
    }

    private mutating func record(_ trace: OracleTrace.RuleTrace, _ column: Int) {
        if trace.matched {
            actions.count(RuleAction.allCases.firstIndex(of: trace.rule.action) ?? 0, column)
        }
        let failure = trace.mismatch.map { CoveredField.failed($0, of: trace.rule) }
        for field in CoveredField.allCases {
            guard field.isPresent(in: trace.rule) else {
                fields.count(field.rawValue, 0)
                continue
            }
            for selector in field.selectors(in: trace.rule) { recordOperators(of: selector) }
            if let failure, failure.field == field {
                fields.count(field.rawValue, failure.column)
                return
            }
            fields.count(field.rawValue, 1)
        }
    }

    private mutating func record(_ trace: OracleTrace.ProfileTrace) {
        let row =
            trace.name.hasPrefix(Profile.namespacePrefix) ? 0 : trace.name.hasPrefix(Profile.serviceAccountPrefix) ? 1 : 2
        let decided = trace.rules.last.map { $0.matched && $0.rule.action != .pass && $0.rule.action != .log } ?? false
        profiles.count(row, !trace.exists ? 2 : decided ? 0 : 1)
        for rule in trace.rules { record(rule, 2) }
    }

    // MARK: Rows

    private static func row(of verdict: Verdict, _ reason: Reason) -> Int {
        switch reason {
        case .rule: verdict == .allow ? 0 : 1
        case .endOfTier: 2
        case .profile: verdict == .allow ? 3 : 4
        case .noProfile: 5
        }
    }

    private static func row(of outcome: OracleTrace.TierOutcome) -> Int {
        switch outcome {
        case .noPolicyApplies: 0
        case .decided: 1
        case .passed: 2
        case .endOfTier(let action): action == .deny ? 3 : 4
        }
    }

    private static func row(of transport: TransportProtocol) -> Int {
        switch transport {
        case .tcp: 0
        case .udp: 1
        case .sctp: 2
        case .udpLite: 3
        case .icmp, .icmpV6: 4
        default: 5
        }
    }

    private static func row(owners: Int, everybody: Int) -> Int {
        if owners == 0 { return everybody == 0 ? 4 : 2 }
        if everybody > owners { return 3 }
        return owners == 1 ? 0 : 1
    }

    private static let clusterKinds = ["ClusterNetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy"]

    private static let operators = [
        "all()", "global()", "has", "==", "!=", "contains", "starts with", "ends with", "in", "not in", "!", "&&", "||",
        "sameNamespace()", "sameLabel",
    ]

    private mutating func recordOperators(of selector: Selector) {
        switch selector {
        case .all: selectors.count(0, 0)
        case .global: selectors.count(1, 0)
        case .has: selectors.count(2, 0)
        case .equals: selectors.count(3, 0)
        case .notEquals: selectors.count(4, 0)
        case .contains: selectors.count(5, 0)
        case .startsWith: selectors.count(6, 0)
        case .endsWith: selectors.count(7, 0)
        case .isIn: selectors.count(8, 0)
        case .isNotIn: selectors.count(9, 0)
        case .sameNamespace: selectors.count(13, 0)
        case .sameLabel: selectors.count(14, 0)
        case .not(let inner):
            selectors.count(10, 0)
            recordOperators(of: inner)
        case .and(let parts):
            selectors.count(11, 0)
            for part in parts { recordOperators(of: part) }
        case .or(let parts):
            selectors.count(12, 0)
            for part in parts { recordOperators(of: part) }
        }
    }

    // MARK: Results

    /// Adds what another coverage, made with equal arguments, has counted.
    public mutating func add(_ other: Self) {
        verdicts += other.verdicts
        denials += other.denials
        fields.add(other.fields)
        actions.add(other.actions)
        policies.add(other.policies)
        tiers.add(other.tiers)
        reasons.add(other.reasons)
        pending.add(other.pending)
        logs.add(other.logs)
        profiles.add(other.profiles)
        selectors.add(other.selectors)
        addresses.add(other.addresses)
        protocols.add(other.protocols)
        shapes.add(other.shapes)
    }

    private var tables: [CoverageTable] {
        [
            fields, actions, policies, tiers, reasons, pending, logs, profiles, selectors, addresses, protocols, shapes,
        ]
    }

    /// For people: one line a row.
    public var table: String {
        var lines = ["\(verdicts) verdicts, \(Int(denialPercent.rounded())) % denied"]
        for table in tables where !table.lines.isEmpty { lines += ["\(table.name):"] + table.lines }
        return lines.joined(separator: "\n")
    }

    /// What was not exercised often enough: empty when every cell holds its floor, and at least 25 % of the verdicts are
    /// denials.
    public func check() -> [String] {
        check(floor: max(1, Self.floorOfMillion * verdicts / 1_000_000))
    }

    /// The same with a floor of one's own.
    public func check(floor: Int) -> [String] {
        var shortfalls: [String] = []
        if denialPercent < 25 { shortfalls.append("denials: \(denialPercent) % of the verdicts, less than 25 %") }
        return shortfalls + tables.flatMap { $0.shortfalls(floor: floor) }
    }
}
