import CBPF
import Testing

@testable import BPFDataplane

extension KernelTests {
    @Suite struct Flows {
        typealias P = KernelPacket
        typealias W = KernelWorld

        @Test(arguments: [W.Side.fromWorkload, .toWorkload])
        func aConnectionIsConfirmedByTheHandshake(initiator: W.Side) throws {
            let world = try KernelWorld()
            let responder: W.Side = initiator == .fromWorkload ? .toWorkload : .fromWorkload
            let key = world.tcpKey()
            // Only the initiator's direction is open: everything else passes as part of the flow.
            try world.setBase(initiator == .fromWorkload ? W.ingressStack : W.egressStack, allowed: false)
            let (verdict, events) = try world.sendReporting(
                initiator, world.segment(initiator, local: 1000, peer: 80, P.syn, sequence: 100))
            #expect(verdict == .passed)
            #expect(events.map(\.kind) == [BULKHEAD_EVENT_OPENED])
            #expect(events.map(\.direction) == [initiator == .fromWorkload ? 1 : 0])
            #expect(events.map(\.outcome) == [W.outcome(allowed: true)])
            #expect(try world.kernel.halfOpen.lookup(key) != nil)
            let answer = world.segment(
                responder, local: 1000, peer: 80, P.synAck, sequence: 500, acknowledgement: 101)
            #expect(try world.send(responder, answer) == .passed)
            // An acknowledgement of a number that was never sent does not confirm.
            #expect(try world.sendSegment(initiator, P.ack, acknowledgement: 77) == .passed)
            #expect(try world.kernel.flows.lookup(key) == nil)
            #expect(try world.sendSegment(initiator, P.ack, acknowledgement: 501) == .passed)
            #expect(try world.kernel.halfOpen.lookup(key) == nil)
            let flow = try #require(try world.kernel.flows.lookup(key))
            #expect([flow.packets_out, flow.bytes_out, flow.packets_in, flow.bytes_in] == [3, 120, 1, 40])
            #expect(try world.sendSegment(responder, P.ack) == .passed)
            #expect(try world.kernel.flows.lookup(key)?.packets_in == 2)
        }

        @Test(arguments: [W.Side.fromWorkload, .toWorkload])
        func aChangeCutsAndReleasesALiveConnection(initiator: W.Side) throws {
            let world = try KernelWorld()
            let stack = initiator == .fromWorkload ? W.egressStack : W.ingressStack
            try world.connect(initiator)
            for talker in [W.Side.fromWorkload, .toWorkload] {
                // Another commit that changes nothing for this flow.
                world.bumpEpoch()
                var (verdict, events) = try world.sendReporting(
                    talker, world.segment(talker, local: 1000, peer: 80, P.ack))
                #expect(verdict == .passed)
                #expect(events.isEmpty)

                try world.setBase(stack, allowed: false)
                #expect(try world.sendSegment(talker, P.ack) == .passed)
                world.bumpEpoch()
                (verdict, events) = try world.sendReporting(
                    talker, world.segment(talker, local: 1000, peer: 80, P.ack))
                #expect(verdict == .dropped(W.deny))
                #expect(events.map(\.kind) == [BULKHEAD_EVENT_REDECIDED, BULKHEAD_EVENT_DENIED])
                #expect(try world.sendSegment(.fromWorkload, P.ack) == .dropped(W.deny))
                #expect(try world.sendSegment(.toWorkload, P.ack) == .dropped(W.deny))
                let cut = try #require(try world.kernel.flows.lookup(world.tcpKey()))
                #expect(UInt32(cut.word >> 32) & BULKHEAD_FLOW_CUT != 0)

                try world.setBase(stack, allowed: true)
                world.bumpEpoch()
                (verdict, events) = try world.sendReporting(
                    talker, world.segment(talker, local: 1000, peer: 80, P.ack))
                #expect(verdict == .passed)
                #expect(events.map(\.kind) == [BULKHEAD_EVENT_REDECIDED])
                #expect(try world.sendSegment(.fromWorkload, P.ack) == .passed)
                #expect(try world.sendSegment(.toWorkload, P.ack) == .passed)
            }
        }

        /// Whoever sent the packet, a denial names the connection as its initiator began it.
        @Test(arguments: [W.Side.fromWorkload, .toWorkload])
        func aDenialInACutConnectionNamesItsInitiator(initiator: W.Side) throws {
            let world = try KernelWorld()
            let direction: UInt32 = initiator == .fromWorkload ? 1 : 0
            try world.connect(initiator)
            try world.setBase(initiator == .fromWorkload ? W.egressStack : W.ingressStack, allowed: false)
            world.bumpEpoch()
            // At the second packet of each the decision is remembered.
            for talker in [W.Side.fromWorkload, .toWorkload, .fromWorkload, .toWorkload] {
                let (_, events) = try world.sendReporting(
                    talker, world.segment(talker, local: 1000, peer: 80, P.ack))
                let denial = try #require(events.last)
                #expect(denial.kind == BULKHEAD_EVENT_DENIED)
                #expect(denial.direction == direction)
                #expect(denial.isReply == (talker != initiator))
                #expect(denial.outcome == W.outcome(allowed: false))
            }
            // An ICMP error about it is a packet of the connection too.
            let quoted = P.packet(of: world.segment(.fromWorkload, local: 1000, peer: 80, P.ack))
            let (_, events) = try world.sendReporting(
                .toWorkload, P.ipv4("10.0.0.2", "10.0.0.1", 1, P.icmp(3, 1, rest: quoted)))
            let denial = try #require(events.last)
            #expect([denial.direction, UInt32(denial.transport)] == [direction, 6])
            #expect([denial.localPort, denial.peerPort] == [1000, 80])
            #expect(denial.isReply == (initiator == .fromWorkload))
        }

        @Test func aDeniedEchoReplyNamesTheRequest() throws {
            let world = try KernelWorld()
            let request = P.ipv4("10.0.0.1", "10.0.0.2", 1, P.icmp(8, 0, identifier: 9))
            #expect(try world.send(.fromWorkload, request) == .passed)
            try world.setBase(W.egressStack, allowed: false)
            world.bumpEpoch()
            let (_, events) = try world.sendReporting(
                .toWorkload, P.ipv4("10.0.0.2", "10.0.0.1", 1, P.icmp(0, 0, identifier: 9)))
            let denial = try #require(events.last)
            #expect(denial.kind == BULKHEAD_EVENT_DENIED)
            #expect(denial.direction == 1)
            #expect(denial.isReply)
            #expect(denial.typeAndCode == 8 << 8)
        }

        @Test func aFlowWhoseAddressWasTakenAwayIsDropped() throws {
            let world = try KernelWorld()
            try world.connect(.fromWorkload)
            try world.kernel.legs.delete(world.legKey("10.0.0.1"))
            world.bumpEpoch()
            #expect(try world.sendSegment(.fromWorkload, P.ack) == .dropped(BULKHEAD_SPOOFED_SOURCE))
            #expect(try world.sendSegment(.toWorkload, P.ack) == .dropped(BULKHEAD_NOT_ITS_ADDRESS))
            try world.kernel.legs.setPayload(1, for: world.legKey("10.0.0.1"))
            #expect(try world.sendSegment(.toWorkload, P.ack) == .passed)
        }

        @Test func aBareSYNIsNeverAReply() throws {
            let world = try KernelWorld()
            try world.setBase(W.ingressStack, allowed: false)
            try world.connect(.fromWorkload)
            #expect(try world.sendSegment(.toWorkload, P.syn) == .dropped(W.deny))
            // The old connection is left alone.
            #expect(try world.sendSegment(.toWorkload, P.ack) == .passed)
            // Allowed, it replaces the connection, and then the peer's direction counts.
            try world.setBase(W.ingressStack, allowed: true)
            let (verdict, events) = try world.sendReporting(
                .toWorkload, world.segment(.toWorkload, local: 1000, peer: 80, P.syn))
            #expect(verdict == .passed)
            #expect(events.map(\.kind) == [BULKHEAD_EVENT_CLOSED, BULKHEAD_EVENT_OPENED])
            #expect(events[0].totals == [2, 80, 2, 80])
            #expect(events.map(\.direction) == [1, 0])
            #expect(try world.kernel.flows.lookup(world.tcpKey()) == nil)
        }

        @Test func aSYNAfterTheEndBeginsAnew() throws {
            let world = try KernelWorld()
            for flags in [P.finAck, P.rst] {
                try world.connect(.fromWorkload)
                #expect(try world.sendSegment(.toWorkload, flags) == .passed)
                #expect(try world.kernel.flows.lookup(world.tcpKey()) != nil)
                let (verdict, events) = try world.sendReporting(
                    .fromWorkload, world.segment(.fromWorkload, local: 1000, peer: 80, P.syn))
                #expect(verdict == .passed)
                #expect(events.map(\.kind) == [BULKHEAD_EVENT_CLOSED, BULKHEAD_EVENT_OPENED])
                try world.setBase(W.egressStack, allowed: false)
                try world.age(world.tcpKey(), seconds: 61)
                #expect(try world.sendSegment(.fromWorkload, P.syn) == .dropped(W.deny))
                try world.setBase(W.egressStack, allowed: true)
            }
        }

        @Test func aForgedResetDoesNotEndAConnection() throws {
            let world = try KernelWorld()
            try world.connect(.fromWorkload)
            #expect(try world.sendSegment(.toWorkload, P.rst) == .passed)
            #expect(try world.sendSegment(.toWorkload, P.ack) == .passed)
            let state = try #require(try world.kernel.flows.lookup(world.tcpKey())).state
            #expect(UInt32(state) & BULKHEAD_STATE_RST == 0)
            try world.age(world.tcpKey(), seconds: 3600)
            #expect(try world.sendSegment(.toWorkload, P.ack) == .passed)
        }

        @Test func timeouts() throws {
            let world = try KernelWorld()
            try world.setBase(W.ingressStack, allowed: false)
            // A reply passes just before the end and not after it.
            func udp(_ side: W.Side) throws -> W.Verdict {
                try world.send(
                    side,
                    side == .fromWorkload
                        ? P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(5, 53))
                        : P.ipv4("10.0.0.2", "10.0.0.1", 17, P.udp(53, 5)))
            }
            let key = world.flowKey(17, local: 5, peer: 53)
            #expect(try udp(.fromWorkload) == .passed)
            try world.age(key, seconds: 29)
            #expect(try udp(.toWorkload) == .passed)
            #expect(try world.kernel.flows.lookup(key) != nil)
            try world.age(key, seconds: 179)
            #expect(try udp(.toWorkload) == .passed)
            try world.age(key, seconds: 181)
            #expect(try udp(.toWorkload) == .dropped(W.deny))
            #expect(try udp(.fromWorkload) == .passed)
            try world.age(key, seconds: 31)
            #expect(try udp(.toWorkload) == .dropped(W.deny))

            try world.connect(.fromWorkload)
            try world.age(world.tcpKey(), seconds: 86_000)
            #expect(try world.sendSegment(.toWorkload, P.ack) == .passed)
            try world.age(world.tcpKey(), seconds: 86_401)
            #expect(try world.sendSegment(.toWorkload, P.ack) == .dropped(BULKHEAD_MID_STREAM))
        }

        @Test func midStream() throws {
            let world = try KernelWorld()
            try world.setBase(W.ingressStack, allowed: false)
            world.setSlot(1, attached: world.now &- 60_000_000_000, flags: 0)
            #expect(try world.sendSegment(.fromWorkload, P.rst) == .dropped(BULKHEAD_MID_STREAM))
            #expect(try world.sendSegment(.fromWorkload, P.synAck) == .dropped(BULKHEAD_MID_STREAM))
            // The peer may not begin, and outside the window nobody asks whether the workload may have.
            #expect(try world.sendSegment(.toWorkload, P.ack) == .dropped(BULKHEAD_MID_STREAM))
            world.setMeta(BULKHEAD_META_ADOPTION, 3_600_000_000_000)
            let (verdict, events) = try world.sendReporting(
                .toWorkload, world.segment(.toWorkload, local: 1000, peer: 80, P.ack))
            #expect(verdict == .passed)
            #expect(events.map(\.kind) == [BULKHEAD_EVENT_ADOPTED])
            #expect(events.map(\.direction) == [1])
            // The responder's packet made it, so it is confirmed by the next.
            #expect(try world.sendSegment(.toWorkload, P.ack) == .passed)
            #expect(try world.kernel.flows.lookup(world.tcpKey()) != nil)
            // What policy denies either way is not learnt.
            try world.setBase(W.egressStack, allowed: false)
            #expect(try world.sendSegment(.toWorkload, local: 7, P.ack) == .dropped(BULKHEAD_MID_STREAM))
            try world.setBase(W.egressStack, allowed: true)
            world.setMeta(BULKHEAD_META_ADOPTION, 0)
            // The sender may begin: learnt at any time.
            #expect(try world.sendSegment(.fromWorkload, local: 8, P.ack) == .passed)
            #expect(try world.kernel.flows.lookup(world.tcpKey(local: 8)) == nil)
            #expect(try world.sendSegment(.toWorkload, local: 8, P.ack) == .passed)
            #expect(try world.kernel.flows.lookup(world.tcpKey(local: 8)) != nil)
            #expect(try world.kernel.counters.total(BULKHEAD_COUNTER_ADOPTED.rawValue) == 2)
        }

        @Test func theHostReachesItsWorkloadAndNobodyInItsName() throws {
            let world = try KernelWorld()
            try world.setBase(W.ingressStack, allowed: false)
            try world.setBase(W.egressStack, allowed: false)
            #expect(try world.sendSegment(.hostToWorkload, P.syn) == .passed)
            #expect(try world.sendSegment(.fromWorkload, P.synAck) == .passed)
            world.bumpEpoch()
            #expect(try world.sendSegment(.hostToWorkload, P.ack, acknowledgement: 1001) == .passed)
            #expect(try world.kernel.flows.lookup(world.tcpKey()) != nil)
            #expect(try world.sendSegment(.fromWorkload, P.ack) == .passed)
            // The same tuple, from another interface.
            #expect(try world.sendSegment(.toWorkload, P.ack) == .dropped(BULKHEAD_MID_STREAM))
            #expect(try world.sendSegment(.toWorkload, P.syn) == .dropped(W.deny))
            #expect(try world.sendSegment(.fromWorkload, P.ack) == .passed)
        }

        @Test func pingsAndTheirAnswers() throws {
            let world = try KernelWorld()
            try world.setBase(W.ingressStack, allowed: false)
            func send(_ side: W.Side, _ type: UInt8, _ identifier: UInt16 = 9) throws -> W.Verdict {
                try world.send(
                    side,
                    side == .fromWorkload
                        ? P.ipv4("10.0.0.1", "10.0.0.2", 1, P.icmp(type, 0, identifier: identifier))
                        : P.ipv4("10.0.0.2", "10.0.0.1", 1, P.icmp(type, 0, identifier: identifier)))
            }
            func send6(_ side: W.Side, _ type: UInt8) throws -> W.Verdict {
                try world.send(
                    side,
                    side == .fromWorkload
                        ? P.ipv6("fd00::1", "fd00::2", 58, P.icmp(type, 0, identifier: 9))
                        : P.ipv6("fd00::2", "fd00::1", 58, P.icmp(type, 0, identifier: 9)))
            }
            #expect(try send(.toWorkload, 0) == .dropped(W.deny))
            #expect(try send(.fromWorkload, 8) == .passed)
            #expect(try send(.toWorkload, 0) == .passed)
            #expect(try send(.toWorkload, 0, 10) == .dropped(W.deny))
            // A request is no answer to a request.
            #expect(try send(.toWorkload, 8) == .dropped(W.deny))
            #expect(try send(.toWorkload, 13) == .dropped(W.deny))
            #expect(try send6(.toWorkload, 129) == .dropped(W.deny))
            #expect(try send6(.fromWorkload, 128) == .passed)
            #expect(try send6(.toWorkload, 129) == .passed)
            #expect(try send6(.toWorkload, 128) == .dropped(W.deny))
            // An answer without a question opens nothing for questions.
            #expect(try send(.fromWorkload, 0, 11) == .passed)
            #expect(try send(.toWorkload, 8, 11) == .dropped(W.deny))
        }

        @Test func aWrongTagIsNoEntry() throws {
            let world = try KernelWorld()
            try world.setBase(W.ingressStack, allowed: false)
            try world.connect(.fromWorkload)
            var flow = try #require(try world.kernel.flows.lookup(world.tcpKey()))
            flow.word ^= 1 << 50
            try world.kernel.flows.update(world.tcpKey(), flow)
            #expect(try world.sendSegment(.toWorkload, P.ack) == .dropped(BULKHEAD_MID_STREAM))
            flow.word ^= 1 << 50
            try world.kernel.flows.update(world.tcpKey(), flow)
            #expect(try world.sendSegment(.toWorkload, P.ack) == .passed)
        }

        @Test func aFloodOfHalfOpenConnectionsPushesOutNoConfirmedOne() throws {
            let world = try KernelWorld()
            try world.connect(.fromWorkload, local: 1, peer: 1)
            // Forged SYNs that the workload answers, from as many addresses as the table has room for and more.
            for index in 0..<(BULKHEAD_MAX_HALF_OPEN + 20_000) {
                let source = "10.\(64 + index / 65_536).\(index / 256 % 256).\(index % 256)"
                let syn = P.ipv4(source, "10.0.0.1", 6, P.tcp(1000, 80, P.syn))
                let answer = P.ipv4("10.0.0.1", source, 6, P.tcp(80, 1000, P.synAck, acknowledgement: 1001))
                _ = try world.run(.toWorkload, syn)
                _ = try world.run(.fromWorkload, answer)
            }
            world.drain { _ in }
            #expect(try world.kernel.flows.count() == 1)
            #expect(try world.kernel.halfOpen.count() <= Int(BULKHEAD_MAX_HALF_OPEN))
            try world.setBase(W.ingressStack, allowed: false)
            #expect(try world.sendSegment(.toWorkload, local: 1, peer: 1, P.ack) == .passed)
            try world.connect(.fromWorkload, local: 2, peer: 2)
            #expect(try world.kernel.flows.lookup(world.tcpKey(local: 2, peer: 2)) != nil)
        }

        @Test func aFullTableStillWorksAndAgesByItself() throws {
            let world = try KernelWorld()
            try world.connect(.fromWorkload, local: 1, peer: 1)
            let template = try #require(try world.kernel.flows.lookup(world.tcpKey(local: 1, peer: 1)))
            var keys: [bulkhead_flow_key] = []
            for index in 1..<BULKHEAD_MAX_FLOWS {
                keys.append(
                    world.flowKey(
                        6, local: 5, peer: UInt16(truncatingIfNeeded: index), peerAddress: "10.9.0.\(index >> 16)"))
            }
            try world.kernel.flows.update(keys: keys, values: keys.map { _ in template })
            #expect(try world.kernel.flows.count() == Int(BULKHEAD_MAX_FLOWS))
            // Confirmed by the handshake, but there is no room: it works where it is.
            try world.connect(.fromWorkload, local: 2, peer: 2)
            #expect(try world.kernel.halfOpen.lookup(world.tcpKey(local: 2, peer: 2)) != nil)
            #expect(try world.sendSegment(.toWorkload, local: 2, peer: 2, P.ack) == .passed)
            #expect(try world.sendSegment(.toWorkload, local: 1, peer: 1, P.ack) == .passed)
            let sweeps = BULKHEAD_COUNTER_FLOW_SWEEPS.rawValue
            #expect(try world.kernel.counters.total(sweeps) == 1)
            // Entries that have expired make room at the next sweep.
            for key in keys.prefix(100) { try world.age(key, seconds: 90_000) }
            world.setMeta(BULKHEAD_META_LAST_SWEEP, 0)
            var closed = 0
            world.drain { _ in }
            _ = try world.run(.toWorkload, world.segment(.toWorkload, local: 2, peer: 2, P.ack))
            world.drain { if $0.kind == BULKHEAD_EVENT_CLOSED { closed += 1 } }
            #expect(closed == 100)
            #expect(try world.kernel.counters.total(sweeps) == 2)
            #expect(try world.kernel.flows.lookup(world.tcpKey(local: 2, peer: 2)) != nil)
            #expect(try world.kernel.halfOpen.lookup(world.tcpKey(local: 2, peer: 2)) == nil)
        }

        @Test func segmentsAreCountedAsOnTheWire() throws {
            let world = try KernelWorld()
            try world.connect(.fromWorkload)
            let before = try #require(try world.kernel.flows.lookup(world.tcpKey()))
            let large = world.segment(.fromWorkload, local: 1000, peer: 80, P.ack, data: 3000)
            // 7 segments of at most 448 bytes, each with 40 bytes of headers; a tap does not say how many.
            #expect(try world.send(.fromWorkload, large, segments: 7, segmentSize: 448) == .passed)
            #expect(try world.send(.fromWorkload, large, segments: 0, segmentSize: 448) == .passed)
            let after = try #require(try world.kernel.flows.lookup(world.tcpKey()))
            #expect(after.packets_out - before.packets_out == 14)
            #expect(after.bytes_out - before.bytes_out == 2 * (3000 + 7 * 40))
        }
    }
}
