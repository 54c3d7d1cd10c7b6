import Dataplane
import FlowLogs
import Logging
import PolicyModel
import Testing

@testable import NodeAgent

@Suite struct RuleLogTests {
    private static let rule = RuleReference(
        tier: "platform", policy: PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "watch"), index: 2)
    private static let profileRule = RuleReference(
        tier: "", policy: PolicyReference(kind: "Profile", namespace: "", name: "open"), index: 0)

    private static func event(
        _ kind: ConnectionEvent.Kind = .opened, _ verdict: Verdict = .allow, logged: [RuleReference] = [rule, profileRule],
        transport: TransportProtocol = .tcp, destinationPort: UInt16 = 443
    ) -> ConnectionEvent {
        let decision = Decision(verdict, .noProfile, logged: logged)
        let tuple = PacketTuple(
            source: IPAddress(v4: 0x0a00_0001), destination: IPAddress(v4: 0x0a00_0002), transport: transport,
            sourcePort: transport.hasPorts ? 40_000 : 0, destinationPort: destinationPort)
        return ConnectionEvent(
            kind: kind, timestamp: 1, flow: FlowIdentity(endpoint: Objects.key("web"), direction: .egress, tuple: tuple),
            decision: .policy(decision), counters: FlowCounters(), observed: false)
    }

    @Test func aLineSaysWhoAndWhichRules() {
        let now = ContinuousClock.now
        var log = RuleLog(now: now)
        #expect(
            log.line(for: Self.event(), peer: Objects.key("database"), now: now)?.text
                == [
                    "verdict": "Allow", "direction": "egress", "endpoint": "default/web", "peer": "default/database",
                    "source": "10.0.0.1", "destination": "10.0.0.2", "protocol": "tcp", "source_port": "40000",
                    "dest_port": "443", "rules": ["platform/GlobalNetworkPolicy/watch/2", "Profile/open/0"],
                ])
        #expect(
            log.line(for: Self.event(.denied, .deny, transport: .icmp, destinationPort: 8 << 8), peer: nil, now: now)?.text
                == [
                    "verdict": "Deny", "direction": "egress", "endpoint": "default/web", "source": "10.0.0.1",
                    "destination": "10.0.0.2", "protocol": "icmp", "icmp": "8/0",
                    "rules": ["platform/GlobalNetworkPolicy/watch/2", "Profile/open/0"],
                ])
        #expect(log.written == 2)
    }

    @Test func onlyNewFlowsAndDeniedPacketsThatMetARuleAreTold() {
        let now = ContinuousClock.now
        var log = RuleLog(now: now)
        let told: [(ConnectionEvent.Kind, Verdict, Bool)] = [
            (.opened, .allow, true), (.adopted, .allow, true), (.denied, .deny, true), (.redecided, .allow, true),
            (.redecided, .deny, false), (.closed, .allow, false),
        ]
        for (kind, verdict, expected) in told {
            #expect((log.line(for: Self.event(kind, verdict), peer: nil, now: now) != nil) == expected, "\(kind) \(verdict)")
        }
        #expect(log.line(for: Self.event(logged: []), peer: nil, now: now) == nil)
        #expect(log.leftOut == 0)
    }

    @Test func whatIsTooMuchIsCounted() {
        var now = ContinuousClock.now
        var log = RuleLog(now: now)
        let burst = Int(NodeAgentLimits.ruleLogBurst)
        var lines = 0
        for _ in 0..<burst + 70 where log.line(for: Self.event(), peer: nil, now: now) != nil { lines += 1 }
        #expect(lines == burst)
        #expect(log.leftOut == 70)
        #expect(log.newlyLeftOut() == 70)
        #expect(log.newlyLeftOut() == nil)
        now += .milliseconds(500)
        lines = 0
        for _ in 0..<1_000 where log.line(for: Self.event(), peer: nil, now: now) != nil { lines += 1 }
        #expect(lines == Int(NodeAgentLimits.ruleLogLinesPerSecond / 2))
        log.takeBack()
        #expect(log.written == UInt64(burst + lines - 1))
        #expect(log.newlyLeftOut() == UInt64(1_000 - lines + 1))
        now += .seconds(1_000)
        #expect(log.line(for: Self.event(), peer: nil, now: now) != nil)
    }

    /// Packets that the kernel told of one by one, and that come as one event, have a line each.
    @Test func everyPacketOfASumHasALine() {
        let now = ContinuousClock.now
        var log = RuleLog(now: now)
        var event = Self.event(.denied, .deny)
        event.reports = 300
        #expect(log.line(for: event, peer: nil, now: now)?.times == 300)
        #expect(log.line(for: event, peer: nil, now: now)?.times == 200)
        #expect(log.line(for: event, peer: nil, now: now) == nil)
        #expect(log.written == 500 && log.leftOut == 400)
    }

    @Test func theAgentWritesThem() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.run {
            try await fixture.put(Objects.endpoint("client", interface: "veth2", address: "10.0.0.2"))
            let revision = try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.0.0.1"))
            _ = await fixture.enforced(revision, Objects.key("web"))
            let count = Int(NodeAgentLimits.ruleLogBurst) + 500
            fixture.dataplane.change { $0.events = Array(repeating: Self.event(.denied, .deny), count: count) }
            var report = await fixture.agent.report().ruleLog
            #expect(
                try await fixture.eventually {
                    report = await fixture.agent.report().ruleLog
                    return report.written + report.leftOut == UInt64(count)
                })
            #expect(report.leftOut > 0)
            var lines: [LoggedLines.Line] = []
            #expect(
                try await fixture.eventually {
                    lines = fixture.logged.lines.filter { $0.message == "log rule" }
                    return lines.count == Int(report.written)
                })
            #expect(lines.allSatisfy { $0.level == .info && $0.metadata["peer"] == "default/client" })
            #expect(
                try await fixture.eventually {
                    fixture.logged.lines.contains { $0.message == "log rules: \(report.leftOut) lines were left out, there were too many at a time" }
                })
            #expect(
                await fixture.agent.report().warnings
                    == ["\(report.leftOut) lines of Log rules were left out: there were too many at a time."])
        }
    }
}
