import CBPF
import Testing

@testable import BPFDataplane

extension KernelTests {
    /// Denials that are told to who sent the packet, byte by byte.
    @Suite struct Rejects {
        typealias P = KernelPacket
        private static let redirect: Int32 = 7

        private func rejectingWorld() throws -> KernelWorld {
            let world = try KernelWorld()
            try world.setBaseRejecting(KernelWorld.egressStack)
            try world.setBaseRejecting(KernelWorld.ingressStack)
            return world
        }

        /// The one's complement sum with all carries; 0xffff for what is right.
        private func sum(_ bytes: [UInt8]) -> UInt32 {
            var sum: UInt32 = 0
            for index in stride(from: 0, to: bytes.count, by: 2) {
                sum += UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
                sum = (sum & 0xffff) + sum >> 16
            }
            return sum
        }

        private func pseudoHeader(_ frame: [UInt8], _ transport: UInt8, _ length: Int) -> [UInt8] {
            let isSix = frame[12] == 0x86
            return Array(isSix ? frame[22..<54] : frame[26..<34]) + P.big(UInt16(length)) + [0, transport]
        }

        /// What the kernel does to a packet whose checksum was left to hardware that is not there.
        private func filledIn(_ frame: [UInt8], start: Int, offset: Int) -> [UInt8] {
            var result = frame
            let complement = ~UInt16(sum(Array(frame[start...])))
            let value = complement == 0 ? 0xffff : complement
            result.replaceSubrange(start + offset..<start + offset + 2, with: P.big(value))
            return result
        }

        private func answer(_ world: KernelWorld, _ side: KernelWorld.Side, _ packet: [UInt8]) throws -> [UInt8] {
            let result = try world.rewrite(side, packet)
            try #require(result.verdict == Self.redirect, "\(result)")
            let other: KernelWorld.Side = side == .fromWorkload ? .toWorkload : .fromWorkload
            #expect(result.mark != 0)
            // Its own mark lets it pass the other hook, once, and is taken off there.
            #expect(try world.rewrite(other, result.packet).verdict == 2)
            #expect(try world.rewrite(other, result.packet, mark: result.mark ^ 1).verdict == 2)
            let passed = try world.rewrite(other, result.packet, mark: result.mark)
            #expect(passed.verdict == -1 && passed.mark == 0 && passed.packet == result.packet)
            #expect(try world.rewrite(other, result.packet, mark: result.mark).verdict == 2)
            return result.packet
        }

        @Test func aSegmentGetsTheResetThatItsSenderBelieves() throws {
            let world = try rejectingWorld()
            struct Case {
                var flags: UInt8
                var data: Int
                var sequence: UInt32
                var acknowledgement: UInt32
                var resetFlags: UInt8
            }
            let cases = [
                Case(flags: P.syn, data: 0, sequence: 0, acknowledgement: 0x1122_3345, resetFlags: 0x14),
                Case(flags: P.syn, data: 5, sequence: 0, acknowledgement: 0x1122_334a, resetFlags: 0x14),
            ]
            for (number, shape) in cases.enumerated() {
                for side in [KernelWorld.Side.fromWorkload, .toWorkload] {
                    for isSix in [false, true] {
                        let (own, peer) = isSix ? ("fd00::1", "fd00::2") : ("10.0.0.1", "10.0.0.2")
                        let (source, destination) = side == .fromWorkload ? (own, peer) : (peer, own)
                        let port = UInt16(4000 + number)
                        let segment = P.tcp(port, 80, shape.flags, sequence: 0x1122_3344, data: shape.data)
                        let packet =
                            isSix ? P.ipv6(source, destination, 6, segment) : P.ipv4(source, destination, 6, segment)
                        let frame = try answer(world, side, packet)
                        try expectReset(
                            frame, isSix, from: (destination, 80), to: (source, port), shape.sequence, shape.acknowledgement,
                            shape.resetFlags)
                    }
                }
            }
        }

        private func expectReset(
            _ frame: [UInt8], _ isSix: Bool, from: (String, UInt16), to: (String, UInt16), _ sequence: UInt32,
            _ acknowledgement: UInt32, _ flags: UInt8
        ) throws {
            let start = isSix ? 54 : 34
            try #require(frame.count == start + 20)
            #expect(Array(frame[..<12]) == [2, 0, 0, 0, 0, 2] + [2, 0, 0, 0, 0, 1])
            if isSix {
                #expect(Array(frame[12..<22]) == [0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, 6, 64])
                #expect(Array(frame[22..<54]) == P.address(from.0) + P.address(to.0))
            } else {
                #expect(Array(frame[12..<24]) == [8, 0, 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6])
                #expect(sum(Array(frame[14..<34])) == 0xffff)
                #expect(Array(frame[26..<34]) == P.address(from.0) + P.address(to.0))
            }
            let wanted = P.big(from.1) + P.big(to.1) + P.big(sequence) + P.big(acknowledgement) + [0x50, flags]
            #expect(Array(frame[start..<start + 14]) == wanted)
            #expect(Array(frame[(start + 18)...]) == [0, 0])
            for whole in [frame, filledIn(frame, start: start, offset: 16)] {
                #expect(sum(pseudoHeader(whole, 6, 20) + whole[start...]) == 0xffff)
            }
        }

        @Test func aConnectionThatIsCutIsResetAtBothEnds() throws {
            let world = try KernelWorld()
            try world.connect(.fromWorkload)
            try world.setBaseRejecting(KernelWorld.egressStack)
            world.bumpEpoch()
            let sent = world.segment(.fromWorkload, local: 1000, peer: 80, P.ack, sequence: 101, acknowledgement: 501, data: 9)
            let frame = try world.rewrite(.fromWorkload, sent)
            try #require(frame.verdict == Self.redirect)
            try expectReset(frame.packet, false, from: ("10.0.0.2", 80), to: ("10.0.0.1", 1000), 501, 0, P.rst)
            // Again, now from what is kept with the flow.
            let back = world.segment(.toWorkload, local: 1000, peer: 80, P.finAck, sequence: 501, acknowledgement: 101)
            let other = try world.rewrite(.toWorkload, back)
            try #require(other.verdict == Self.redirect)
            try expectReset(other.packet, false, from: ("10.0.0.1", 1000), to: ("10.0.0.2", 80), 101, 0, P.rst)
            #expect(try world.rewrite(.toWorkload, world.segment(.toWorkload, local: 1000, peer: 80, P.rst)).verdict == 2)
            try world.setBase(KernelWorld.egressStack, allowed: true)
            world.bumpEpoch()
            #expect(try world.send(.fromWorkload, sent) == .passed)
        }

        @Test func othersAreToldThatItIsProhibited() throws {
            let world = try rejectingWorld()
            for side in [KernelWorld.Side.fromWorkload, .toWorkload] {
                for (number, transport) in [(0, P.udp(53, 54, data: 30)), (0, P.udp(53, 54, data: 0)), (1, P.icmp(8, 0, identifier: 7)), (2, [1, 2, 3, 4, 5, 6, 7, 8])] as [(Int, [UInt8])] {
                    let (own, peer) = side == .fromWorkload ? ("10.0.0.1", "10.0.0.2") : ("10.0.0.2", "10.0.0.1")
                    let packet = P.ipv4(own, peer, [17, 1, 47][number], transport)
                    let frame = try answer(world, side, packet)
                    try #require(frame.count == 70)
                    #expect(Array(frame[12..<24]) == [8, 0, 0x45, 0, 0, 56, 0, 0, 0x40, 0, 64, 1])
                    #expect(sum(Array(frame[14..<34])) == 0xffff)
                    #expect(Array(frame[26..<34]) == P.address(peer) + P.address(own))
                    #expect(Array(frame[34..<36]) == [3, 13] && Array(frame[38..<42]) == [0, 0, 0, 0])
                    #expect(Array(frame[42...]) == Array(packet[14..<42]))
                    for whole in [frame, filledIn(frame, start: 34, offset: 6)] { #expect(sum(Array(whole[34...])) == 0xffff) }
                }
                for (number, transport) in [(0, P.udp(53, 54, data: 30)), (0, P.udp(53, 54, data: 0)), (1, P.icmp(128, 0, identifier: 7))] {
                    let (own, peer) = side == .fromWorkload ? ("fd00::1", "fd00::2") : ("fd00::2", "fd00::1")
                    let packet = P.ipv6(own, peer, [17, 58][number], transport)
                    let frame = try answer(world, side, packet)
                    try #require(frame.count == 110)
                    #expect(Array(frame[12..<22]) == [0x86, 0xdd, 0x60, 0, 0, 0, 0, 56, 58, 64])
                    #expect(Array(frame[22..<54]) == P.address(peer) + P.address(own))
                    #expect(Array(frame[54..<56]) == [1, 1] && Array(frame[58..<60]) == [0, 0])
                    #expect(Array(frame[62...]) == Array(packet[14..<62]))
                    let both = number == 0 ? [frame, filledIn(frame, start: 54, offset: 6)] : [frame]
                    for whole in both { #expect(sum(pseudoHeader(whole, 58, 56) + whole[54...]) == 0xffff) }
                }
            }
        }

        @Test func whatMustNotBeAnsweredIsDropped() throws {
            let world = try rejectingWorld()
            let udp = P.udp(53, 54)
            let open = P.ipv4("10.0.0.1", "10.0.0.2", 17, udp)
            let silent: [[UInt8]] = [
                P.ipv4("10.0.0.1", "10.0.0.255", 17, udp, group: true),
                P.ipv4("10.0.0.1", "255.255.255.255", 17, udp),
                P.ipv4("10.0.0.1", "224.0.0.9", 17, udp),
                P.ipv4("10.0.0.1", "10.0.0.2", 17, udp, fragment: 0x2000),
                P.ipv4("10.0.0.1", "10.0.0.2", 1, P.icmp(0, 0, identifier: 5)),
                P.ipv4("10.0.0.1", "10.0.0.2", 1, P.icmp(3, 1, rest: P.packet(of: open))),
                P.ipv4("10.0.0.1", "10.0.0.2", 6, P.tcp(7, 8, P.rst)),
                P.ipv4("10.0.0.1", "10.0.0.2", 132, [UInt8](repeating: 0, count: 12)),
                P.ipv4("10.0.0.1", "10.0.0.2", 47, [1, 2, 3, 4]),
                P.ipv6("fd00::1", "ff02::9", 17, udp),
                P.ipv6("fd00::1", "fd00::2", 60, [17, 0, 1, 4, 0, 0, 0, 0] + udp),
                P.ipv6("fd00::1", "fd00::2", 58, P.icmp(129, 0, identifier: 5)),
            ]
            for packet in silent { #expect(try world.rewrite(.fromWorkload, packet).verdict == 2, "\(packet)") }
            #expect(try world.count(BULKHEAD_ANSWER) == 0)
            // Whatever policy says of the sender.
            for packet in [
                P.ipv4("127.0.0.1", "10.0.0.1", 17, udp), P.ipv4("0.0.0.0", "10.0.0.1", 17, udp),
                P.ipv6("::1", "fd00::1", 17, udp), P.ipv6("::", "fd00::1", 17, udp),
            ] { #expect(try world.rewrite(.toWorkload, packet).verdict == 2, "\(packet)") }
            world.setMeta(BULKHEAD_META_OBSERVE, 1)
            let observed = try world.rewrite(.fromWorkload, open)
            #expect(observed.verdict == -1 && observed.packet == open)
        }

        @Test func answersOfAnEndpointAreLimited() throws {
            let world = try rejectingWorld()
            let packet = P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(53, 54))
            let start = world.now
            var answered = 0
            for _ in 0..<2_000 where try world.rewrite(.fromWorkload, packet).verdict == Self.redirect { answered += 1 }
            let elapsed = Int((world.now - start) / 1_000_000)
            #expect(answered >= 100 && answered <= 101 + elapsed, "\(answered) in \(elapsed) ms")
            #expect(try world.count(BULKHEAD_UNANSWERED) == UInt64(2_000 - answered))
        }
    }
}
