import Dataplane
import Logging
import PolicyModel

/// The lines that Log rules ask for: one for each new flow and each denied packet that met some, no more than a bucket of
/// tokens holds. What finds no token is counted.
struct RuleLog {
    /// Since the start.
    private(set) var written: UInt64 = 0
    private(set) var leftOut: UInt64 = 0

    private var tokens = NodeAgentLimits.ruleLogBurst
    private var filledAt: ContinuousClock.Instant
    /// Of `leftOut`: what a line has told of.
    private var toldOf: UInt64 = 0

    init(now: ContinuousClock.Instant) { filledAt = now }

    /// The line for an event, and how often it is to be written: once for each of its reports. nil where no Log rule was met,
    /// or no token is left.
    ///
    /// - Parameters:
    ///   - peer: the endpoint at the other end, if it is known. Asked for where there is a line.
    ///   - now: asked for where a Log rule was met.
    mutating func line(
        for event: ConnectionEvent, peer: @autoclosure () -> EndpointKey?, now: @autoclosure () -> ContinuousClock.Instant
    ) -> (text: Logger.Metadata, times: UInt64)? {
        guard case .policy(let decision) = event.decision, !decision.logged.isEmpty, Self.isTold(event.kind, decision.verdict)
        else { return nil }
        fill(now: now())
        let times = min(event.reports, UInt64(tokens))
        leftOut += event.reports - times
        guard times > 0 else { return nil }
        tokens -= Double(times)
        written += times
        return (Self.metadata(event, decision, peer()), times)
    }

    /// A line that was given out and could not be written.
    mutating func takeBack() {
        written -= 1
        leftOut += 1
    }

    /// How many lines were left out since this was asked last; nil: none.
    mutating func newlyLeftOut() -> UInt64? {
        guard leftOut > toldOf else { return nil }
        defer { toldOf = leftOut }
        return leftOut - toldOf
    }

    private mutating func fill(now: ContinuousClock.Instant) {
        let (seconds, attoseconds) = filledAt.duration(to: now).components
        let elapsed = Double(seconds) + Double(attoseconds) / 1e18
        guard elapsed > 0 else { return }
        tokens = min(NodeAgentLimits.ruleLogBurst, tokens + elapsed * NodeAgentLimits.ruleLogLinesPerSecond)
        filledAt = now
    }

    /// The packets of a flow that is denied from now on come one by one.
    private static func isTold(_ kind: ConnectionEvent.Kind, _ verdict: Verdict) -> Bool {
        switch kind {
        case .opened, .adopted, .denied: true
        case .redecided: verdict == .allow
        case .closed: false
        }
    }

    private static func metadata(_ event: ConnectionEvent, _ decision: Decision, _ peer: EndpointKey?) -> Logger.Metadata {
        let flow = event.flow
        let tuple = flow.tuple
        let isEgress = flow.direction == .egress
        var metadata: Logger.Metadata = [
            "verdict": "\(decision.verdict == .allow ? "Allow" : "Deny")", "direction": "\(isEgress ? "egress" : "ingress")",
            "endpoint": "\(flow.endpoint)", "source": "\(tuple.source)", "destination": "\(tuple.destination)",
            "protocol": "\(tuple.transport.description.lowercased())",
            "rules": .array(decision.logged.map { .string(name($0)) }),
        ]
        if let peer { metadata["peer"] = "\(peer)" }
        if tuple.transport.hasTypeAndCode {
            metadata["icmp"] = "\(tuple.destinationPort >> 8)/\(tuple.destinationPort & 0xff)"
        } else if tuple.transport.hasPorts {
            metadata["source_port"] = "\(tuple.sourcePort)"
            metadata["dest_port"] = "\(tuple.destinationPort)"
        }
        if event.observed { metadata["observed"] = "true" }
        return metadata
    }

    /// `TIER/KIND/NAMESPACE/NAME/INDEX`, without the parts that a profile or a global policy has not.
    private static func name(_ rule: RuleReference) -> String {
        [rule.tier, rule.policy.kind, rule.policy.namespace, rule.policy.name, String(rule.index)]
            .filter { !$0.isEmpty }.joined(separator: "/")
    }
}
