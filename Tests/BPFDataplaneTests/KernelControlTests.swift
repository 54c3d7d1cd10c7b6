import CBPF
import Testing

@testable import BPFDataplane

extension KernelTests {
    /// With a policy that denies everything: control traffic is not policy's business.
    @Suite struct Control {
        typealias P = KernelPacket

        func closedWorld() throws -> KernelWorld {
            let world = try KernelWorld()
            try world.setBase(KernelWorld.egressStack, allowed: false)
            try world.setBase(KernelWorld.ingressStack, allowed: false)
            return world
        }

        @Test func arp() throws {
            let world = try closedWorld()
            #expect(
                try world.send(.fromWorkload, P.arp(operation: 1, sender: "10.0.0.1", target: "10.0.0.2")) == .passed)
            #expect(
                try world.send(.fromWorkload, P.arp(operation: 1, sender: "0.0.0.0", target: "10.0.0.1")) == .passed)
            for operation: UInt16 in [1, 2] {
                #expect(
                    try world.send(.fromWorkload, P.arp(operation: operation, sender: "10.0.0.9", target: "10.0.0.9"))
                        == .dropped(BULKHEAD_SPOOFED_NEIGHBOUR))
            }
            #expect(try world.send(.toWorkload, P.arp(operation: 2, sender: "10.0.0.9", target: "10.0.0.1")) == .passed)
            #expect(try world.count(BULKHEAD_CONTROL) == 3)
        }

        @Test func nothingRidesOnAddressResolution() throws {
            let world = try closedWorld()
            let malformed = KernelWorld.Verdict.dropped(BULKHEAD_MALFORMED)
            func padded(_ frame: [UInt8], to length: Int) -> [UInt8] {
                frame + [UInt8](repeating: 0x5a, count: length - frame.count)
            }
            let request = P.arp(operation: 1, sender: "10.0.0.1", target: "10.0.0.2")
            let reply = P.arp(operation: 2, sender: "10.0.0.2", target: "10.0.0.1")
            #expect(try world.send(.fromWorkload, padded(request, to: 60)) == .passed)
            #expect(try world.send(.fromWorkload, padded(request, to: 61)) == malformed)
            #expect(try world.send(.toWorkload, padded(reply, to: 60)) == .passed)
            #expect(try world.send(.toWorkload, padded(reply, to: 61)) == malformed)

            func message(_ type: UInt8, options: Int, extensions: [UInt8] = []) -> [UInt8] {
                let body = P.icmp(
                    type, 0, rest: P.address("fd00::1") + [UInt8](repeating: 1, count: options))
                return P.ipv6(
                    type == 134 ? "fe80::7" : "fd00::1", "ff02::1", extensions.isEmpty ? 58 : 60, extensions + body,
                    hopLimit: 255, group: true)
            }
            for type: UInt8 in [133, 135, 136] {
                for side in [KernelWorld.Side.fromWorkload, .toWorkload] {
                    #expect(try world.send(side, message(type, options: 40)) == .passed)
                    #expect(try world.send(side, message(type, options: 48)) == malformed)
                    // Neither behind the message nor before it.
                    #expect(try world.send(side, message(type, options: 40) + [0x5a]) == malformed)
                    let extensions: [UInt8] = [58, 4, 1, 36] + [UInt8](repeating: 0x5a, count: 36)
                    #expect(try world.send(side, message(type, options: 8, extensions: extensions)) == malformed)
                }
            }
            #expect(try world.send(.toWorkload, message(134, options: 400)) == .passed)
        }

        func discovery(_ type: UInt8, source: String, target: String, hopLimit: UInt8 = 255) -> [UInt8] {
            P.ipv6(source, "ff02::1", 58, P.icmp(type, 0, rest: P.address(target)), hopLimit: hopLimit, group: true)
        }

        @Test func neighbourDiscovery() throws {
            let world = try closedWorld()
            let spoofed = KernelWorld.Verdict.dropped(BULKHEAD_SPOOFED_NEIGHBOUR)
            func from(_ packet: [UInt8]) throws -> KernelWorld.Verdict { try world.send(.fromWorkload, packet) }
            #expect(try from(discovery(135, source: "fd00::1", target: "fd00::2")) == .passed)
            #expect(try from(discovery(135, source: "fe80::5", target: "fd00::2")) == .passed)
            #expect(try from(discovery(135, source: "::", target: "fd00::1")) == .passed)
            #expect(try from(discovery(135, source: "::", target: "fd00::2")) == spoofed)
            #expect(try from(discovery(135, source: "fd00::9", target: "fd00::2")) == spoofed)
            #expect(try from(discovery(135, source: "fd00::1", target: "fd00::2", hopLimit: 254)) == spoofed)
            #expect(try from(discovery(136, source: "fd00::1", target: "fd00::1")) == .passed)
            #expect(try from(discovery(136, source: "fe80::5", target: "fe80::5")) == .passed)
            #expect(try from(discovery(136, source: "fd00::1", target: "fd00::2")) == spoofed)
            #expect(try from(discovery(133, source: "fe80::5", target: "::")) == .passed)
            #expect(
                try from(discovery(134, source: "fe80::5", target: "::")) == .dropped(BULKHEAD_ROUTER_ADVERTISEMENT))
            #expect(try from(discovery(137, source: "fe80::5", target: "::")) == .dropped(BULKHEAD_REDIRECT))
            for type: UInt8 in [134, 135, 136] {
                #expect(try world.send(.toWorkload, discovery(type, source: "fe80::7", target: "fd00::1")) == .passed)
                #expect(
                    try world.send(.toWorkload, discovery(type, source: "fe80::7", target: "fd00::1", hopLimit: 64))
                        == spoofed)
            }
            #expect(
                try world.send(.toWorkload, discovery(137, source: "fe80::7", target: "fd00::1"))
                    == .dropped(BULKHEAD_REDIRECT))
            // Never in fragments (RFC 6980).
            let fragment: [UInt8] = [58, 0, 0, 1, 0, 0, 0, 9]
            let packet = P.ipv6(
                "fd00::1", "ff02::1", 44, fragment + P.icmp(135, 0, rest: P.address("fd00::2")), hopLimit: 255)
            #expect(try from(packet) == .dropped(BULKHEAD_FRAGMENT))
        }

        /// No object names link-local addresses: the first that an interface uses is its own.
        @Test func anInterfaceSpeaksForOneLinkLocalAddress() throws {
            let world = try closedWorld()
            let spoofed = KernelWorld.Verdict.dropped(BULKHEAD_SPOOFED_NEIGHBOUR)
            func from(_ packet: [UInt8]) throws -> KernelWorld.Verdict { try world.send(.fromWorkload, packet) }
            func advertisement(_ address: String) -> [UInt8] { discovery(136, source: address, target: address) }
            // What others say teaches nothing.
            #expect(try world.send(.toWorkload, advertisement("fe80::7")) == .passed)
            #expect(try from(discovery(135, source: "::", target: "fe80::5")) == .passed)
            #expect(try from(advertisement("fe80::5")) == .passed)
            for other in ["fe80::7", "fe80::1:0:0:5", "fe81::5", "fe80::"] {
                #expect(try from(advertisement(other)) == spoofed, "\(other)")
                #expect(try from(discovery(136, source: "fe80::5", target: other)) == spoofed, "\(other)")
                #expect(try from(discovery(135, source: "::", target: other)) == spoofed, "\(other)")
                #expect(try from(discovery(133, source: other, target: "::")) == spoofed, "\(other)")
            }
            let report = P.ipv6("fe80::7", "ff02::16", 58, P.icmp(143, 0), hopLimit: 1, group: true)
            #expect(try from(report) == .dropped(BULKHEAD_SPOOFED_SOURCE))
            let question = P.ipv6("fe80::7", "ff02::1:2", 17, P.udp(546, 547), group: true)
            #expect(try from(question) == .dropped(BULKHEAD_SPOOFED_SOURCE))

            // Silence frees the place.
            let own = try world.linkLocal(ofSlot: 1)
            try world.setLinkLocal(ofSlot: 1, seen: own.seen &- 599_000_000_000)
            #expect(try from(advertisement("fe80::7")) == spoofed)
            try world.setLinkLocal(ofSlot: 1, seen: own.seen &- 601_000_000_000)
            #expect(try from(advertisement("fe80::7")) == .passed)
            #expect(try from(advertisement("fe80::5")) == spoofed)
            // Another endpoint with the slot begins anew.
            world.setSlot(1, attached: world.now, flags: 0)
            #expect(try from(advertisement("fe80::5")) == .passed)
            #expect(try from(advertisement("fe80::7")) == spoofed)
        }

        @Test func groupMembership() throws {
            let world = try closedWorld()
            let alert: [UInt8] = [0x94, 4, 0, 0]
            let report: [UInt8] = [0x22, 0, 0, 0, 0, 0, 0, 1]
            let query: [UInt8] = [0x11, 0, 0, 0, 0, 0, 0, 0]
            func igmp(_ source: String, _ payload: [UInt8], hopLimit: UInt8 = 1) -> [UInt8] {
                P.ipv4(source, "224.0.0.22", 2, payload, options: alert, hopLimit: hopLimit, group: true)
            }
            #expect(try world.send(.fromWorkload, igmp("10.0.0.1", report)) == .passed)
            #expect(try world.send(.fromWorkload, igmp("0.0.0.0", report)) == .passed)
            #expect(try world.send(.fromWorkload, igmp("10.0.0.9", report)) == .dropped(BULKHEAD_SPOOFED_SOURCE))
            #expect(try world.send(.fromWorkload, igmp("10.0.0.1", query)) == .dropped(BULKHEAD_ROUTER_ADVERTISEMENT))
            #expect(try world.send(.toWorkload, igmp("10.0.0.254", query)) == .passed)
            for type: UInt8 in [0x12, 0x16, 0x17] {
                #expect(try world.send(.fromWorkload, igmp("10.0.0.1", [type] + report.dropFirst())) == .passed)
            }
            // What a router would forward, and other messages of the protocol (here a multicast router's advertisement).
            for packet in [igmp("10.0.0.1", report, hopLimit: 2), igmp("10.0.0.1", [0x30] + report.dropFirst())] {
                #expect(try world.send(.fromWorkload, packet) == .dropped(KernelWorld.deny))
                #expect(try world.send(.toWorkload, packet) == .dropped(BULKHEAD_MULTICAST))
            }

            func mld(_ type: UInt8, _ source: String, hopLimit: UInt8 = 1) -> [UInt8] {
                P.ipv6(
                    source, "ff02::16", 0, [58, 0, 5, 2, 0, 0, 1, 0] + P.icmp(type, 0), hopLimit: hopLimit, group: true)
            }
            #expect(try world.send(.fromWorkload, mld(143, "fe80::5")) == .passed)
            #expect(try world.send(.fromWorkload, mld(143, "::")) == .passed)
            #expect(
                try world.send(.fromWorkload, mld(143, "fe80::5", hopLimit: 2)) == .dropped(BULKHEAD_SPOOFED_SOURCE))
            #expect(try world.send(.fromWorkload, mld(130, "fe80::5")) == .dropped(BULKHEAD_ROUTER_ADVERTISEMENT))
            #expect(try world.send(.toWorkload, mld(130, "fe80::7")) == .passed)
        }

        @Test func dhcp() throws {
            let world = try closedWorld()
            let answer = P.ipv4("10.0.0.254", "10.0.0.1", 17, P.udp(67, 68))
            #expect(try world.send(.toWorkload, answer) == .dropped(KernelWorld.deny))
            #expect(
                try world.send(.fromWorkload, P.ipv4("0.0.0.0", "255.255.255.255", 17, P.udp(68, 67), group: true))
                    == .passed)
            // An answer to the address that was asked for, and a broadcast one.
            #expect(try world.send(.toWorkload, answer) == .passed)
            #expect(
                try world.send(.toWorkload, P.ipv4("10.0.0.254", "255.255.255.255", 17, P.udp(67, 68), group: true))
                    == .passed)
            #expect(
                try world.send(.fromWorkload, P.ipv4("0.0.0.0", "255.255.255.255", 17, P.udp(68, 69), group: true))
                    == .dropped(BULKHEAD_SPOOFED_SOURCE))
            #expect(
                try world.send(.fromWorkload, P.ipv6("fe80::5", "ff02::1:2", 17, P.udp(546, 547), group: true))
                    == .passed)
            #expect(try world.send(.toWorkload, P.ipv6("fe80::7", "fe80::5", 17, P.udp(547, 546))) == .passed)
            #expect(
                try world.send(.toWorkload, P.ipv6("fe80::7", "fe80::5", 17, P.udp(53, 546)))
                    == .dropped(BULKHEAD_NOT_ITS_ADDRESS))
        }

        @Test func dhcpIsNoWayAroundPolicy() throws {
            let world = try closedWorld()
            let spoofed = KernelWorld.Verdict.dropped(BULKHEAD_SPOOFED_SOURCE)
            let notItsAddress = KernelWorld.Verdict.dropped(BULKHEAD_NOT_ITS_ADDRESS)
            func question(_ source: String, _ destination: String) -> [UInt8] {
                let payload = source.contains(":") ? P.udp(546, 547) : P.udp(68, 67)
                return source.contains(":")
                    ? P.ipv6(source, destination, 17, payload) : P.ipv4(source, destination, 17, payload)
            }
            for destination in ["10.0.0.2", "10.0.0.255", "224.0.0.1", "0.0.0.0"] {
                #expect(try world.send(.fromWorkload, question("0.0.0.0", destination)) == spoofed, "\(destination)")
            }
            #expect(try world.send(.fromWorkload, question("10.0.0.9", "255.255.255.255")) == spoofed)
            for destination in ["fe80::7", "fd00::2", "ff02::1", "ff05::1:3", "ff02::1:3", "fe80::5"] {
                #expect(try world.send(.fromWorkload, question("fe80::5", destination)) == spoofed, "\(destination)")
            }
            #expect(try world.send(.fromWorkload, question("::", "ff02::1:2")) == spoofed)

            // None of these was a question, so there is no answer.
            let offer = P.ipv4("10.0.0.254", "10.0.0.7", 17, P.udp(67, 68))
            let broadcast = P.ipv4("10.0.0.254", "255.255.255.255", 17, P.udp(67, 68), group: true)
            let advertisement = P.ipv6("fe80::7", "fe80::5", 17, P.udp(547, 546))
            #expect(try world.send(.toWorkload, offer) == notItsAddress)
            #expect(try world.send(.toWorkload, broadcast) == .dropped(BULKHEAD_MULTICAST))
            #expect(try world.send(.toWorkload, advertisement) == notItsAddress)

            #expect(try world.send(.fromWorkload, question("0.0.0.0", "255.255.255.255")) == .passed)
            #expect(try world.send(.toWorkload, offer) == .passed)
            #expect(try world.send(.toWorkload, broadcast) == .passed)
            #expect(try world.send(.toWorkload, advertisement) == notItsAddress)
            #expect(try world.send(.fromWorkload, question("fe80::5", "ff02::1:2")) == .passed)
            #expect(try world.send(.toWorkload, advertisement) == .passed)
            // Only to the address that asked, and only on the link.
            #expect(
                try world.send(.toWorkload, P.ipv6("fe80::7", "fe80::6", 17, P.udp(547, 546))) == notItsAddress)
            #expect(
                try world.send(.toWorkload, P.ipv6("fd00::7", "fe80::5", 17, P.udp(547, 546))) == notItsAddress)

            try forgetQuestions(world)
            #expect(try world.send(.toWorkload, offer) == notItsAddress)
            #expect(try world.send(.toWorkload, broadcast) == .dropped(BULKHEAD_MULTICAST))
            #expect(try world.send(.toWorkload, advertisement) == notItsAddress)
        }

        /// Makes what was asked look as if it were 31 seconds ago.
        func forgetQuestions(_ world: KernelWorld) throws {
            var records: [(bulkhead_fragment_key, bulkhead_fragment)] = []
            try world.kernel.fragments.forEach { records.append(($0, $1)) }
            #expect(records.count == 2)
            for (key, var value) in records {
                value.seen = world.now &- 31_000_000_000
                try world.kernel.fragments.update(key, value)
            }
        }
    }
}
