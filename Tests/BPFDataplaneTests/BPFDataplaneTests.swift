import CBPF
import Dataplane
import Foundation
import Glibc
import PolicyEngine
import PolicyModel
import Testing

@testable import BPFDataplane

/// Real packets through real hooks; needs root.
@Suite(.serialized) struct BPFDataplaneTests {
    static let a = EndpointKey(namespace: "lab", name: "a")
    static let b = EndpointKey(namespace: "lab", name: "b")
    static let addressA = IPAddress(v4: 0x0a4d_0002)
    static let addressB = IPAddress(v4: 0x0a4e_0002)
    static let allow = DecisionID(rawValue: 1)
    static let deny = DecisionID(rawValue: 2)

    /// Everything is allowed, but what `denied` sends to b.
    static func program(_ lab: PacketLab, revision: Int64, denied: IdentityID?, aIs: IdentityID) throws -> NodeProgram {
        var tables = VerdictTables()
        tables.decisions = [
            allow: Decision(.allow, .profile(name: "kns.lab", index: 0)),
            deny: Decision(
                .deny,
                .rule(
                    tier: "default", policy: PolicyReference(kind: "NetworkPolicy", namespace: "lab", name: "wall"),
                    index: 0)),
        ]
        tables.rows = [
            RowID(rawValue: 1): Row(ranges: [.init(start: 0, outcome: .decide(allow))]),
            RowID(rawValue: 2): Row(ranges: [.init(start: 0, outcome: .decide(deny))]),
        ]
        tables.exact = [addressA: aIs, addressB: IdentityID(rawValue: 9)]
        let open = StackID(rawValue: 1)
        let walled = StackID(rawValue: 10 + (denied?.rawValue ?? 0))
        tables.stacks[open] = Stack(base: RowID(rawValue: 1))
        tables.stacks[walled] = Stack(
            base: RowID(rawValue: 1),
            exact: denied.map { [$0: RowID(rawValue: 2)] } ?? [:])
        tables.legs = [
            Leg(endpoint: a, address: addressA): .init(ingress: open, egress: open),
            Leg(endpoint: b, address: addressB): .init(ingress: walled, egress: open),
        ]
        return NodeProgram(
            revision: revision, tables: tables,
            attachments: [
                a: .init(interfaceName: "va", interfaceIndex: try lab.index("va")),
                b: .init(interfaceName: "vb", interfaceIndex: try lab.index("vb")),
            ])
    }

    static func dataplane(_ lab: PacketLab, _ adjust: (inout BPFDataplane.Configuration) -> Void = { _ in }) throws
        -> BPFDataplane
    {
        var configuration = BPFDataplane.Configuration(pinDirectory: lab.pins, stateDirectory: lab.state)
        adjust(&configuration)
        return try BPFDataplane(configuration: configuration)
    }

    static let friend = IdentityID(rawValue: 4)
    static let stranger = IdentityID(rawValue: 5)

    @Test func aRuleAndAPeersLabelReachLiveTraffic() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            #expect(lab.ping())
            let first = try dataplane.apply(Self.program(lab, revision: 1, denied: nil, aIs: Self.friend))
            #expect(first.failures == [:])
            #expect(lab.ping())
            _ = try dataplane.apply(Self.program(lab, revision: 2, denied: Self.stranger, aIs: Self.friend))
            #expect(lab.ping())
            let relabelled = try dataplane.apply(Self.program(lab, revision: 3, denied: Self.stranger, aIs: Self.stranger))
            #expect(!lab.ping())
            #expect(relabelled.mapWrites < 30, "\(relabelled.mapWrites)")
            var denied: [ConnectionEvent] = []
            try dataplane.drainEvents { if $0.kind == .denied { denied.append($0) } }
            let event = try #require(denied.last)
            #expect(event.flow.endpoint == Self.b)
            #expect(event.flow.direction == .ingress)
            #expect(event.flow.tuple.source == Self.addressA)
            guard case .policy(let decision) = event.decision, case .rule(_, let policy, 0) = decision.reason else {
                Issue.record("\(event.decision)")
                return
            }
            #expect(policy.name == "wall")
            _ = try dataplane.apply(Self.program(lab, revision: 4, denied: Self.stranger, aIs: Self.friend))
            #expect(lab.ping())
            let status = try dataplane.status()
            #expect(status.revision == 4)
            #expect(status.warnings == [])
            #expect(status.policed.count == 2)
        }
    }

    /// A workload that floods must not keep the one thread from the next change of policy.
    @Test func aFloodOfDenialsIsReadInBoundedPortions() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            _ = try dataplane.apply(Self.program(lab, revision: 1, denied: Self.friend, aIs: Self.friend))
            let sent = 5000
            _ = try shell("nsenter --net=/run/netns/\(lab.namespace("a")) ping -n -q -l 5000 -W 0.1 -c \(sent) 10.78.0.2 || true")
            var portions: [UInt64] = []
            var events = 0
            var hasMore = true
            while hasMore {
                var reports: UInt64 = 0
                hasMore = try dataplane.drainEvents { event in
                    guard event.kind == .denied else { return }
                    events += 1
                    reports += event.reports
                    #expect(event.counters.packetsOut == event.reports && event.counters.bytesOut == 84 * event.reports)
                    #expect(event.until >= event.timestamp)
                }
                portions.append(reports)
            }
            let lost = try dataplane.status().eventsLost
            #expect(portions.allSatisfy { $0 <= KernelLimits.reportsPerDrain }, "\(portions)")
            #expect(portions.reduce(0, +) == UInt64(sent), "\(portions), \(lost) lost")
            // They are all alike.
            #expect(events <= portions.count, "\(events) events in \(portions.count) portions")
        }
    }

    /// A connection without a packet is told of until a sweep has surely told of its last one, and then again when it has
    /// another, when it is asked for, and when it goes.
    @Test func quietFlowsAreNotToldAgain() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            _ = try dataplane.apply(Self.program(lab, revision: 1, denied: nil, aIs: Self.friend))
            #expect(lab.ping())
            func told(includingQuiet: Bool = false) throws -> [FlowSnapshot] {
                var told: [FlowSnapshot] = []
                try dataplane.sweep(includingQuiet: includingQuiet) { told.append($0) }
                return told
            }
            let first = try told()
            #expect(!first.isEmpty)
            #expect(try told().count == first.count, "its packet could be newer than what the sweep before saw")
            usleep(1_200_000)
            #expect(try told().count == first.count)
            #expect(try told().isEmpty)
            #expect(try dataplane.status().maps.first { $0.name == "half_open" || $0.name == "flows" && $0.used > 0 }?.used ?? 0 > 0)
            #expect(try told(includingQuiet: true).map(\.counters) == first.map(\.counters))
            #expect(lab.ping())
            #expect(try !told().isEmpty)
            usleep(1_200_000)
            _ = try told()
            #expect(try told().isEmpty)
            // What goes is told of.
            _ = try dataplane.apply(NodeProgram(revision: 2, tables: VerdictTables(), attachments: [:]))
            var removed = 0
            for _ in 0..<10 where removed == 0 {
                usleep(100_000)
                removed += try told().filter(\.removed).count
            }
            #expect(removed >= first.count)
        }
    }

    /// Records that end behind the ring's end come whole. 8 MB of records of 88 bytes do not divide evenly.
    @Test func eventsComeWholeWhereTheRingBeginsAnew() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            _ = try dataplane.apply(Self.program(lab, revision: 1, denied: Self.friend, aIs: Self.friend))
            // A ring is 95,325 records.
            let rounds = 25
            let each: UInt64 = 8_000
            var told: UInt64 = 0
            for _ in 0..<rounds {
                _ = try shell("nsenter --net=/run/netns/\(lab.namespace("a")) ping -n -q -l \(each) -W 0.05 -c \(each) 10.78.0.2 || true")
                try dataplane.drain { event in
                    guard event.kind == .denied else { return }
                    #expect(event.flow.endpoint == Self.b && event.flow.tuple.source == Self.addressA)
                    #expect(event.counters.bytesOut == 84 * event.reports && event.timestamp > 0)
                    told += event.reports
                }
            }
            #expect(told == UInt64(rounds) * each)
            #expect(told * 88 > 2 * UInt64(BULKHEAD_EVENTS_BYTES))
            #expect(try dataplane.status().eventsLost == 0)
        }
    }

    @Test func anotherAgentAdoptsWithoutLosingAPacket() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            var dataplane: BPFDataplane? = try Self.dataplane(lab)
            _ = try dataplane?.apply(Self.program(lab, revision: 1, denied: Self.stranger, aIs: Self.friend))
            #expect(throws: BPFDataplaneError.self) { try Self.dataplane(lab) }
            let flood = Process()
            flood.executableURL = URL(fileURLWithPath: "/usr/bin/nsenter")
            flood.arguments = [
                "--net=/run/netns/" + lab.namespace("a"), "ping", "-n", "-q", "-i", "0.002", "-c", "2000", "10.78.0.2",
            ]
            let output = Pipe()
            flood.standardOutput = output
            try flood.run()
            for revision in Int64(2)...6 {
                dataplane = nil
                dataplane = try Self.dataplane(lab)
                _ = try dataplane?.apply(Self.program(lab, revision: revision, denied: Self.stranger, aIs: Self.friend))
                usleep(200_000)
                try dataplane?.sweep { _ in }
            }
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            flood.waitUntilExit()
            #expect(text.contains("2000 received, 0% packet loss"), "\(text)")
            _ = try dataplane?.apply(Self.program(lab, revision: 7, denied: Self.stranger, aIs: Self.stranger))
            #expect(!lab.ping())
        }
    }

    @Test func releaseLeavesNothing() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            _ = try dataplane.apply(Self.program(lab, revision: 1, denied: Self.friend, aIs: Self.friend))
            #expect(!lab.ping())
            let before = ContinuousClock.now
            let released = try Release.release(pinDirectory: lab.pins, stateDirectory: lab.state, interface: nil)
            #expect(ContinuousClock.now - before < .seconds(1))
            #expect(released.sorted() == ["va", "vb"])
            #expect(lab.ping())
            #expect(try shell("ip netns exec \(lab.router) tc qdisc show | grep -c clsact || true") == "0\n")
            #expect(!FileManager.default.fileExists(atPath: lab.pins))
            #expect(try Release.release(pinDirectory: lab.pins, stateDirectory: lab.state, interface: nil) == [])
            #expect(throws: BPFDataplaneError.released) {
                try dataplane.apply(Self.program(lab, revision: 2, denied: Self.friend, aIs: Self.friend))
            }
            #expect(lab.ping())
        }
    }

    @Test func aFullMapLeavesThePolicyBefore() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab) { $0.limits.pairs = 4 }
            _ = try dataplane.apply(Self.program(lab, revision: 1, denied: Self.friend, aIs: Self.friend))
            #expect(!lab.ping())
            var large = try Self.program(lab, revision: 2, denied: nil, aIs: Self.friend)
            let stack = StackID(rawValue: 77)
            large.tables.stacks[stack] = Stack(base: RowID(rawValue: 1))
            for number in Int32(20)..<30 {
                large.tables.exact[IPAddress(v4: UInt32(number))] = IdentityID(rawValue: number)
                large.tables.stacks[stack]?.exact[IdentityID(rawValue: number)] = RowID(rawValue: 2)
            }
            large.tables.legs[Leg(endpoint: Self.b, address: Self.addressB)] = .init(ingress: stack, egress: stack)
            let error = #expect(throws: TransitionError.self) { try dataplane.apply(large) }
            #expect(error?.description.contains("\"pairs\" has room for 4 entries") == true)
            #expect(!lab.ping())
            #expect(try dataplane.status().revision == 1)
        }
    }

    @Test func theLimitOfInterfacesIsTheOneThatIsTold() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab) { $0.limits.slots = 2 }
            let program = try Self.program(lab, revision: 1, denied: nil, aIs: Self.friend)
            #expect(throws: BPFDataplaneError.tooManyEndpoints(capacity: 1)) { try dataplane.apply(program) }
            #expect(try dataplane.status().maps.first { $0.name == "slots" }?.capacity == 1)
        }
    }

    @Test func numbersThatRunOutLeaveThePolicyBefore() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            // The stacks and the identities of this program are the last for which there are numbers.
            let before = dataplane.state.nextNumber
            _ = try dataplane.apply(Self.program(lab, revision: 1, denied: Self.friend, aIs: Self.friend))
            #expect(!lab.ping())
            #expect(dataplane.state.nextNumber > before)
            dataplane.state.nextNumber = KernelState.numberLimit
            // Another base row takes another stack.
            var other = try Self.program(lab, revision: 2, denied: Self.stranger, aIs: Self.friend)
            for id in other.tables.stacks.keys where other.tables.stacks[id]?.exact.isEmpty == false {
                other.tables.stacks[id] = Stack(base: RowID(rawValue: 2))
            }
            let error = #expect(throws: TransitionError.numbersExhausted(limit: KernelState.numberLimit - 1)) {
                try dataplane.apply(other)
            }
            #expect(error?.description.contains("release --all") == true)
            #expect(!lab.ping())
            #expect(try dataplane.status().revision == 1)
            // What needs no number is still possible.
            _ = try dataplane.apply(Self.program(lab, revision: 3, denied: Self.friend, aIs: Self.friend))
            #expect(try dataplane.status().revision == 3)
        }
    }

    @Test func decisionsThatRunOutAreRefused() throws {
        let path = "/tmp/decisions-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var log = try DecisionLog(path: path, next: DecisionLog.last) { _ in true }
        func decision(_ index: Int) -> Decision { Decision(.allow, .profile(name: "kns.lab", index: index)) }
        #expect(throws: BPFDataplaneError.decisionsExhausted(limit: DecisionLog.last - DecisionLog.first + 1)) {
            _ = try log.numbers(of: [Self.allow: decision(0), Self.deny: decision(1)])
        }
        #expect(try log.numbers(of: [Self.allow: decision(0)]) == [Self.allow: DecisionLog.last])
        #expect(log.source(outcome: KernelOutcome.allow(DecisionLog.last).word) == .policy(decision(0)))
        #expect(throws: BPFDataplaneError.self) { _ = try log.numbers(of: [Self.deny: decision(1)]) }
        #expect(try log.numbers(of: [Self.deny: decision(0)]) == [Self.deny: DecisionLog.last])
        // The number stands on disk for the agent after this one, which has none left either.
        var later = try DecisionLog(path: path, next: 0) { _ in true }
        #expect(try later.numbers(of: [Self.allow: decision(0)]) == [Self.allow: DecisionLog.last])
        #expect(throws: BPFDataplaneError.self) { _ = try later.numbers(of: [Self.deny: decision(1)]) }
    }

    @Test(arguments: ["filter del dev vb egress", "qdisc del dev vb clsact", "filter del dev vb ingress"])
    func hooksThatAnotherToolRemovesComeBack(removal: String) async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            _ = try dataplane.apply(Self.program(lab, revision: 1, denied: Self.friend, aIs: Self.friend))
            #expect(dataplane.maintain() == [])
            #expect(!lab.ping())
            try shell("nsenter --net=/run/netns/\(lab.router) tc \(removal)")
            let told = dataplane.maintain()
            #expect(told.count == 1)
            #expect(told.first?.contains("interface vb had lost its hooks since 20") == true, "\(told)")
            #expect(!lab.ping())
            let hooks = try shell(
                "for h in ingress egress; do nsenter --net=/run/netns/\(lab.router) tc filter show dev vb $h; done")
            #expect(hooks.contains(Hooks.toWorkload) && hooks.contains(Hooks.fromWorkload))
            #expect(dataplane.maintain() == [])
            let warnings = try dataplane.status().warnings
            #expect(warnings.count == 1)
            #expect(warnings.first?.contains("attached again 1 times") == true, "\(warnings)")
        }
    }

    @Test func statusMendsToo() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            _ = try dataplane.apply(Self.program(lab, revision: 1, denied: Self.friend, aIs: Self.friend))
            try shell("nsenter --net=/run/netns/\(lab.router) tc qdisc del dev vb clsact")
            #expect(lab.ping())
            #expect(try dataplane.status().warnings.contains { $0.contains("attached again 1 times") })
            #expect(!lab.ping())
            // The log hears of it at the next round.
            #expect(dataplane.maintain().count == 1)
        }
    }

    @Test func whatWasReleasedOrIsGoneIsNotMended() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            _ = try dataplane.apply(Self.program(lab, revision: 1, denied: Self.friend, aIs: Self.friend))
            try Release.release(pinDirectory: lab.pins, stateDirectory: lab.state, interface: "vb")
            #expect(dataplane.maintain() == [])
            #expect(lab.ping())
            try shell("ip -n \(lab.router) link del va")
            #expect(dataplane.maintain() == [])
            #expect(try dataplane.status().warnings.filter { $0.contains("attached again") } == [])
        }
    }

    @Test func everyInterfaceIsLookedAtInTurn() {
        var losses = HookLosses()
        let keys = (0..<10).map { EndpointKey(namespace: "lab", name: "e\($0)") }
        var looked: [EndpointKey] = []
        for _ in 0..<3 { looked += losses.next(4, of: keys) }
        #expect(looked.sorted() == keys)
        #expect(losses.next(4, of: keys).count == 4)
    }

    @Test func anEndpointThatLeavesIsLetGo() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            var program = try Self.program(lab, revision: 1, denied: Self.friend, aIs: Self.friend)
            _ = try dataplane.apply(program)
            #expect(!lab.ping())
            program.attachments[Self.b] = nil
            program.tables.legs = program.tables.legs.filter { $0.key.endpoint != Self.b }
            _ = try dataplane.apply(program)
            #expect(lab.ping())
            #expect(try dataplane.status().policed.count == 1)
        }
    }
}
