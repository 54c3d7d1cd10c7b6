import Testing

@testable import WorkloadSources

@Suite struct ContainerdTests {
    @Test func fieldsAreFoundByTheirNumbers() throws {
        // 1: "web", 2: {1: "app", 2: "shop"}, 3: 300, 4: eight bytes, 5: four bytes, 1 again.
        let bytes: [UInt8] =
            [0x0a, 3] + Array("web".utf8) + [0x12, 11, 0x0a, 3] + Array("app".utf8) + [0x12, 4] + Array("shop".utf8)
            + [0x18, 0xac, 0x02, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2d, 1, 2, 3, 4, 0x0a, 2] + Array("it".utf8)
        let message = try ProtobufMessage(bytes)
        #expect(message.text(1) == "it")
        #expect(message.texts[1]?.count == 2)
        #expect(try message.table(2) == ["app": "shop"])
        #expect(message.numbers[3] == 300)
        #expect(message.text(9).isEmpty)
        #expect(try ProtobufMessage(ProtobufMessage.encode(String(repeating: "x", count: 300), field: 1)).text(1).count == 300)
    }

    @Test func whatIsCutShortIsRefused() {
        let whole: [UInt8] = [0x0a, 3] + Array("web".utf8) + [0x18, 0xac, 0x02]
        for length in 1..<whole.count where length != 5 {
            #expect(throws: WorkloadSourceError.self, "\(length) bytes") { try ProtobufMessage(Array(whole.prefix(length))) }
        }
        for damaged: [UInt8] in [[0x0b], [0x00], [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], Array(repeating: 0xff, count: 11)] {
            #expect(throws: WorkloadSourceError.self, "\(damaged)") { try ProtobufMessage(damaged) }
        }
    }

    @Test func identifiersAreToldApart() {
        let places = [("default", "web"), ("default-web", "x"), ("default", "web-x"), ("a", "b/c"), ("a", "b_c"), ("a", "b-5fc"), ("tenant", "Web_1.é")]
            .map { ContainerdIdentifier(namespace: $0, name: $1) }
        #expect(Set(places.map(\.text)).count == places.count)
        for place in places {
            #expect(ContainerdIdentifier(place.text) == place)
            #expect(place.text.utf8.allSatisfy { UInt8(ascii: "0") <= $0 || $0 == UInt8(ascii: "-") })
        }
        #expect(places[0].text == "default-2fweb")
        #expect(ContainerdIdentifier("0123456789abcdef") == nil)
        #expect(ContainerdIdentifier("web-2") == nil)
    }

    @Test func portsThatNerdctlPublished() {
        let label = #"[{"HostPort":8080,"ContainerPort":80,"Protocol":"tcp","HostIP":"0.0.0.0"},{"HostPort":53,"ContainerPort":5353,"Protocol":"udp","HostIP":"::1"}]"#
        #expect(ContainerdConnection.publishedPorts(label) == ["0.0.0.0:8080 -> 80/tcp", "[::1]:53 -> 5353/udp"])
        #expect(ContainerdConnection.publishedPorts("").isEmpty)
    }
}
