import Dataplane
import FlowLogs
import PolicyModel

/// A flow table as the kernel keeps it, moved by random happenings, with the truth beside it.
struct KernelModel {
    struct Entry {
        var created: UInt64
        var lastSeen: UInt64
        var counters = FlowCounters()
        var decision: DecisionSource
        var expired = false
    }

    var random: SplitMix
    var time: UInt64 = 1_000_000_000
    var entries: [FlowIdentity: Entry] = [:]
    var ring: [ConnectionEvent] = []
    var allowed: [FlowIdentity: FlowCounters] = [:]
    var denied: [FlowIdentity: FlowCounters] = [:]
    /// What happened how often, so that a test can show that it met it.
    var happenings: [String: Int] = [:]

    init(seed: UInt64) { random = SplitMix(state: seed) }

    static let flows: [FlowIdentity] = (0..<12).map { index in
        FlowIdentity(
            endpoint: EndpointKey(namespace: "shop", name: "web-\(index % 3)"),
            direction: index.isMultiple(of: 2) ? .egress : .ingress,
            tuple: PacketTuple(
                source: IPAddress(v4: 0x0a00_0001 + UInt32(index % 4)), destination: IPAddress(v4: 0x0a00_0101),
                transport: .tcp, sourcePort: UInt16(40_000 + index), destinationPort: 443))
    }

    static func decision(_ verdict: Verdict, _ index: Int) -> DecisionSource {
        .policy(
            Decision(
                verdict,
                .rule(
                    tier: "default",
                    policy: PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "default.web"), index: index)))
    }

    mutating func step() {
        time += 2_000_000 + random.next() % 50_000_000
        let flow = Self.flows[random.below(Self.flows.count)]
        switch (random.below(10), entries[flow]) {
        case (0, let entry?) where !entry.expired:
            redecide(flow)
        case (1, _?):
            entries[flow]?.expired = true
            note("expired")
        case (2, let entry?):
            // The tuple is used again while its old entry is there.
            report(.closed, flow, entry.decision, entry.counters)
            open(flow)
            note("replaced")
        case (3, let entry?) where entry.expired:
            report(.closed, flow, entry.decision, entry.counters)
            entries[flow] = nil
            note("evicted")
        case (4, nil):
            let size = UInt64(random.below(1_400) + 40)
            deny(flow, Self.decision(.deny, random.below(3)), FlowCounters(packetsOut: 1, bytesOut: size))
            note("denied")
        case (_, nil):
            open(flow)
            note("opened")
        default:
            packets(flow)
        }
    }

    private mutating func open(_ flow: FlowIdentity) {
        let decision = Self.decision(.allow, random.below(3))
        entries[flow] = Entry(created: time, lastSeen: time, decision: decision)
        // The program reads the clock again for the report.
        time += UInt64(random.below(900))
        report(.opened, flow, decision, FlowCounters())
        packets(flow)
    }

    private mutating func redecide(_ flow: FlowIdentity) {
        let next = Self.decision(random.below(2) == 0 ? .allow : .deny, 10 + random.below(3))
        guard entries[flow]?.decision != next else { return }
        entries[flow]?.decision = next
        report(.redecided, flow, next, FlowCounters())
        note(next.verdict == .deny ? "cut" : "redecided")
        packets(flow)
    }

    private mutating func packets(_ flow: FlowIdentity) {
        guard let entry = entries[flow], !entry.expired else { return }
        let more = FlowCounters(
            packetsOut: UInt64(random.below(5) + 1), bytesOut: UInt64(random.below(9_000) + 40),
            packetsIn: UInt64(random.below(5)), bytesIn: UInt64(random.below(9_000)))
        if entry.decision.verdict == .deny {
            deny(flow, entry.decision, more)
            note("denied in a cut flow")
        } else {
            entries[flow]?.counters.add(more)
            entries[flow]?.lastSeen = time
            allowed[flow, default: FlowCounters()].add(more)
            note("packets")
        }
    }

    private mutating func deny(_ flow: FlowIdentity, _ decision: DecisionSource, _ counters: FlowCounters) {
        denied[flow, default: FlowCounters()].add(counters)
        report(.denied, flow, decision, counters)
    }

    private mutating func report(
        _ kind: ConnectionEvent.Kind, _ flow: FlowIdentity, _ decision: DecisionSource, _ counters: FlowCounters
    ) {
        ring.append(
            ConnectionEvent(
                kind: kind, timestamp: time, flow: flow, decision: decision, counters: counters, observed: false,
                created: kind == .closed ? entries[flow]?.created : nil))
    }

    mutating func drain() -> [ConnectionEvent] {
        defer { ring = [] }
        return ring
    }

    mutating func sweep() -> [FlowSnapshot] {
        let snapshots = look(removing: true)
        entries = entries.filter { !$0.value.expired }
        return snapshots
    }

    func look(removing: Bool = false) -> [FlowSnapshot] {
        entries.map { flow, entry in
            FlowSnapshot(
                flow: flow, decision: entry.decision, counters: entry.counters, created: entry.created,
                lastSeen: entry.lastSeen, removed: removing && entry.expired)
        }
    }

    private mutating func note(_ happening: String) { happenings[happening, default: 0] += 1 }
}

struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

extension FlowCounters {
    mutating func add(_ other: FlowCounters) {
        packetsOut += other.packetsOut
        bytesOut += other.bytesOut
        packetsIn += other.packetsIn
        bytesIn += other.bytesIn
    }
}
