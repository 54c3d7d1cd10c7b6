import CBPF
import PolicyEngine
import PolicyModel
import Testing

@testable import BPFDataplane

private typealias P = KernelPacket

extension KernelTests {
    /// Addresses that no object names, and frames that are admitted: policy decides them where the tables have a leg for them.
    @Suite struct SharedLegs {
        private let udp = P.udp(1000, 2000)
        private static let groups = [
            P.ipv4("10.0.0.2", "224.0.0.251", 17, P.udp(1000, 2000), group: true),
            P.ipv4("10.0.0.2", "255.255.255.255", 17, P.udp(1000, 2000), group: true),
            P.ipv4("10.0.0.2", "10.0.0.255", 17, P.udp(1000, 2000), group: true),
            P.ipv6("fd00::2", "ff02::fb", 17, P.udp(1000, 2000), group: true),
        ]

        @Test func groupsFollowTheIngressPolicy() throws {
            let world = try KernelWorld()
            for packet in Self.groups {
                #expect(try world.send(.toWorkload, packet) == .dropped(BULKHEAD_MULTICAST))
                #expect(try world.send(.hostToWorkload, packet) == .passed)
            }
            for version in IPVersion.allCases { try world.share(.groups, version) }
            for packet in Self.groups { #expect(try world.send(.toWorkload, packet) == .passed) }
            // A change reaches what goes on, as it does with every flow.
            try world.setBase(KernelWorld.ingressStack, allowed: false)
            world.bumpEpoch()
            for packet in Self.groups { #expect(try world.send(.toWorkload, packet) == .dropped(KernelWorld.deny)) }
        }

        @Test func groupsAreJudgedByTheirSender() throws {
            let world = try KernelWorld()
            try world.share(.groups, .v4)
            try world.setBase(KernelWorld.ingressStack, allowed: false)
            try world.setExact("10.0.0.2", 5)
            try world.setPair(
                KernelWorld.ingressStack, exact: 5, prefix: 0, row: world.row([(0, KernelWorld.outcome(allowed: true))]))
            #expect(try world.send(.toWorkload, Self.groups[0]) == .passed)
            let other = P.ipv4("10.0.0.3", "224.0.0.251", 17, udp, group: true)
            #expect(try world.send(.toWorkload, other) == .dropped(KernelWorld.deny))
        }

        @Test func linkLocalTrafficIsPolicedLikeAnyOther() throws {
            let world = try KernelWorld()
            let out = P.ipv6("fe80::5", "fe80::7", 17, udp)
            let back = P.ipv6("fe80::7", "fe80::5", 17, P.udp(2000, 1000))
            let other = P.ipv6("fe80::7", "fe80::5", 17, P.udp(9, 9))
            #expect(try world.send(.fromWorkload, out) == .dropped(BULKHEAD_SPOOFED_SOURCE))
            #expect(try world.send(.toWorkload, other) == .dropped(BULKHEAD_NOT_ITS_ADDRESS))
            try world.share(.linkLocal, .v6)
            try world.setBase(KernelWorld.ingressStack, allowed: false)
            #expect(try world.send(.fromWorkload, out) == .passed)
            #expect(try world.send(.toWorkload, back) == .passed, "an answer")
            #expect(try world.send(.toWorkload, other) == .dropped(KernelWorld.deny))
            #expect(try world.send(.fromWorkload, P.ipv6("fe80::6", "fe80::7", 17, udp)) == .dropped(BULKHEAD_SPOOFED_SOURCE))
            try world.setBase(KernelWorld.egressStack, allowed: false)
            world.bumpEpoch()
            #expect(try world.send(.fromWorkload, out) == .dropped(KernelWorld.deny))
            #expect(try world.send(.toWorkload, back) == .dropped(KernelWorld.deny))
        }

        /// Or whoever is on the link could choose which address a workload may use.
        @Test func whatOthersSendTeachesNoLinkLocalAddress() throws {
            let world = try KernelWorld()
            try world.share(.linkLocal, .v6)
            #expect(
                try world.send(.toWorkload, P.ipv6("fe80::7", "fe80::9", 17, udp)) == .dropped(BULKHEAD_NOT_ITS_ADDRESS))
            #expect(try world.send(.fromWorkload, P.ipv6("fe80::5", "fe80::7", 17, udp)) == .passed)
            #expect(
                try world.send(.toWorkload, P.ipv6("fe80::7", "fe80::9", 17, udp)) == .dropped(BULKHEAD_NOT_ITS_ADDRESS))
        }

        /// What stands for other addresses is none that a packet can have.
        @Test func noPacketHasAnAddressThatStandsForOthers() throws {
            let world = try KernelWorld()
            for kind in SharedLeg.allCases { for version in IPVersion.allCases { try world.share(kind, version) } }
            for kind in SharedLeg.allCases {
                let (v4, v6) = ("\(kind.address(.v4))", "\(kind.address(.v6))")
                #expect(try world.send(.fromWorkload, P.ipv4(v4, "10.0.0.2", 17, udp)) == .dropped(BULKHEAD_MALFORMED))
                #expect(try world.send(.fromWorkload, P.ipv6(v6, "fd00::2", 17, udp)) == .dropped(BULKHEAD_MALFORMED))
            }
            for source in ["0.0.0.0", "192.0.2.7"] {
                #expect(try world.send(.fromWorkload, P.ipv4(source, "10.0.0.2", 17, udp)) == .dropped(BULKHEAD_SPOOFED_SOURCE))
            }
            for source in ["::", "fd00::7"] {
                #expect(try world.send(.fromWorkload, P.ipv6(source, "fd00::2", 17, udp)) == .dropped(BULKHEAD_SPOOFED_SOURCE))
            }
        }

        @Test func admittedSourcesSendAsPolicyAllows() throws {
            let world = try KernelWorld()
            let block = try #require(AddressBlock("192.0.2.0/24"))
            let source = bulkhead_source_key(AdmittedSource(slot: 1, block: block))
            let packet = P.ipv4("192.0.2.7", "10.0.0.2", 17, udp)
            try world.kernel.admittedSources.update(source, 1)
            #expect(try world.send(.fromWorkload, packet) == .dropped(BULKHEAD_SPOOFED_SOURCE), "without a leg")
            try world.share(.otherSources, .v4)
            #expect(try world.send(.fromWorkload, packet) == .passed)
            #expect(
                try world.send(.fromWorkload, P.ipv4("192.0.3.7", "10.0.0.2", 17, udp)) == .dropped(BULKHEAD_SPOOFED_SOURCE))
            #expect(
                try world.send(.toWorkload, P.ipv4("10.0.0.2", "192.0.2.8", 17, udp)) == .dropped(BULKHEAD_NOT_ITS_ADDRESS))
            try world.setBase(KernelWorld.egressStack, allowed: false)
            world.bumpEpoch()
            #expect(try world.send(.fromWorkload, packet) == .dropped(KernelWorld.deny))
            try world.setBase(KernelWorld.egressStack, allowed: true)
            try world.kernel.admittedSources.delete(source)
            world.bumpEpoch()
            #expect(try world.send(.fromWorkload, packet) == .dropped(BULKHEAD_SPOOFED_SOURCE), "not any more")
        }

        @Test func tunnelsAreJudgedByTheirOutsideWhereTheyAreAdmitted() throws {
            let world = try KernelWorld()
            let tunnels = [
                P.ipv4("10.0.0.1", "10.0.0.2", 4, Array(repeating: 0, count: 20)), P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(9, 4789)),
                P.ipv6("fd00::1", "fd00::2", 41, Array(repeating: 0, count: 40)), P.ipv6("fd00::1", "fd00::2", 17, P.udp(9, 8472)),
            ]
            for packet in tunnels { #expect(try world.send(.fromWorkload, packet) == .dropped(BULKHEAD_TUNNEL)) }
            world.setSlot(1, attached: world.now, flags: BULKHEAD_SLOT_TUNNELS)
            for packet in tunnels { #expect(try world.send(.fromWorkload, packet) == .passed) }
            try world.setBase(KernelWorld.egressStack, allowed: false)
            world.bumpEpoch()
            for packet in tunnels { #expect(try world.send(.fromWorkload, packet) == .dropped(KernelWorld.deny)) }
        }
    }
}
