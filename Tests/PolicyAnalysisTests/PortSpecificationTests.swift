import PolicyAnalysis
import PolicyModel
import Testing

@Suite struct PortSpecificationTests {
    @Test(arguments: [
        ("tcp/5432", TransportProtocol.tcp, UInt16(5432)), ("TCP/0", .tcp, 0), ("udp/53", .udp, 53),
        ("sctp/65535", .sctp, 65535), ("udplite/1", .udpLite, 1), ("6/443", .tcp, 443),
        ("icmp/8/0", .icmp, 0x0800), ("icmp/3/3", .icmp, 0x0303), ("icmp/8", .icmp, 0x0800),
        ("icmpv6/128/0", .icmpV6, 0x8000), ("58/1/4", .icmpV6, 0x0104), ("47", TransportProtocol(number: 47), 0),
        ("0", TransportProtocol(number: 0), 0), ("255", TransportProtocol(number: 255), 0),
    ])
    func reads(_ text: String, _ transport: TransportProtocol, _ port: UInt16) throws {
        #expect(try PortSpecification(text) == PortSpecification(transport: transport, destinationPort: port))
    }

    @Test(arguments: [
        ("", "port ``: `` is no protocol; write tcp/5432, udp/53, icmp/8/0, or a number from 0 to 255"),
        ("256", "port `256`: `256` is no protocol; write tcp/5432, udp/53, icmp/8/0, or a number from 0 to 255"),
        ("http", "port `http`: `http` is no protocol; write tcp/5432, udp/53, icmp/8/0, or a number from 0 to 255"),
        (
            "5432/tcp",
            "port `5432/tcp`: `5432` is no protocol; write tcp/5432, udp/53, icmp/8/0, or a number from 0 to 255"
        ),
        ("tcp", "port `tcp`: write tcp/PORT with one port from 0 to 65535, as in tcp/5432"),
        ("tcp/", "port `tcp/`: write tcp/PORT with one port from 0 to 65535, as in tcp/5432"),
        ("tcp/65536", "port `tcp/65536`: write tcp/PORT with one port from 0 to 65535, as in tcp/5432"),
        ("udp/+53", "port `udp/+53`: write udp/PORT with one port from 0 to 65535, as in udp/5432"),
        ("udp/53/1", "port `udp/53/1`: write udp/PORT with one port from 0 to 65535, as in udp/5432"),
        ("icmp", "port `icmp`: write icmp/TYPE/CODE with numbers from 0 to 255, as in icmp/8/0"),
        ("icmp/8/0/0", "port `icmp/8/0/0`: write icmp/TYPE/CODE with numbers from 0 to 255, as in icmp/8/0"),
        ("icmp/256/0", "port `icmp/256/0`: write icmp/TYPE/CODE with numbers from 0 to 255, as in icmp/8/0"),
        ("47/1", "port `47/1`: protocol 47 has no ports; write 47 alone"),
    ])
    func refuses(_ text: String, _ message: String) {
        #expect(throws: PortSpecificationError.self) { try PortSpecification(text) }
        do { _ = try PortSpecification(text) } catch { #expect(error.description == message) }
    }
}
