import CBPF
import Glibc
import Testing

@testable import BPFDataplane

extension KernelTests {
    @Suite struct Frames {
        typealias P = KernelPacket
        let udp = P.udp(1000, 2000)

        @Test func unknownInterface() throws {
            let world = try KernelWorld()
            try world.kernel.forget(interface: 1)
            let packet = P.ipv4("10.0.0.1", "10.0.0.2", 17, udp)
            #expect(try world.send(.fromWorkload, packet) == .dropped(BULKHEAD_UNKNOWN_INTERFACE))
            #expect(try world.count(BULKHEAD_UNKNOWN_INTERFACE) == 1)
        }

        @Test func interfacesThatShareAPlace() throws {
            let world = try KernelWorld()
            let interface = bulkhead_interface_key(ifindex: 1)
            let other = Int32(1 + BULKHEAD_INTERFACE_SLOTS)
            let packet = P.ipv4("10.0.0.1", "10.0.0.2", 17, udp)
            // The place is enough.
            try world.kernel.interfaces.delete(interface)
            #expect(try world.send(.fromWorkload, packet) == .passed)
            try world.kernel.forget(interface: 1)
            #expect(world.kernel.interfaceSlots.load(1) == 0)
            // Another's place decides nothing for this one, which the hash knows then.
            try world.kernel.assign(interface: other, to: 2)
            #expect(try world.send(.fromWorkload, packet) == .dropped(BULKHEAD_UNKNOWN_INTERFACE))
            try world.kernel.assign(interface: 1, to: 1)
            #expect(world.kernel.interfaceSlots.load(1) == UInt64(other) << 32 | 2)
            #expect(try world.send(.fromWorkload, packet) == .passed)
            try world.kernel.forget(interface: 1)
            #expect(world.kernel.interfaceSlots.load(1) == UInt64(other) << 32 | 2)
            #expect(try world.send(.fromWorkload, packet) == .dropped(BULKHEAD_UNKNOWN_INTERFACE))
            // An interface that gets another slot.
            try world.kernel.forget(interface: other)
            try world.kernel.assign(interface: 1, to: 3)
            try world.kernel.assign(interface: 1, to: 1)
            #expect(world.kernel.interfaceSlots.load(1) == 1 << 32 | 1)
            #expect(try world.kernel.slot(ofInterface: 1) == 1)
            #expect(try world.send(.fromWorkload, packet) == .passed)
        }

        /// Packets of one tick have the time of its first, which others may have passed.
        @Test func whatSeemsToComeLaterIsNotOld() throws {
            let world = try KernelWorld()
            let soon = world.now + 3_000_000_000
            // An interface attached after the tick's first packet learns old connections.
            try world.setBase(KernelWorld.ingressStack, allowed: false)
            world.setSlot(1, attached: soon, flags: 0)
            #expect(try world.sendSegment(.toWorkload, P.ack) == .dropped(BULKHEAD_MID_STREAM))
            world.setMeta(BULKHEAD_META_ADOPTION, 1_000_000_000)
            #expect(try world.sendSegment(.toWorkload, P.ack) == .passed)
            // A fragment whose first another CPU saw.
            let more: UInt16 = 0x2000
            #expect(
                try world.send(
                    .fromWorkload,
                    P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(5, 53, data: 24, length: 1000), fragment: more, identification: 7)) == .passed)
            try world.kernel.fragments.forEach { key, value in
                var later = value
                later.seen = soon
                try world.kernel.fragments.update(key, later)
            }
            #expect(
                try world.send(.fromWorkload, P.ipv4("10.0.0.1", "10.0.0.2", 17, [1], fragment: 4, identification: 7)) == .passed)
        }

        @Test func theTimeOfAPacketIsThatOfItsTick() throws {
            let world = try KernelWorld()
            for round in UInt16(1)...20 {
                let before = world.now
                #expect(try world.send(.fromWorkload, P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(round, 80))) == .passed)
                let flow = try #require(try world.kernel.halfOpen.lookup(world.flowKey(17, local: round, peer: 80)))
                #expect(flow.last_seen + UInt64(BULKHEAD_CLOCK_LAG) >= before && flow.last_seen <= world.now)
                usleep(7000)
            }
        }

        @Test func framesThatAreNotUnderstood() throws {
            let world = try KernelWorld()
            let inner = P.packet(of: P.ipv4("10.0.0.1", "10.0.0.2", 17, udp))
            for side in [KernelWorld.Side.fromWorkload, .toWorkload, .hostToWorkload] {
                for type: UInt16 in [0x8100, 0x88a8] {
                    #expect(try world.send(side, P.frame(type, [0, 5, 8, 0] + inner)) == .dropped(BULKHEAD_TAGGED))
                }
                for type: UInt16 in [0x8847, 0x8864, 0x0040, 0x88cc, 0x9100] {
                    #expect(try world.send(side, P.frame(type, inner)) == .dropped(BULKHEAD_UNKNOWN_FRAME))
                }
            }
            #expect(try world.count(BULKHEAD_TAGGED) == 6)
            #expect(try world.count(BULKHEAD_UNKNOWN_FRAME) == 15)
        }

        @Test func malformed() throws {
            let world = try KernelWorld()
            let bad: [[UInt8]] = [
                P.ipv4("10.0.0.1", "10.0.0.2", 17, udp, totalLength: 200),
                P.ipv4("10.0.0.1", "10.0.0.2", 17, udp, totalLength: 19),
                P.ipv4("224.0.0.1", "10.0.0.2", 17, udp),
                P.ipv4("10.0.0.1", "10.0.0.2", 6, [1, 2, 3, 4]),
                P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(1, 2, length: 7)),
                P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(1, 2, length: 100)),
                P.ipv4("10.0.0.1", "10.0.0.2", 6, P.tcp(1, 2, 3)),
                P.ipv6("::ffff:10.0.0.1", "fd00::2", 17, udp),
                P.ipv6("fd00::1", "::ffff:10.0.0.1", 17, udp),
                P.ipv6("ff02::1", "fd00::2", 17, udp),
                P.ipv6("fd00::1", "fd00::2", 60, [17, 9]),
            ]
            for packet in bad {
                #expect(try world.send(.fromWorkload, packet) == .dropped(BULKHEAD_MALFORMED), "\(packet)")
            }
            var version = P.ipv4("10.0.0.1", "10.0.0.2", 17, udp)
            version[14] = 0x55
            #expect(try world.send(.fromWorkload, version) == .dropped(BULKHEAD_MALFORMED))
            // Padding after the packet is Ethernet's.
            #expect(try world.send(.fromWorkload, P.ipv4("10.0.0.1", "10.0.0.2", 17, udp) + [0, 0, 0]) == .passed)
        }

        @Test func optionsAndExtensionHeaders() throws {
            let world = try KernelWorld()
            let lsrr: [UInt8] = [0x83, 3, 4, 0]
            #expect(
                try world.send(.fromWorkload, P.ipv4("10.0.0.1", "10.0.0.2", 17, udp, options: lsrr))
                    == .dropped(BULKHEAD_IP_OPTIONS))
            let padding: [UInt8] = [0, 1, 4, 0, 0, 0, 0]
            // Hop-by-hop, then destination options, then UDP.
            #expect(
                try world.send(.fromWorkload, P.ipv6("fd00::1", "fd00::2", 0, [60] + padding + [17] + padding + udp))
                    == .passed)
            #expect(
                try world.kernel.halfOpen.lookup(world.flowKey(17, local: 1000, peer: 2000, peerAddress: "fd00::2"))
                    != nil)
            #expect(
                try world.send(.fromWorkload, P.ipv6("fd00::1", "fd00::2", 43, [17] + padding + udp))
                    == .dropped(BULKHEAD_IP_OPTIONS))
            #expect(
                try world.send(.fromWorkload, P.ipv6("fd00::1", "fd00::2", 60, [0] + padding + [17] + padding + udp))
                    == .dropped(BULKHEAD_MALFORMED))
            let chain: [UInt8] = (0..<8).flatMap { _ -> [UInt8] in [60] + padding }
            #expect(
                try world.send(.fromWorkload, P.ipv6("fd00::1", "fd00::2", 60, chain + udp))
                    == .dropped(BULKHEAD_IP_OPTIONS))
        }

        @Test func tunnelsAndServersThatAWorkloadMayNotBe() throws {
            let world = try KernelWorld()
            func from(_ transport: UInt8, _ payload: [UInt8]) throws -> KernelWorld.Verdict {
                try world.send(.fromWorkload, P.ipv4("10.0.0.1", "10.0.0.2", transport, payload))
            }
            #expect(try from(4, P.packet(of: P.ipv4("10.0.0.1", "10.0.0.2", 17, udp))) == .dropped(BULKHEAD_TUNNEL))
            #expect(try from(41, [UInt8](repeating: 0x60, count: 60)) == .dropped(BULKHEAD_TUNNEL))
            #expect(try from(17, P.udp(1000, 4789)) == .dropped(BULKHEAD_TUNNEL))
            #expect(try from(17, P.udp(1000, 8472)) == .dropped(BULKHEAD_TUNNEL))
            #expect(try from(17, P.udp(67, 68)) == .dropped(BULKHEAD_DHCP_SERVER))
            #expect(
                try world.send(.fromWorkload, P.ipv6("fd00::1", "fd00::2", 17, P.udp(547, 546)))
                    == .dropped(BULKHEAD_DHCP_SERVER))
            #expect(try from(1, P.icmp(5, 1)) == .dropped(BULKHEAD_REDIRECT))
            #expect(
                try world.send(.toWorkload, P.ipv4("10.0.0.2", "10.0.0.1", 1, P.icmp(5, 1)))
                    == .dropped(BULKHEAD_REDIRECT))
        }

        @Test func addresses() throws {
            let world = try KernelWorld()
            #expect(
                try world.send(.fromWorkload, P.ipv4("10.0.0.9", "10.0.0.2", 17, udp))
                    == .dropped(BULKHEAD_SPOOFED_SOURCE))
            #expect(
                try world.send(.fromWorkload, P.ipv6("fe80::1", "fd00::2", 17, udp))
                    == .dropped(BULKHEAD_SPOOFED_SOURCE))
            #expect(
                try world.send(.toWorkload, P.ipv4("10.0.0.2", "10.0.0.9", 17, udp))
                    == .dropped(BULKHEAD_NOT_ITS_ADDRESS))
            #expect(
                try world.send(.hostToWorkload, P.ipv4("10.0.0.2", "10.0.0.9", 17, udp))
                    == .dropped(BULKHEAD_NOT_ITS_ADDRESS))
            #expect(try world.send(.fromWorkload, P.ipv4("10.0.0.1", "10.0.0.1", 17, udp)) == .passed)
            #expect(try world.count(BULKHEAD_ITSELF) == 1)
            #expect(
                try world.send(.fromWorkload, P.ipv4("10.0.0.9", "10.0.0.9", 17, udp))
                    == .dropped(BULKHEAD_SPOOFED_SOURCE))
            // To another address of its own.
            try world.kernel.legs.setPayload(3, for: world.legKey("10.0.0.3"))
            try world.setBase(KernelWorld.egressStack, allowed: false)
            #expect(try world.send(.fromWorkload, P.ipv4("10.0.0.1", "10.0.0.3", 17, udp)) == .passed)
            #expect(try world.count(BULKHEAD_ITSELF) == 2)
        }

        @Test func onlyWhatAWorkloadSentToItselfComesBack() throws {
            let world = try KernelWorld()
            let spoofed = KernelWorld.Verdict.dropped(BULKHEAD_SPOOFED_SOURCE)
            try world.kernel.legs.setPayload(3, for: world.legKey("10.0.0.3"))
            for stack in [KernelWorld.egressStack, KernelWorld.ingressStack] {
                try world.setBase(stack, allowed: false)
            }
            for other in ["10.0.0.1", "10.0.0.3"] {
                let exchanges: [(UInt8, question: [UInt8], answer: [UInt8])] = [
                    (17, P.udp(1000, 2000), P.udp(2000, 1000)),
                    (6, P.tcp(1000, 80, P.syn, sequence: 100), P.tcp(80, 1000, P.synAck, acknowledgement: 101)),
                    (1, P.icmp(8, 0, identifier: 7), P.icmp(0, 0, identifier: 7)),
                    (132, P.big(UInt32(0x03e8_0050)) + [UInt8](repeating: 0, count: 8),
                     P.big(UInt32(0x0050_03e8)) + [UInt8](repeating: 0, count: 8)),
                ]
                for (transport, question, answer) in exchanges {
                    let out = P.ipv4("10.0.0.1", other, transport, question)
                    let back = P.ipv4(other, "10.0.0.1", transport, answer)
                    #expect(try world.send(.toWorkload, out) == spoofed, "\(transport)")
                    #expect(try world.send(.fromWorkload, out) == .passed)
                    for _ in 0..<2 { #expect(try world.send(.toWorkload, out) == .passed, "\(transport)") }
                    #expect(try world.send(.fromWorkload, back) == .passed)
                    #expect(try world.send(.toWorkload, back) == .passed, "\(transport)")
                }
                // The connection goes on.
                let data = P.ipv4("10.0.0.1", other, 6, P.tcp(1000, 80, P.ack, acknowledgement: 1001, data: 9))
                for side in [KernelWorld.Side.fromWorkload, .toWorkload] {
                    #expect(try world.send(side, data) == .passed)
                }
                // Other ports are another conversation.
                #expect(try world.send(.toWorkload, P.ipv4("10.0.0.1", other, 17, P.udp(1000, 2001))) == spoofed)
            }
            #expect(try world.send(.toWorkload, P.ipv4("10.0.0.9", "10.0.0.9", 17, udp)) == spoofed)
            // In parts: each follows the first.
            let first = P.ipv4("10.0.0.1", "10.0.0.1", 17, P.udp(5, 6, data: 8), fragment: 0x2000, identification: 77)
            let later = P.ipv4("10.0.0.1", "10.0.0.1", 17, [1, 2, 3, 4], fragment: 2, identification: 77)
            #expect(try world.send(.toWorkload, first) == spoofed)
            #expect(try world.send(.toWorkload, later) == .dropped(BULKHEAD_FRAGMENT))
            for side in [KernelWorld.Side.fromWorkload, .toWorkload] {
                for part in [first, later] { #expect(try world.send(side, part) == .passed) }
            }
        }
    }
}
