import CBPF
import Testing

@testable import BPFDataplane

extension KernelTests {
    /// When nobody reads, and when a table that forgets has more to remember than it can.
    @Suite struct Overrun {
        typealias P = KernelPacket
        typealias W = KernelWorld

        private func lost(_ world: W) throws -> UInt64 { try world.kernel.counters.total(UInt32(BULKHEAD_COUNTER_EVENTS_LOST.rawValue)) }

        @Test func aFloodOfDenialsLeavesRoomForConnectionsAndIsCounted() throws {
            let world = try KernelWorld()
            try world.setBase(W.ingressStack, allowed: false)
            let flood = 120_000
            let syn = world.segment(.toWorkload, local: 1, peer: 1, P.syn)
            #expect(try !world.run(.toWorkload, syn, repetitions: flood).passed)
            let unread = try lost(world)
            #expect(unread > 10_000)
            // Verdicts stand, and what is allowed is reported still.
            #expect(try !world.run(.toWorkload, syn).passed)
            let own = world.segment(.fromWorkload, local: 2, peer: 2, P.syn)
            #expect(try world.run(.fromWorkload, own).passed)
            var denied: UInt64 = 0
            var opened: [UInt16] = []
            world.drain { event in
                if event.kind == BULKHEAD_EVENT_DENIED { denied += UInt64(event.packets) }
                if event.kind == BULKHEAD_EVENT_OPENED { opened.append(event.localPort) }
            }
            print("\(denied) denials reported, \(unread) lost")
            #expect(opened == [2])
            #expect(denied + unread == UInt64(flood))
            #expect(try lost(world) == unread + 1)
            // A reader that is back hears of the next.
            #expect(try world.sendSegment(.toWorkload, local: 1, peer: 1, P.syn) == .dropped(W.deny))
            #expect(try lost(world) == unread + 1)
        }

        @Test func aRingThatIsFullOfBeginningsChangesNoVerdict() throws {
            let world = try KernelWorld()
            try world.connect(.fromWorkload, local: 1, peer: 1)
            let beginnings = UInt64(120_000)
            for index in 0..<beginnings {
                let source = "10.\(64 + index / 65_536).\(index / 256 % 256).\(index % 256)"
                #expect(try world.run(.toWorkload, P.ipv4(source, "10.0.0.1", 17, P.udp(5, 53, data: 8))).passed)
            }
            let unread = try lost(world)
            #expect(unread > 0)
            try world.setBase(W.ingressStack, allowed: false)
            world.bumpEpoch()
            #expect(try !world.run(.toWorkload, P.ipv4("10.200.0.1", "10.0.0.1", 17, P.udp(5, 53, data: 8))).passed)
            #expect(try world.run(.toWorkload, world.segment(.toWorkload, local: 1, peer: 1, P.ack)).passed)
            #expect(try lost(world) == unread + 1)
            var reported: UInt64 = 0
            world.drain { if $0.kind == BULKHEAD_EVENT_OPENED { reported += 1 } }
            // The first connection's was read when it was made.
            #expect(reported + unread == beginnings)
            let half = UInt64(try world.kernel.halfOpen.count())
            let came = try world.kernel.counters.total(UInt32(BULKHEAD_COUNTER_HALF_OPENED.rawValue))
            print("\(reported) beginnings reported, \(unread) lost; \(came) came into the table, \(half) are there")
            #expect(half <= UInt64(BULKHEAD_MAX_HALF_OPEN) && came == beginnings + 1)
        }

        @Test func fragmentsWhoseFirstWasPushedOutAreDroppedAndCounted() throws {
            let world = try KernelWorld()
            func part(_ offset: UInt16, _ payload: [UInt8], id: UInt16, more: UInt16) -> [UInt8] {
                P.ipv4("10.0.0.1", "10.0.0.2", 17, payload, fragment: more | offset, identification: id)
            }
            let firsts = UInt16(BULKHEAD_MAX_FRAGMENTS) * 3
            for id in 1...firsts {
                #expect(try world.run(.fromWorkload, part(0, P.udp(5, 53, data: 24, length: 1000), id: id, more: 0x2000)).passed)
            }
            let before = try world.count(BULKHEAD_FRAGMENT)
            let rest = [UInt8](repeating: 0, count: 32)
            #expect(try world.send(.fromWorkload, part(4, rest, id: 1, more: 0)) == .dropped(BULKHEAD_FRAGMENT))
            #expect(try world.count(BULKHEAD_FRAGMENT) == before + 1)
            #expect(try world.send(.fromWorkload, part(4, rest, id: firsts, more: 0)) == .passed)
            #expect(try world.kernel.fragments.count() <= Int(BULKHEAD_MAX_FRAGMENTS))
        }
    }
}
