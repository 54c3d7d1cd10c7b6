import Dataplane
import PolicyModel
import Testing

@testable import FlowLogs

@Suite struct FlowAggregatorTests {
    /// Whatever happens, in whatever order the parts of the report come and wherever windows are cut: each packet is
    /// in exactly one record.
    @Test func everyPacketIsCountedOnce() throws {
        var happenings: [String: Int] = [:]
        for seed in 1...400 as ClosedRange<UInt64> {
            var kernel = KernelModel(seed: seed)
            var aggregator = FlowAggregator(startingAt: 0)
            var split = SplitMix(state: seed &* 31)
            let drains = split.below(12) + 1
            let sweeps = split.below(20) + 1
            let windows = split.below(60) + 1
            var records: [FlowRecord] = []
            for _ in 0..<500 {
                kernel.step()
                if split.below(drains) == 0 { for event in kernel.drain() { aggregator.add(event, resolve: resolve) } }
                if split.below(sweeps) == 0 { for flow in kernel.sweep() { aggregator.add(flow, resolve: resolve) } }
                if split.below(windows) == 0 {
                    // As the agent does: what was swept and not yet drained belongs to the same window.
                    for event in kernel.drain() { aggregator.add(event, resolve: resolve) }
                    records += aggregator.finishWindow(at: kernel.time, wallClockOffset: 0)
                }
            }
            for event in kernel.drain() { aggregator.add(event, resolve: resolve) }
            for flow in kernel.sweep() { aggregator.add(flow, resolve: resolve) }
            records += aggregator.finishWindow(at: kernel.time, wallClockOffset: 0)

            for flow in KernelModel.flows {
                let own = records.filter { $0.sourcePort == flow.tuple.sourcePort }
                #expect(sum(own, .allow) == kernel.allowed[flow, default: FlowCounters()], "seed \(seed), \(flow)")
                #expect(sum(own, .deny) == kernel.denied[flow, default: FlowCounters()], "seed \(seed), \(flow)")
            }
            #expect(records.allSatisfy { $0.startTime <= $0.endTime && $0.reason != nil }, "seed \(seed)")
            #expect(aggregator.overflow == FlowAggregator.Overflow())
            happenings.merge(kernel.happenings, uniquingKeysWith: +)
        }
        print("met:", happenings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        for happening in ["opened", "replaced", "expired", "evicted", "redecided", "cut", "denied", "denied in a cut flow"] {
            #expect(happenings[happening, default: 0] > 100, "\(happening)")
        }
    }

    @Test func recordsCarryWhatIsPending() throws {
        var aggregator = FlowAggregator(startingAt: 0)
        guard case .policy(var decision) = KernelModel.decision(.allow, 0) else { return }
        let staged = PolicyReference(kind: "StagedNetworkPolicy", namespace: "shop", name: "p")
        decision.pending = Decision.Pending(.deny, .endOfTier(tier: "default", triggers: [staged]))
        var opened = event(.opened, at: 100)
        opened.decision = .policy(decision)
        aggregator.add(opened, resolve: resolve)
        // A staged policy goes: the same verdict for the same reason, and nothing pending.
        var redecided = event(.redecided, at: 200)
        redecided.decision = KernelModel.decision(.allow, 0)
        aggregator.add(redecided, resolve: resolve)
        let records = aggregator.finishWindow(at: 1_000, wallClockOffset: 0)
        #expect(records.map(\.pending) == [decision.pending, nil])
        #expect(records.map(\.reason) == [decision.reason, decision.reason])
    }

    @Test func oneRecordAConnectionAndWindow() throws {
        var aggregator = FlowAggregator(startingAt: 0)
        aggregator.add(event(.opened, at: 100), resolve: resolve)
        aggregator.add(snapshot(packets: 3, created: 100, lastSeen: 150), resolve: resolve)
        var first = aggregator.finishWindow(at: 1_000, wallClockOffset: 1_000_000)
        #expect(first.map { $0.account?.counted.packetsOut } == [3])
        first = first.map(withoutAccount)
        #expect(
            first == [
                FlowRecord(
                    startTime: 1_000_100, endTime: 1_001_000, verdict: .allow, direction: .egress,
                    source: EndpointKey(namespace: "shop", name: "web"),
                    destination: EndpointKey(namespace: "bank", name: "database"), sourceAddress: "10.0.0.1",
                    destinationAddress: "10.0.0.2", transport: 6, sourcePort: 40_000, destinationPort: 5_432,
                    packetsOut: 3, bytesOut: 300, packetsIn: 0, bytesIn: 0, reason: reason(0), systemReason: nil,
                    observed: false, begins: true)
            ])
        aggregator.add(snapshot(packets: 3, created: 100, lastSeen: 150), resolve: resolve)
        #expect(aggregator.finishWindow(at: 2_000, wallClockOffset: 0).isEmpty)
        aggregator.add(snapshot(packets: 8, created: 100, lastSeen: 2_500, removed: true), resolve: resolve)
        let last = try #require(aggregator.finishWindow(at: 3_000, wallClockOffset: 0).first)
        #expect(last.packetsOut == 5)
        #expect(!last.begins)
        #expect(last.startTime == 2_000)
        #expect(last.endTime == 2_500)
        _ = aggregator.finishWindow(at: 4_000, wallClockOffset: 0)
        #expect(aggregator.trackedConnections == 0)
    }

    @Test func aNewDecisionStartsARecord() {
        var aggregator = FlowAggregator(startingAt: 0)
        aggregator.add(event(.opened, at: 100), resolve: resolve)
        aggregator.add(snapshot(packets: 3, created: 100, lastSeen: 150), resolve: resolve)
        aggregator.add(event(.redecided, at: 200, decision: .allow, rule: 1), resolve: resolve)
        aggregator.add(snapshot(packets: 5, created: 100, lastSeen: 250, rule: 1), resolve: resolve)
        aggregator.add(event(.redecided, at: 300, decision: .deny, rule: 2), resolve: resolve)
        aggregator.add(event(.denied, at: 300, decision: .deny, rule: 2, packets: 1), resolve: resolve)
        aggregator.add(event(.denied, at: 310, decision: .deny, rule: 2, packets: 1), resolve: resolve)
        aggregator.add(snapshot(packets: 6, created: 100, lastSeen: 310, decision: .deny, rule: 2), resolve: resolve)
        let records = aggregator.finishWindow(at: 1_000, wallClockOffset: 0)
        #expect(records.map(\.verdict) == [.allow, .allow, .deny])
        #expect(records.map(\.reason) == [reason(0), reason(1), reason(2)])
        #expect(records.map(\.packetsOut) == [3, 3, 2])
        #expect(records.map(\.startTime) == [100, 200, 300])
        #expect(records.map(\.endTime) == [200, 1_000, 310])
    }

    /// A kernel that tells a cut only by its re-decision still leaves a trace.
    @Test func aCutIsRecordedBeforeItsPackets() {
        var aggregator = FlowAggregator(startingAt: 0)
        aggregator.add(event(.redecided, at: 300, decision: .deny, rule: 2), resolve: resolve)
        let records = aggregator.finishWindow(at: 1_000, wallClockOffset: 0)
        #expect(records.map(\.verdict) == [.deny])
        #expect(records.map(\.packetsOut) == [0])
    }

    @Test func denialsAreAggregatedByTupleAndReason() {
        var aggregator = FlowAggregator(startingAt: 0)
        for time in 1...10 as ClosedRange<UInt64> {
            aggregator.add(event(.denied, at: time, decision: .deny, rule: 1, packets: 1), resolve: resolve)
        }
        aggregator.add(event(.denied, at: 11, decision: .deny, rule: 2, packets: 1), resolve: resolve)
        let records = aggregator.finishWindow(at: 100, wallClockOffset: 0)
        #expect(records.map(\.packetsOut) == [10, 1])
        #expect(records.map(\.endTime) == [10, 11])
        #expect(aggregator.finishWindow(at: 200, wallClockOffset: 0).isEmpty)
    }

    /// Denials that come summed make the records that they would make one by one, however they are cut.
    @Test func sumsOfDenialsMakeTheSameRecords() {
        var random = SplitMix(state: 11)
        for _ in 0..<200 {
            var single = FlowAggregator(startingAt: 0)
            var summed = FlowAggregator(startingAt: 0)
            var waiting: [Int: ConnectionEvent] = [:]
            for time in 1...60 as ClosedRange<UInt64> {
                let rule = random.below(3)
                let next = event(.denied, at: time, decision: .deny, rule: rule, packets: UInt64(random.below(4) + 1))
                single.add(next, resolve: resolve)
                if var sum = waiting[rule] {
                    sum.counters.add(next.counters)
                    sum.until = time
                    sum.reports += 1
                    waiting[rule] = sum
                } else {
                    waiting[rule] = next
                }
                if random.below(8) == 0 || time == 60 {
                    for event in waiting.values { summed.add(event, resolve: resolve) }
                    waiting = [:]
                }
            }
            #expect(
                summed.finishWindow(at: 100, wallClockOffset: 0) == single.finishWindow(at: 100, wallClockOffset: 0))
        }
    }

    @Test func systemReasonsAndIngress() throws {
        var aggregator = FlowAggregator(startingAt: 0)
        var denial = event(.denied, at: 5, packets: 1)
        denial.decision = .system(.deny, .spoofedSource)
        denial.flow.direction = .ingress
        denial.observed = true
        aggregator.add(denial, resolve: { _ in nil })
        let record = try #require(aggregator.finishWindow(at: 100, wallClockOffset: 0).first)
        #expect(record.systemReason == .spoofedSource)
        #expect(record.reason == nil)
        #expect(record.source == nil)
        #expect(record.destination == EndpointKey(namespace: "shop", name: "web"))
        #expect(record.observed)
    }

    /// What a process before this one has recorded is not recorded again, if it kept no account.
    @Test func olderConnectionsCountFromTheFirstSnapshot() {
        var aggregator = FlowAggregator(startingAt: 1_000)
        aggregator.add(snapshot(packets: 50, created: 100, lastSeen: 900), resolve: resolve)
        #expect(aggregator.finishWindow(at: 2_000, wallClockOffset: 0).isEmpty)
        aggregator.add(snapshot(packets: 53, created: 100, lastSeen: 2_100), resolve: resolve)
        #expect(aggregator.finishWindow(at: 3_000, wallClockOffset: 0).map(\.packetsOut) == [3])
    }

    /// kill -9 again and again: what a window had not recorded, the next process does, and nothing twice. What is told once only
    /// (events that were read, entries that were removed) is recorded here before the kill; it is all that one can lose.
    @Test func everyPacketThatPassedIsCountedOnceOverKills() throws {
        var kills = 0
        var goneOn = 0
        for seed in 1...200 as ClosedRange<UInt64> {
            var kernel = KernelModel(seed: seed)
            var split = SplitMix(state: seed &* 57)
            let since = kernel.time
            var aggregator = FlowAggregator(startingAt: since)
            var records: [FlowRecord] = []
            var accounts: [Int32: (flow: FlowIdentity, account: FlowAccount)] = [:]
            func write(_ new: [FlowRecord]) {
                for record in new {
                    guard let account = record.account,
                        let flow = KernelModel.flows.first(where: { $0.tuple.sourcePort == record.sourcePort })
                    else { continue }
                    accounts[account.number] = (flow, account)
                }
                records += new
            }
            func finish() {
                for event in kernel.drain() { aggregator.add(event, resolve: resolve) }
                for flow in kernel.sweep() { aggregator.add(flow, resolve: resolve) }
                for event in kernel.drain() { aggregator.add(event, resolve: resolve) }
                write(aggregator.finishWindow(at: kernel.time, wallClockOffset: 0))
            }
            for _ in 0..<60 {
                for _ in 0..<split.below(12) { kernel.step() }
                if split.below(3) > 0 { finish() }
                guard split.below(4) == 0 else { continue }
                // It has looked, and nobody will ever know.
                for _ in 0..<split.below(8) { kernel.step() }
                for flow in kernel.look() { aggregator.add(flow, resolve: resolve) }
                var inheritance = FlowInheritance(since: since)
                for (flow, account) in accounts.values { inheritance.accounts[flow, default: []].append(account) }
                goneOn += accounts.values.count(where: { kernel.entries[$0.flow]?.created == $0.account.created })
                aggregator = FlowAggregator(startingAt: kernel.time)
                aggregator.inherit(inheritance)
                kills += 1
            }
            finish()
            for flow in KernelModel.flows {
                let own = records.filter { $0.sourcePort == flow.tuple.sourcePort }
                #expect(sum(own, .allow) == kernel.allowed[flow, default: FlowCounters()], "seed \(seed), \(flow)")
                #expect(sum(own, .deny) == kernel.denied[flow, default: FlowCounters()], "seed \(seed), \(flow)")
            }
        }
        print("\(kills) kills, \(goneOn) connections that went on over one")
        #expect(kills > 1_000 && goneOn > 1_000)
    }

    @Test func accountsComeBackAndNumbersAreUsedAgain() {
        var numbers = AccountNumbers(limit: 4)
        numbers.adopt([0, 2])
        #expect([numbers.take(), numbers.take(), numbers.take()] == [1, 3, nil])
        numbers.give(2)
        #expect(numbers.take() == 2)
    }

    @Test func memoryIsBounded() {
        var aggregator = FlowAggregator(startingAt: 0, trackedLimit: 2, denialLimit: 2)
        for port in 1...4 as ClosedRange<UInt16> {
            var denial = event(.denied, at: 5, decision: .deny, rule: 0, packets: 1)
            denial.flow.tuple.sourcePort = port
            aggregator.add(denial, resolve: resolve)
            var live = snapshot(packets: 7, created: 10, lastSeen: 20)
            live.flow.tuple.sourcePort = port
            aggregator.add(live, resolve: resolve)
        }
        #expect(aggregator.overflow.unrecordedDenials == 2)
        #expect(aggregator.overflow.untrackedReports == 2)
        #expect(aggregator.trackedConnections == 2)
        #expect(aggregator.finishWindow(at: 100, wallClockOffset: 0).count == 4)
        // A connection that never found room is recorded whole when it ends.
        var ended = snapshot(packets: 9, created: 10, lastSeen: 150, removed: true)
        ended.flow.tuple.sourcePort = 4
        aggregator.add(ended, resolve: resolve)
        #expect(aggregator.finishWindow(at: 200, wallClockOffset: 0).map(\.packetsOut) == [9])
    }

    @Test func silentConnectionsAreForgotten() {
        var aggregator = FlowAggregator(startingAt: 0)
        aggregator.add(event(.opened, at: 100), resolve: resolve)
        #expect(aggregator.finishWindow(at: 1_000, wallClockOffset: 0).map(\.packetsOut) == [0])
        #expect(aggregator.trackedConnections == 1)
        _ = aggregator.finishWindow(at: 101 + FlowLimits.forgetUnseenAfterNanoseconds, wallClockOffset: 0)
        #expect(aggregator.trackedConnections == 0)
    }

    // MARK: Fixtures

    private func withoutAccount(_ record: FlowRecord) -> FlowRecord {
        var record = record
        record.account = nil
        return record
    }

    private func sum(_ records: [FlowRecord], _ verdict: Verdict) -> FlowCounters {
        records.filter { $0.verdict == verdict }.reduce(into: FlowCounters()) {
            $0.add(
                FlowCounters(
                    packetsOut: $1.packetsOut, bytesOut: $1.bytesOut, packetsIn: $1.packetsIn, bytesIn: $1.bytesIn))
        }
    }

    private func resolve(_ address: IPAddress) -> EndpointKey? {
        address == IPAddress(v4: 0x0a00_0002) ? EndpointKey(namespace: "bank", name: "database") : nil
    }

    private func reason(_ rule: Int) -> Reason? {
        guard case .policy(let decision) = KernelModel.decision(.allow, rule) else { return nil }
        return decision.reason
    }

    private let flow = FlowIdentity(
        endpoint: EndpointKey(namespace: "shop", name: "web"), direction: .egress,
        tuple: PacketTuple(
            source: IPAddress(v4: 0x0a00_0001), destination: IPAddress(v4: 0x0a00_0002), transport: .tcp,
            sourcePort: 40_000, destinationPort: 5_432))

    private func event(
        _ kind: ConnectionEvent.Kind, at time: UInt64, decision: Verdict = .allow, rule: Int = 0, packets: UInt64 = 0
    ) -> ConnectionEvent {
        ConnectionEvent(
            kind: kind, timestamp: time, flow: flow, decision: KernelModel.decision(decision, rule),
            counters: FlowCounters(packetsOut: packets, bytesOut: packets * 100), observed: false)
    }

    private func snapshot(
        packets: UInt64, created: UInt64, lastSeen: UInt64, decision: Verdict = .allow, rule: Int = 0,
        removed: Bool = false
    ) -> FlowSnapshot {
        FlowSnapshot(
            flow: flow, decision: KernelModel.decision(decision, rule),
            counters: FlowCounters(packetsOut: packets, bytesOut: packets * 100), created: created, lastSeen: lastSeen,
            removed: removed)
    }
}
