import CBPF
import Testing

@testable import BPFDataplane

extension KernelTests {
    @Suite struct FragmentsAndErrors {
        typealias P = KernelPacket
        typealias W = KernelWorld
        let more: UInt16 = 0x2000

        func part(_ offset: UInt16, _ payload: [UInt8], id: UInt16 = 7, more: Bool = true, source: String = "10.0.0.1")
            -> [UInt8]
        {
            P.ipv4(
                source, "10.0.0.2", 17, payload, fragment: (more ? self.more : 0) | offset, identification: id)
        }

        @Test func theFirstFragmentSpeaksForTheOthers() throws {
            let world = try KernelWorld()
            let fragment = W.Verdict.dropped(BULKHEAD_FRAGMENT)
            let first = part(0, P.udp(5, 53, data: 24, length: 1000))
            let last = part(4, [UInt8](repeating: 0, count: 32), more: false)
            #expect(try world.send(.fromWorkload, last) == fragment)
            #expect(try world.send(.fromWorkload, first) == .passed)
            #expect(try world.send(.fromWorkload, last) == .passed)
            // It would overwrite a part of the first.
            for offset: UInt16 in [2, 3] {
                #expect(try world.send(.fromWorkload, part(offset, [UInt8](repeating: 0, count: 32), more: false)) == fragment)
            }
            // Both are packets of one flow.
            let flow = try #require(try world.kernel.halfOpen.lookup(world.flowKey(17, local: 5, peer: 53)))
            #expect([flow.packets_out, flow.bytes_out] == [2, 52 + 52])
            #expect(try world.send(.fromWorkload, part(4, [1], id: 8)) == fragment)
            #expect(try world.send(.fromWorkload, part(1, [UInt8](repeating: 0, count: 8))) == fragment)
            #expect(try world.send(.fromWorkload, part(0, [0, 5, 0, 53], id: 9)) == fragment)
            let reply = P.ipv4("10.0.0.2", "10.0.0.1", 17, [1], fragment: 4, identification: 7)
            #expect(try world.send(.toWorkload, reply) == fragment)
            // A change reaches fragments in flight.
            try world.setBase(W.egressStack, allowed: false)
            world.bumpEpoch()
            #expect(try world.send(.fromWorkload, last) == .dropped(W.deny))
        }

        @Test func fragmentsOfADeniedPacketAreDropped() throws {
            let world = try KernelWorld()
            try world.setBase(W.egressStack, allowed: false)
            #expect(try world.send(.fromWorkload, part(0, P.udp(5, 53, data: 24, length: 1000))) == .dropped(W.deny))
            #expect(try world.send(.fromWorkload, part(4, [1])) == .dropped(BULKHEAD_FRAGMENT))
        }

        @Test func theMemoryOfAFragmentEnds() throws {
            let world = try KernelWorld()
            #expect(try world.send(.fromWorkload, part(0, P.udp(5, 53, data: 24, length: 1000))) == .passed)
            try world.kernel.fragments.forEach { key, value in
                var aged = value
                aged.seen &-= 31_000_000_000
                try world.kernel.fragments.update(key, aged)
            }
            #expect(try world.send(.fromWorkload, part(4, [1])) == .dropped(BULKHEAD_FRAGMENT))
        }

        @Test func fragmentedEchoAndIPv6() throws {
            let world = try KernelWorld()
            let echo = P.ipv4(
                "10.0.0.1", "10.0.0.2", 1, P.icmp(8, 0, identifier: 3, rest: [UInt8](repeating: 0, count: 24)),
                fragment: more, identification: 7)
            #expect(try world.send(.fromWorkload, echo) == .passed)
            #expect(
                try world.send(
                    .fromWorkload, P.ipv4("10.0.0.1", "10.0.0.2", 1, [1, 2], fragment: 4, identification: 7))
                    == .passed)
            func v6(_ field: UInt16, _ payload: [UInt8], next: UInt8 = 17, id: UInt8 = 9) -> [UInt8] {
                P.ipv6("fd00::1", "fd00::2", 44, [next, 0] + P.big(field) + [0, 0, 0, id] + payload)
            }
            #expect(try world.send(.fromWorkload, v6(4 << 3, [1])) == .dropped(BULKHEAD_FRAGMENT))
            #expect(try world.send(.fromWorkload, v6(1, P.udp(5, 53, data: 24, length: 900))) == .passed)
            #expect(try world.send(.fromWorkload, v6(4 << 3, [1])) == .passed)
            #expect(try world.send(.fromWorkload, v6(1 << 3, [1])) == .dropped(BULKHEAD_FRAGMENT))
            // A whole packet with a fragment header, and a chain that goes on after it.
            #expect(try world.send(.fromWorkload, v6(0, P.udp(6, 53), id: 10)) == .passed)
            #expect(
                try world.send(.fromWorkload, v6(1, [17, 0, 1, 4, 0, 0, 0, 0] + P.udp(6, 53), next: 60, id: 11))
                    == .dropped(BULKHEAD_FRAGMENT))
        }

        @Test func errorsMustQuoteAFlow() throws {
            let world = try KernelWorld()
            try world.setBase(W.ingressStack, allowed: false)
            let unrelated = W.Verdict.dropped(BULKHEAD_ICMP_ERROR_UNRELATED)
            let request = P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(5, 53))
            func error(
                about packet: [UInt8], type: UInt8 = 3, from router: String = "10.0.0.254", to: String = "10.0.0.1"
            ) -> [UInt8] {
                P.ipv4(router, to, 1, P.icmp(type, 3, rest: Array(P.packet(of: packet).prefix(28))))
            }
            #expect(try world.send(.toWorkload, error(about: request)) == unrelated)
            #expect(try world.send(.hostToWorkload, error(about: request)) == .passed)
            #expect(try world.send(.fromWorkload, request) == .passed)
            for type: UInt8 in [3, 11, 12] {
                #expect(try world.send(.toWorkload, error(about: request, type: type)) == .passed)
            }
            // The flow in the sense in which the workload did not send.
            let reversed = P.ipv4("10.0.0.2", "10.0.0.1", 17, P.udp(53, 5))
            #expect(try world.send(.toWorkload, error(about: reversed)) == unrelated)
            #expect(
                try world.send(.toWorkload, error(about: P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(5, 54)))) == unrelated
            )
            #expect(
                try world.send(.toWorkload, error(about: request, to: "10.0.0.9")) == .dropped(BULKHEAD_NOT_ITS_ADDRESS)
            )
            // The workload's own error about what it was sent.
            #expect(try world.send(.fromWorkload, error(about: reversed, from: "10.0.0.1", to: "10.0.0.2")) == .passed)
            #expect(
                try world.send(.fromWorkload, error(about: reversed, from: "10.0.0.9", to: "10.0.0.2"))
                    == .dropped(BULKHEAD_SPOOFED_SOURCE))
            // A quoted ping.
            let ping = P.ipv4("10.0.0.1", "10.0.0.2", 1, P.icmp(8, 0, identifier: 4))
            #expect(try world.send(.fromWorkload, ping) == .passed)
            #expect(try world.send(.toWorkload, error(about: ping)) == .passed)
            // Not for a flow that a change has cut.
            try world.setBase(W.egressStack, allowed: false)
            world.bumpEpoch()
            #expect(try world.send(.toWorkload, error(about: request)) == .dropped(W.deny))

            let world6 = try KernelWorld()
            try world6.setBase(W.ingressStack, allowed: false)
            let request6 = P.ipv6("fd00::1", "fd00::2", 17, P.udp(5, 53))
            let error6 = P.ipv6("fd00::fe", "fd00::1", 58, P.icmp(2, 0, rest: P.packet(of: request6)))
            #expect(try world6.send(.toWorkload, error6) == unrelated)
            #expect(try world6.send(.fromWorkload, request6) == .passed)
            #expect(try world6.send(.toWorkload, error6) == .passed)
        }
    }
}
