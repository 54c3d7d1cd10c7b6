import CBPF
import Testing

@testable import BPFDataplane

extension KernelTests {
    /// decide(): generations, identities, rows.
    @Suite struct Tables {
        typealias P = KernelPacket
        typealias W = KernelWorld

        /// A first packet of a new flow each time.
        final class Prober {
            let world: KernelWorld
            var port: UInt16 = 10_000

            init(_ world: KernelWorld) { self.world = world }

            func callAsFunction(
                to peer: String = "10.0.0.2", port destination: UInt16 = 80, transport: UInt8 = 17,
                source: UInt16? = nil
            ) throws -> W.Verdict {
                port += 1
                let payload =
                    transport == 6 ? P.tcp(source ?? port, destination, P.syn) : P.udp(source ?? port, destination)
                let isV6 = peer.contains(":")
                return try world.send(
                    .fromWorkload,
                    isV6 ? P.ipv6("fd00::1", peer, transport, payload) : P.ipv4("10.0.0.1", peer, transport, payload))
            }
        }

        @Test func basesDecideWithTheirOwnReason() throws {
            let world = try KernelWorld()
            let probe = Prober(world)
            try world.setBase(W.egressStack, allowed: false)
            let (verdict, events) = try world.sendReporting(
                .fromWorkload, P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(5, 80, data: 100)))
            #expect(verdict == .dropped(W.deny))
            #expect(
                events == [
                    .init(
                        kind: BULKHEAD_EVENT_DENIED, outcome: W.deny, direction: UInt32(BULKHEAD_EGRESS),
                        observed: false, packets: 1, bytes: 128, localPort: 5, peerPort: 80, slot: 1, transport: 17)
                ])
            #expect(try world.kernel.halfOpen.count() == 0)
            #expect(try probe(to: "fd00::2") == .dropped(W.deny))
            // The other direction has a stack of its own.
            #expect(try world.send(.toWorkload, P.ipv4("10.0.0.2", "10.0.0.1", 17, P.udp(5, 80))) == .passed)
        }

        @Test func rowsAreSearchedToTheirEdges() throws {
            let world = try KernelWorld()
            let probe = Prober(world)
            let tcp = UInt32(6) << 16
            let udp = UInt32(17) << 16
            // Only TCP 80...89 and 443 pass, and every odd port above 1000 of UDP.
            var ranges: [(start: UInt32, outcome: UInt32)] = [
                (0, W.outcome(allowed: false)), (tcp | 80, W.outcome(allowed: true)),
                (tcp | 90, W.outcome(allowed: false)), (tcp | 443, W.outcome(allowed: true)),
                (tcp | 444, W.outcome(allowed: false)),
            ]
            for port in UInt32(1000)..<4000 { ranges.append((udp | port, W.outcome(allowed: port % 2 == 1))) }
            try world.setPair(W.egressStack, row: world.row(ranges))
            for (port, passes) in [
                79: false, 80: true, 89: true, 90: false, 443: true, 444: false, 0: false, 65535: false,
            ] {
                #expect(try probe(port: UInt16(port), transport: 6) == (passes ? .passed : .dropped(W.deny)), "\(port)")
            }
            for port in [999, 1000, 1001, 2500, 2501, 3998, 3999, 4000, 60001] {
                let passes = port >= 1000 && (port >= 4000 || port % 2 == 1)
                #expect(try probe(port: UInt16(port)) == (passes ? .passed : .dropped(W.deny)), "\(port)")
            }
        }

        @Test func identitiesOfAddressesAndPrefixesSelectTheRow() throws {
            let world = try KernelWorld()
            let probe = Prober(world)
            let denied = world.row([(0, W.outcome(allowed: false))])
            try world.setExact("10.0.0.7", 5)
            try world.setExact("fd00::7", 5)
            try world.setPrefix("10.1.0.0", 16, 6)
            try world.setPrefix("10.1.2.0", 24, 7)
            try world.setPrefix("fd00:1::", 32, 6)
            try world.setPrefix("0.0.0.0", 0, 8)
            try world.setPair(W.egressStack, exact: 5, prefix: 8, row: denied)
            try world.setPair(W.egressStack, exact: 5, prefix: 0, row: denied)
            try world.setPair(W.egressStack, exact: 0, prefix: 6, row: denied)
            #expect(try probe(to: "10.0.0.2") == .passed)
            #expect(try probe(to: "10.0.0.7") == .dropped(W.deny))
            #expect(try probe(to: "fd00::7") == .dropped(W.deny))
            #expect(try probe(to: "10.1.9.9") == .dropped(W.deny))
            #expect(try probe(to: "10.1.2.9") == .passed)
            #expect(try probe(to: "10.2.0.1") == .passed)
            #expect(try probe(to: "fd00:1::5") == .dropped(W.deny))
            #expect(try probe(to: "fd00:2::5") == .passed)
            // The addresses of another zone are others.
            world.setSlot(1, attached: world.now, flags: 0, zone: 3)
            #expect(try probe(to: "10.0.0.7") == .passed)
        }

        /// The address's row upon the prefix's upon the base; and a row for both in place of both.
        @Test func rowsStandUponEachOther() throws {
            let world = try KernelWorld()
            let probe = Prober(world)
            let udp = UInt32(17) << 16
            let inherit = BULKHEAD_OUTCOME_INHERIT << 28
            func row(_ ports: [(UInt32, Bool)]) -> UInt32 {
                var ranges: [(start: UInt32, outcome: UInt32)] = [(0, inherit)]
                for (port, allowed) in ports {
                    if ranges.last?.start == udp | port { ranges.removeLast() }
                    ranges.append((udp | port, W.outcome(allowed: allowed)))
                    ranges.append((udp | (port + 1), inherit))
                }
                return world.row(ranges)
            }
            try world.setExact("10.1.0.7", 5)
            try world.setExact("10.0.0.7", 5)
            try world.setPrefix("10.1.0.0", 16, 6)
            try world.setPair(W.egressStack, exact: 0, prefix: 6, row: row([(80, false), (81, false)]))
            func denied(_ peer: String) throws -> [UInt16] {
                try [80, 81, 82, 83].filter { try probe(to: peer, port: $0) == .dropped(W.deny) }
            }
            // Nothing of its own.
            #expect(try denied("10.1.0.7") == [80, 81])
            try world.setPair(W.egressStack, exact: 5, prefix: 0, row: row([(80, true), (82, false)]))
            #expect(try denied("10.1.0.7") == [81, 82])
            #expect(try denied("10.1.0.8") == [80, 81])
            #expect(try denied("10.0.0.7") == [82])
            #expect(try denied("10.0.0.8") == [])
            try world.setPair(W.egressStack, exact: 5, prefix: 6, row: row([(83, false)]))
            #expect(try denied("10.1.0.7") == [83])
            #expect(try denied("10.1.0.8") == [80, 81])
            #expect(try denied("10.0.0.7") == [82])
            // Each of them is a word of its key.
            for (exact, prefix, peer) in [(UInt32(5), UInt32(6), "10.1.0.7"), (5, 0, "10.0.0.7"), (0, 6, "10.1.0.8")] {
                let key = bulkhead_pair_key(stack: W.egressStack, exact: exact, prefix: prefix)
                let word = try #require(try world.kernel.pairs.lookup(key))
                try world.kernel.pairs.update(key, word ^ 1 << 40)
                #expect(try probe(to: peer) == .dropped(BULKHEAD_TORN_READ))
                try world.kernel.pairs.update(key, word)
            }
        }

        @Test func inheritAndSourcePorts() throws {
            let world = try KernelWorld()
            let probe = Prober(world)
            let udp = UInt32(17) << 16
            let inherit = BULKHEAD_OUTCOME_INHERIT << 28
            let sources = world.row([
                (0, W.outcome(allowed: false)), (5000, W.outcome(allowed: true)), (5010, W.outcome(allowed: false)),
            ])
            try world.setExact("10.0.0.7", 5)
            try world.setPair(
                W.egressStack, exact: 5, prefix: 0,
                row: world.row([
                    (0, inherit), (udp | 53, W.outcome(allowed: false)), (udp | 54, inherit),
                    (udp | 100, BULKHEAD_OUTCOME_SOURCE_PORTS << 28 | sources), (udp | 101, inherit),
                ]))
            #expect(try probe(to: "10.0.0.7", port: 52) == .passed)
            #expect(try probe(to: "10.0.0.7", port: 53) == .dropped(W.deny))
            #expect(try probe(to: "10.0.0.7", port: 54) == .passed)
            for (source, passes) in [(4999, false), (5000, true), (5009, true), (5010, false)] {
                #expect(
                    try probe(to: "10.0.0.7", port: 100, source: UInt16(source))
                        == (passes ? .passed : .dropped(W.deny)))
            }
        }

        @Test func whatTheTablesCannotAnswerIsDropped() throws {
            let world = try KernelWorld()
            let probe = Prober(world)
            // An identity at the stack's bound.
            try world.setExact("10.0.0.7", 99)
            #expect(try probe(to: "10.0.0.7") == .passed)
            try world.setExact("10.0.0.7", 100)
            #expect(try probe(to: "10.0.0.7") == .dropped(BULKHEAD_NOT_SYNCHRONISED))
            try world.setPrefix("10.1.0.0", 16, 100)
            #expect(try probe(to: "10.1.0.1") == .dropped(BULKHEAD_NOT_SYNCHRONISED))
            // A word written for another key, and a torn prefix.
            let key = bulkhead_exact_key(zone: 0, family: 4, address: world.kernelAddress("10.0.0.8"))
            try world.kernel.exact.update(key, bulkhead_word(5, KernelTag.of(key) ^ 1))
            #expect(try probe(to: "10.0.0.8") == .dropped(BULKHEAD_TORN_READ))
            #expect(try world.kernel.counters.total(BULKHEAD_COUNTER_TAG_RETRIES.rawValue) == 1)
            try world.kernel.prefixes.update(
                bulkhead_prefix_key(
                    prefixlen: 56, zone_and_family: 0, address: world.kernelAddress("10.2.0.0")), 5)
            #expect(try probe(to: "10.2.0.1") == .dropped(BULKHEAD_TORN_READ))
            let leg = world.legKey("10.0.0.1")
            try world.kernel.legs.update(leg, bulkhead_word(1, KernelTag.of(leg) ^ 1))
            #expect(try probe() == .dropped(BULKHEAD_TORN_READ))
            try world.kernel.legs.setPayload(1, for: leg)
            let interface = bulkhead_interface_key(ifindex: 1)
            world.kernel.interfaceSlots.store(0, at: 1)
            try world.kernel.interfaces.update(interface, 1)
            #expect(try probe() == .dropped(BULKHEAD_TORN_READ))
            try world.kernel.interfaces.setPayload(1, for: interface)
            let pair = bulkhead_pair_key(stack: W.egressStack, exact: .max, prefix: .max)
            let word = try #require(try world.kernel.pairs.lookup(pair))
            try world.kernel.pairs.update(pair, word ^ 1 << 40)
            #expect(try probe() == .dropped(BULKHEAD_TORN_READ))
            // No base, a damaged row, no stack.
            try world.kernel.pairs.delete(pair)
            #expect(try probe() == .dropped(BULKHEAD_NO_TABLE))
            try world.setPair(W.egressStack, row: world.row([]))
            #expect(try probe() == .dropped(BULKHEAD_NO_TABLE))
            try world.setPair(W.egressStack, row: BULKHEAD_ARENA_WORDS - 1)
            #expect(try probe() == .dropped(BULKHEAD_NO_TABLE))
            try world.setBase(W.egressStack, allowed: true)
            #expect(try probe() == .passed)
            world.setStack(0, leg: 1, direction: 1)
            #expect(try probe() == .dropped(BULKHEAD_NO_TABLE))
        }

        @Test func theGenerationChoosesTheStack() throws {
            let world = try KernelWorld()
            let probe = Prober(world)
            try world.setBase(20, allowed: false)
            for generation in 1..<4 {
                world.setStack(generation == 2 ? 20 : W.egressStack, leg: 1, direction: 1, generation: generation)
            }
            for generation in UInt64(0)..<9 {
                world.setMeta(BULKHEAD_META_GENERATION, generation)
                #expect(try probe() == (generation % 4 == 2 ? .dropped(W.deny) : .passed), "\(generation)")
            }
        }

        @Test func observingReportsAndDropsNothing() throws {
            let world = try KernelWorld()
            try world.setBase(W.egressStack, allowed: false)
            world.setMeta(BULKHEAD_META_OBSERVE, 1)
            for (packet, outcome) in [
                (P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(5, 80)), W.deny),
                (P.frame(0x8847, [1, 2, 3, 4]), BULKHEAD_UNKNOWN_FRAME.rawValue),
                (P.ipv4("10.0.0.9", "10.0.0.2", 17, P.udp(5, 80)), BULKHEAD_SPOOFED_SOURCE.rawValue),
            ] {
                let (verdict, events) = try world.sendReporting(.fromWorkload, packet)
                #expect(verdict == .passed)
                #expect(events.map(\.kind) == [BULKHEAD_EVENT_DENIED])
                #expect(events.map(\.observed) == [true])
                #expect(events.map(\.outcome) == [outcome])
            }
            #expect(try world.kernel.halfOpen.count() == 0)
        }

        @Test func aFloodOfDenialsLeavesRoomForConnections() throws {
            let world = try KernelWorld()
            try world.setBase(W.egressStack, allowed: false)
            let packet = P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(5, 80))
            _ = try world.run(.fromWorkload, packet, repetitions: 100_000)
            let lost = try world.kernel.counters.total(BULKHEAD_COUNTER_EVENTS_LOST.rawValue)
            #expect(try world.run(.toWorkload, P.ipv4("10.0.0.2", "10.0.0.1", 17, P.udp(5, 80))).passed)
            var denied: UInt64 = 0
            var opened = 0
            world.drain { event in
                if event.kind == BULKHEAD_EVENT_DENIED { denied += 1 }
                if event.kind == BULKHEAD_EVENT_OPENED { opened += 1 }
            }
            #expect(opened == 1)
            #expect(denied + lost == 100_000)
            #expect(lost > 0)
            #expect(denied > 50_000)
        }
    }
}
