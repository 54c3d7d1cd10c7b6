import PolicyAnalysis
import PolicyModel
import Testing

/// The answer for people, to the letter.
@Suite struct ExplanationTextTests {
    private func text(_ source: String, _ destination: String, _ port: String, sourcePort: UInt16? = nil) throws -> String {
        let specification = try PortSpecification(port)
        return try Explain.explain(
            world: ExplainWorld.world(), source: #require(ExplainEnd(source)),
            destination: #require(ExplainEnd(destination)), transport: specification.transport,
            destinationPort: specification.destinationPort, sourcePort: sourcePort
        ).text
    }

    @Test func allowedByRules() throws {
        #expect(try text("shop/web", "shop/db", "tcp/5432") == "")
    }

    @Test func deniedAtTheEndOfATier() throws {
        #expect(try text("lab/stranger", "shop/db", "tcp/22", sourcePort: 22) == "")
    }

    @Test func deniedByARule() throws {
        #expect(try text("192.0.2.7", "shop/db", "icmp/8/0") == "")
    }

    @Test func theHost() throws {
        #expect(try text("host", "shop/db", "47") == "")
        #expect(try text("lab/stranger", "host", "tcp/22") == "")
    }

    @Test func itselfAndNobody() throws {
        #expect(try text("shop/db", "shop/db", "udp/53") == "")
        #expect(try text("192.0.2.1", "192.0.2.2", "udp/53") == "")
    }

    @Test func withoutAProfile() throws {
        #expect(try text("gone/lost", "2001:db8::1", "tcp/80") == "")
    }
}
