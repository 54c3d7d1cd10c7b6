import CBPF
import Foundation
import PolicyEngine
import PolicyModel
import Testing

@testable import BPFDataplane

/// Maps and programs of their own, with one workload (10.0.0.1, fd00::1) on slot 1 behind lo, and the peers 10.0.0.2
/// and fd00::2. Every address is in no set; ingress is decided by stack 10, egress by stack 11.
final class KernelWorld {
    enum Side { case fromWorkload, toWorkload, hostToWorkload }

    enum Verdict: Equatable {
        case passed
        case dropped(UInt32)
        static func dropped(_ reason: bulkhead_system_reason) -> Self { .dropped(reason.rawValue) }
    }

    struct Event: Equatable {
        var kind: UInt32
        var outcome: UInt32
        var direction: UInt32
        var observed: Bool
        var packets: UInt32
        var bytes: UInt64
        var localPort: UInt16
        var peerPort: UInt16
        var slot: UInt32
        var transport: UInt8 = 0
        var typeAndCode: UInt16 = 0
        /// Of a denied packet: the initiator's peer sent it.
        var isReply = false
        /// Of a closed flow.
        var totals: [UInt64] = []
    }

    static let allow = UInt32(300)
    static let deny = UInt32(301)
    static let ingressStack = UInt32(10)
    static let egressStack = UInt32(11)

    let pinDirectory: String
    let kernel: KernelObject
    private var arenaEnd = 1

    init() throws {
        pinDirectory = "/sys/fs/bpf/bulkhead-kernel-test-\(UUID().uuidString)"
        kernel = try KernelObject(pinDirectory: pinDirectory)
        setMeta(BULKHEAD_META_EPOCH, 1)
        setSlot(1, attached: now, flags: 0)
        try kernel.assign(interface: 1, to: 1)
        try kernel.legs.setPayload(1, for: legKey("10.0.0.1"))
        try kernel.legs.setPayload(2, for: legKey("fd00::1"))
        for leg in [UInt32(1), 2] {
            setStack(Self.ingressStack, leg: leg, direction: 0)
            setStack(Self.egressStack, leg: leg, direction: 1)
        }
        try setBase(Self.ingressStack, allowed: true)
        try setBase(Self.egressStack, allowed: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: pinDirectory) }

    // MARK: Tables

    var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    func setMeta(_ index: bulkhead_meta, _ value: UInt64) { kernel.meta.store(value, at: Int(index.rawValue)) }

    func meta(_ index: bulkhead_meta) -> UInt64 { kernel.meta.load(Int(index.rawValue)) }

    func linkLocal(ofSlot slot: UInt32) throws -> bulkhead_link_local {
        var value = bulkhead_link_local()
        var key = slot
        #expect(bulkhead_map_lookup(kernel.linkLocals.raw, &key, &value) == 0)
        return value
    }

    func setLinkLocal(ofSlot slot: UInt32, seen: UInt64) throws {
        var value = try linkLocal(ofSlot: slot)
        var key = slot
        value.seen = seen
        #expect(bulkhead_map_update(kernel.linkLocals.raw, &key, &value, 0) == 0)
    }

    func bumpEpoch() { setMeta(BULKHEAD_META_EPOCH, meta(BULKHEAD_META_EPOCH) + 1) }

    func setSlot(_ slot: Int, attached: UInt64, flags: UInt32, zone: UInt32 = 0) {
        kernel.slots.store(UInt64(flags) << 32 | UInt64(zone), at: slot * 2 + 1)
        kernel.slots.store(attached, at: slot * 2)
    }

    func setStack(_ stack: UInt32, leg: UInt32, direction: Int, generation: Int = 0, bound: UInt32 = 100) {
        kernel.stacks.store(UInt64(bound) << 32 | UInt64(stack), at: Int(leg) * 8 + direction * 4 + generation)
    }

    static func outcome(allowed: Bool) -> UInt32 {
        allowed ? BULKHEAD_OUTCOME_ALLOW << 28 | allow : BULKHEAD_OUTCOME_DENY << 28 | deny
    }

    /// Appends a row and returns its index.
    func row(_ ranges: [(start: UInt32, outcome: UInt32)]) -> UInt32 {
        let index = arenaEnd
        kernel.arena.store(
            contentsOf: [UInt64(ranges.count)] + ranges.map { UInt64($0.outcome) << 32 | UInt64($0.start) }, at: index)
        arenaEnd += ranges.count + 1
        return UInt32(index)
    }

    func setPair(_ stack: UInt32, exact: UInt32 = .max, prefix: UInt32 = .max, row: UInt32) throws {
        try kernel.pairs.setPayload(row, for: bulkhead_pair_key(stack: stack, exact: exact, prefix: prefix))
    }

    func setBase(_ stack: UInt32, allowed: Bool) throws {
        try setPair(stack, row: row([(0, Self.outcome(allowed: allowed))]))
    }

    func setBaseRejecting(_ stack: UInt32) throws {
        try setPair(stack, row: row([(0, BULKHEAD_OUTCOME_REJECT << 28 | Self.deny)]))
    }

    func setExact(_ address: String, _ identity: UInt32) throws {
        let key = bulkhead_exact_key(zone: 0, family: family(address), address: kernelAddress(address))
        try kernel.exact.setPayload(identity, for: key)
    }

    func setPrefix(_ address: String, _ length: UInt32, _ identity: UInt32) throws {
        let key = bulkhead_prefix_key(
            prefixlen: 32 + length, zone_and_family: UInt32(family(address) == 6 ? 1 : 0).bigEndian,
            address: kernelAddress(address))
        try kernel.prefixes.update(key, UInt64(~identity) << 32 | UInt64(identity))
    }

    func legKey(_ address: String, slot: UInt32 = 1) -> bulkhead_leg_key {
        bulkhead_leg_key(slot: slot, family: family(address), address: kernelAddress(address))
    }

    /// Gives addresses that no object names the leg of the workload's own of that version.
    func share(_ kind: SharedLeg, _ version: IPVersion) throws {
        try kernel.legs.setPayload(
            version == .v4 ? 1 : 2, for: bulkhead_leg_key(LegKey(slot: 1, address: kind.address(version))))
    }

    func flowKey(_ transport: UInt8, local: UInt16, peer: UInt16, peerAddress: String = "10.0.0.2") -> bulkhead_flow_key
    {
        bulkhead_flow_key(
            slot: 1, family: UInt8(family(peerAddress)), protocol: transport, local_port: local, peer_port: peer,
            asker: 0, local: kernelAddress(family(peerAddress) == 4 ? "10.0.0.1" : "fd00::1"),
            peer: kernelAddress(peerAddress))
    }

    private func family(_ address: String) -> UInt32 { address.contains(":") ? 6 : 4 }

    func kernelAddress(_ text: String) -> bulkhead_address {
        var result = bulkhead_address()
        withUnsafeMutableBytes(of: &result) { $0.copyBytes(from: KernelPacket.address(text)) }
        return result
    }

    // MARK: Packets

    /// Sends one packet. Asserts that a packet that went on was reported as denied only when observing.
    func send(_ side: Side, _ packet: [UInt8], segments: UInt32 = 0, segmentSize: UInt32 = 0) throws -> Verdict {
        let (verdict, events) = try sendReporting(side, packet, segments: segments, segmentSize: segmentSize)
        let denied = events.filter { $0.kind == BULKHEAD_EVENT_DENIED && !$0.observed }
        if verdict == .passed { #expect(denied.isEmpty) }
        return verdict
    }

    /// The verdict, and the events since the packet before.
    func sendReporting(
        _ side: Side, _ packet: [UInt8], segments: UInt32 = 0, segmentSize: UInt32 = 0
    ) throws -> (verdict: Verdict, events: [Event]) {
        drain { _ in }
        let passed = try run(side, packet, segments: segments, segmentSize: segmentSize).passed
        var events: [Event] = []
        drain { events.append($0) }
        if passed { return (.passed, events) }
        let denial = try #require(events.last { $0.kind == BULKHEAD_EVENT_DENIED }, "a drop without an event")
        #expect([BULKHEAD_OUTCOME_DENY, BULKHEAD_OUTCOME_REJECT].contains(denial.outcome >> 28))
        return (.dropped(denial.outcome & 0x0fff_ffff), events)
    }

    /// One packet with what the program makes of it.
    func rewrite(_ side: Side, _ packet: [UInt8], mark: UInt32 = 0, interface: UInt32 = 1) throws -> TestRun.Result {
        let context = bulkhead_test_context(
            ifindex: interface, ingress_ifindex: side == .hostToWorkload ? 0 : 1, gso_segs: 0, gso_size: 0, mark: mark)
        return side == .fromWorkload
            ? try TestRun.rewrite(program: kernel.fromWorkload, packet: packet, context: context)
            : try TestRun.rewrite(program: kernel.toWorkload, packet: packet, context: context)
    }

    func run(
        _ side: Side, _ packet: [UInt8], segments: UInt32 = 0, segmentSize: UInt32 = 0, repetitions: Int = 1
    ) throws -> TestRun.Result {
        let context = bulkhead_test_context(
            ifindex: 1, ingress_ifindex: side == .hostToWorkload ? 0 : 1, gso_segs: segments, gso_size: segmentSize, mark: 0)
        if side == .fromWorkload {
            return try TestRun.run(
                program: kernel.fromWorkload, packet: packet, context: context, repetitions: repetitions)
        }
        return try TestRun.run(program: kernel.toWorkload, packet: packet, context: context, repetitions: repetitions)
    }

    func drain(_ body: (Event) -> Void) {
        kernel.events.drain { record in
            let event = record.loadUnaligned(as: bulkhead_event.self)
            var result = Event(
                kind: UInt32(event.kind), outcome: event.outcome, direction: UInt32(event.direction),
                observed: event.observed != 0, packets: event.packets, bytes: event.bytes,
                localPort: event.key.local_port, peerPort: event.key.peer_port, slot: event.key.slot,
                transport: event.key.protocol, typeAndCode: event.type_code, isReply: event.reply != 0)
            if result.kind == BULKHEAD_EVENT_CLOSED {
                let closed = record.loadUnaligned(as: bulkhead_closed_event.self)
                result.totals = [closed.packets_out, closed.bytes_out, closed.packets_in, closed.bytes_in]
            }
            body(result)
        }
    }

    func count(_ reason: bulkhead_system_reason) throws -> UInt64 { try kernel.counters.total(reason.rawValue) }

    /// A TCP segment between 10.0.0.1 and 10.0.0.2; the ports are the workload's and the peer's.
    func segment(
        _ side: Side, local: UInt16, peer: UInt16, _ flags: UInt8, sequence: UInt32 = 1000,
        acknowledgement: UInt32 = 0, data: Int = 0
    ) -> [UInt8] {
        if side == .fromWorkload {
            return KernelPacket.ipv4(
                "10.0.0.1", "10.0.0.2", 6,
                KernelPacket.tcp(
                    local, peer, flags, sequence: sequence, acknowledgement: acknowledgement, data: data))
        }
        return KernelPacket.ipv4(
            "10.0.0.2", "10.0.0.1", 6,
            KernelPacket.tcp(peer, local, flags, sequence: sequence, acknowledgement: acknowledgement, data: data))
    }

    func sendSegment(
        _ side: Side, local: UInt16 = 1000, peer: UInt16 = 80, _ flags: UInt8, acknowledgement: UInt32 = 0
    ) throws -> Verdict {
        try send(side, segment(side, local: local, peer: peer, flags, acknowledgement: acknowledgement))
    }

    /// A TCP handshake begun by the workload or by the peer; all three packets must pass.
    func connect(_ initiator: Side, local: UInt16 = 1000, peer: UInt16 = 80) throws {
        let responder: Side = initiator == .fromWorkload ? .toWorkload : .fromWorkload
        let packets = [
            (initiator, segment(initiator, local: local, peer: peer, KernelPacket.syn, sequence: 100)),
            (
                responder,
                segment(responder, local: local, peer: peer, KernelPacket.synAck, sequence: 500, acknowledgement: 101)
            ),
            (
                initiator,
                segment(initiator, local: local, peer: peer, KernelPacket.ack, sequence: 101, acknowledgement: 501)
            ),
        ]
        for (side, packet) in packets { #expect(try send(side, packet) == .passed) }
    }

    func tcpKey(local: UInt16 = 1000, peer: UInt16 = 80) -> bulkhead_flow_key { flowKey(6, local: local, peer: peer) }

    /// Makes an entry look as if its last packet were so long ago.
    func age(_ key: bulkhead_flow_key, seconds: UInt64) throws {
        if var flow = try kernel.flows.lookup(key) {
            flow.last_seen = now &- seconds * 1_000_000_000
            try kernel.flows.update(key, flow)
        }
        if var flow = try kernel.halfOpen.lookup(key) {
            flow.last_seen = now &- seconds * 1_000_000_000
            try kernel.halfOpen.update(key, flow)
        }
    }
}
