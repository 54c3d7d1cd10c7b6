import PolicyModel
import Testing

@Suite struct AddressTextTests {
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("10.1.2.3", "10.1.2.3"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:db8::1", "2001:db8::1"),
        ("2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        // RFC 5952 section 4.2.2: one group of zeros is not shortened.
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        // Section 4.2.3: the longest run, and the first of equal runs.
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("::FFFF:C000:201", "::ffff:192.0.2.1"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ("fe80::1", "fe80::1"), ("0:0:0:0:0:0:0:0", "::"),
    ])
    func readsAndWrites(text: String, expected: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == expected)
        #expect(IPAddress(expected) == address)
    }

    @Test(arguments: [
        "", ".", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "01.2.3.4", "1.2.3.00", "256.1.1.1", "1.2.3.-4", "+1.2.3.4",
        "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "0x1.2.3.4", "1..2.3", "1.2.3.4/32", "１.2.3.4",
        ":", ":::", "1:::2", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
        ":1", "1:", "12345::", "g::", "fe80::1%eth0", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "::01.2.3.4", "[::1]",
    ])
    func refuses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3/8", "10.0.0.0/8"), ("10.1.2.3", "10.1.2.3/32"), ("0.0.0.0/0", "0.0.0.0/0"),
        ("1.2.3.4/0", "0.0.0.0/0"), ("1.2.3.4/31", "1.2.3.4/31"), ("1.2.3.5/31", "1.2.3.4/31"), ("::/0", "::/0"),
        ("2001:DB8::1/32", "2001:db8::/32"), ("2001:db8::1", "2001:db8::1/128"), ("1:2:3:4:5:6:7:8/64", "1:2:3:4::/64"),
        ("1:2:3:4:5:6:7:8/65", "1:2:3:4::/65"), ("1:2:3:4:ffff:6:7:8/65", "1:2:3:4:8000::/65"),
        ("::ffff:10.0.0.1/104", "::ffff:10.0.0.0/104"),
    ])
    func readsBlocks(text: String, expected: String) throws {
        let block = try #require(AddressBlock(text))
        #expect(block.description == expected)
        #expect(AddressBlock(expected) == block)
    }

    @Test(arguments: [
        "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8/8",
        "10.0.0/8", "10.0.0.0/255.0.0.0", "10.0.0.0 /8", "::/1280000000000",
    ])
    func refusesBlocks(text: String) {
        #expect(AddressBlock(text) == nil)
    }

    @Test(arguments: [
        (JSONValue.integer(80), "80"), (.integer(1), "1"), (.integer(65535), "65535"), (.string("80"), "80"),
        (.string("1000:2000"), "1000:2000"), (.string("80:80"), "80"), (.string("1:65535"), "1:65535"),
    ])
    func readsPorts(value: JSONValue, expected: String) throws {
        #expect(try PortRange(json: value).description == expected)
    }

    @Test(arguments: [
        (JSONValue.integer(0), "port 0 is out of range: ports are 1 to 65535"),
        (.integer(70000), "port 70000 is out of range: ports are 1 to 65535"),
        (.integer(-1), "port -1 is out of range: ports are 1 to 65535"),
        (.string("0"), "port 0 is out of range: ports are 1 to 65535"),
        (.string("99999999999999999999"), "port number is out of range: ports are 1 to 65535"),
        (.string("0:80"), "port 0 is out of range: ports are 1 to 65535"),
        (.string("80:65536"), "port 65536 is out of range: ports are 1 to 65535"),
        (.string("2000:1000"), "the range 2000:1000 is reversed: write the lower port first, 1000:2000"),
        (.string(""), "\"\" is no port: write a number, a range such as 8000:8080, or a name"),
        (.string("80:"), "\"80:\" is no port: write a number, a range such as 8000:8080, or a name"),
        (.string("1:2:3"), "\"1:2:3\" is no port: write a number, a range such as 8000:8080, or a name"),
        (.bool(true), "must be a number or a text, not a boolean"), (.null, "must be a number or a text, not null"),
    ])
    func refusesPorts(value: JSONValue, message: String) {
        #expect(throws: PortRange.TextError.malformed(message)) { try PortRange(json: value) }
    }

    @Test func namedPortsAreToldApart() {
        for name in ["http", "my-port.1", "-80"] {
            #expect(throws: PortRange.TextError.named(name)) { try PortRange(json: .string(name)) }
        }
    }

    @Test(arguments: [
        (JSONValue.string("TCP"), UInt8(6)), (.string("tcp"), 6), (.string("Udp"), 17), (.string("icmpv6"), 58), (.string("ICMP"), 1),
        (.string("sctp"), 132), (.string("UDPLite"), 136), (.integer(1), 1), (.integer(255), 255), (.string("47"), 47),
    ])
    func readsProtocols(value: JSONValue, number: UInt8) {
        #expect(TransportProtocol(value)?.number == number)
    }

    @Test(arguments: [
        JSONValue.string(""), .string("tc"), .string("0"), .string("256"), .string("-1"), .integer(0), .integer(256), .integer(-1),
        .number(6.5), .bool(true), .null, .array([]),
    ])
    func refusesProtocols(value: JSONValue) {
        #expect(TransportProtocol(value) == nil)
    }
}
