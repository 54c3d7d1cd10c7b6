import PolicyEngine
import PolicyModel
import Testing

@testable import PolicyAnalysis

@Suite struct ConnectionSetTests {
    private func set(_ parts: (UInt8, ClosedRange<UInt32>)...) -> ConnectionSet {
        var segments = [ConnectionSet.Segment(start: 0, sources: .none)]
        for (number, ports) in parts {
            let start = UInt32(number) << 16
            for (key, sources) in [(start + ports.lowerBound, SourcePorts.all), (start + ports.upperBound + 1, .none)] {
                if segments.last?.start == key { segments.removeLast() }
                segments.append(ConnectionSet.Segment(start: key, sources: sources))
            }
        }
        return ConnectionSet(segments)
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
            ConnectionSet.all.subtracting(set((6, 22...22))).description
                == "ICMP,ICMPv6,SCTP 1-65535,TCP 1-21,23-65535,UDP 1-65535,UDPLite 1-65535,"
                + "protocol 0,2-5,7-16,18-57,59-131,133-135,137-255")
        let sources = SourcePorts(starts: [(0, false), (1000, true), (2001, false)])
        let limited = ConnectionSet([
            .init(start: 0, sources: .none), .init(start: 6 << 16 | 22, sources: sources), .init(start: 6 << 16 | 23, sources: .none),
            .init(start: 6 << 16 | 80, sources: .all), .init(start: 6 << 16 | 81, sources: .none),
        ])
        #expect(limited.description == "TCP 80,TCP 22 from 1000-2000")
    }

    @Test func setsFollowTheirLaws() {
        let web = set((6, 80...443))
        let tail = set((6, 400...500), (17, 53...53))
        #expect(web.intersection(tail) == set((6, 400...443)))
        #expect(web.subtracting(tail) == set((6, 80...399)))
        #expect(web.intersection(.all) == web)
        #expect(web.subtracting(.all).isEmpty)
        #expect(ConnectionSet.all.subtracting(web).intersection(web).isEmpty)
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
