import PolicyEngine
import PolicyModel
import Testing

@testable import PolicyAnalysis

@Suite struct ConnectionSetTests {
    private func set(_ parts: (UInt8, ClosedRange<UInt32>)...) -> ConnectionSet {
        var found = [ConnectionSet.Part(start: 0, isAllowed: false)]
        for (number, ports) in parts {
            let start = UInt32(number) << 16
            for (key, isAllowed) in [(start + ports.lowerBound, true), (start + ports.upperBound + 1, false)] {
                if found.last?.start == key { found.removeLast() }
                found.append(ConnectionSet.Part(start: key, isAllowed: isAllowed))
            }
        }
        return ConnectionSet(found)
    }

    @Test func readsAsTheGrammarSays() {
        #expect(ConnectionSet.all.description == "All Connections")
        #expect(ConnectionSet.none.description == "No Connections")
        #expect(
            set((6, 80...80), (6, 8000...8100), (17, 53...53), (132, 1...1)).description == "SCTP 1,TCP 80,8000-8100,UDP 53")
        #expect(set((6, 0...65535)).description == "TCP 1-65535")
        // Port 0 is no port of a socket.
        #expect(set((6, 1...65535)) == set((6, 0...65535)))
        #expect(set((1, 0...65535)).description == "ICMP")
        #expect(set((1, 0x0800...0x08ff)).description == "ICMP 8")
        #expect(set((1, 0x0800...0x0800), (1, 0x0a03...0x0c01)).description == "ICMP 8/0,10/3-255,11,12/0-1")
        #expect(set((47, 0...0), (50, 0...0), (51, 0...65535)).description == "protocol 47,50-51")
        // Other keys of a protocol without ports belong to no packet.
        #expect(set((47, 1...65535)).isEmpty)
        #expect(
            ConnectionSet([
                .init(start: 0, isAllowed: true), .init(start: 6 << 16 | 22, isAllowed: false), .init(start: 6 << 16 | 23, isAllowed: true),
            ]).description
                == "ICMP,ICMPv6,SCTP 1-65535,TCP 1-21,23-65535,UDP 1-65535,UDPLite 1-65535,"
                + "protocol 0,2-5,7-16,18-57,59-131,133-135,137-255")
        let sources = SourcePorts(starts: [(0, false), (1000, true), (2001, false)])
        let limited = ConnectionSet([
            .init(start: 0, isAllowed: false), .init(start: 6 << 16 | 22, sources: sources, isAllowedWithoutPorts: false),
            .init(start: 6 << 16 | 23, isAllowed: false), .init(start: 6 << 16 | 80, isAllowed: true),
            .init(start: 6 << 16 | 81, isAllowed: false),
        ])
        #expect(limited.description == "TCP 80,TCP 22 from 1000-2000")
        // Packets without ports count as from port 0.
        let fromZero = SourcePorts(starts: [(0, true), (1000, false)])
        let whole = ConnectionSet([.init(start: 0, sources: fromZero, isAllowedWithoutPorts: true)])
        #expect(
            whole.description
                == "ICMP,ICMPv6,SCTP 1-65535 from 1-999,TCP 1-65535 from 1-999,UDP 1-65535 from 1-999,UDPLite 1-65535 from 1-999,"
                + "protocol 0,2-5,7-16,18-57,59-131,133-135,137-255")
    }

    @Test func setsFollowTheirLaws() {
        let web = set((6, 80...443))
        let tail = set((6, 400...500), (17, 53...53))
        #expect(web.intersection(tail) == set((6, 400...443)))
        #expect(web.intersection(.all) == web)
        #expect(web.intersection(.none).isEmpty)
        #expect(web.intersection(set((17, 53...53))).isEmpty)
    }

    @Test func rangesAreMaximal() throws {
        let blocks = ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.1/32", "0.0.0.0/0"].compactMap { AddressBlock($0) }
        #expect(
            AddressRange.cut(.v4, by: blocks).map(\.description) == [
                "0.0.0.0-9.255.255.255", "10.0.0.0-10.0.255.255", "10.1.0.0-10.1.255.255", "10.2.0.0-10.255.255.255",
                "11.0.0.0-192.0.2.0", "192.0.2.1-192.0.2.1", "192.0.2.2-255.255.255.255",
            ])
        #expect(AddressRange.cut(.v6, by: []).map(\.description) == ["::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"])
    }
}
