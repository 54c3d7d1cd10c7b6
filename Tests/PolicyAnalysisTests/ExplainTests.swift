import PolicyAnalysis
import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

/// The answer for programs, to the letter of the contract.
@Suite struct ExplainTests {
    private func explain(
        _ source: String, _ destination: String, _ port: String, sourcePort: UInt16? = nil, version: IPVersion? = nil,
        hostAddresses: [IPAddress] = []
    ) throws -> Explanation {
        let from = try #require(ExplainEnd(source))
        let to = try #require(ExplainEnd(destination))
        let specification = try PortSpecification(port)
        return try Explain.explain(
            world: ExplainWorld.world(), source: from, destination: to, transport: specification.transport,
            destinationPort: specification.destinationPort, sourcePort: sourcePort, version: version,
            hostAddresses: hostAddresses)
    }

    private func end(
        _ endpoint: String, _ direction: String, _ verdict: String, tier: String = "", kind: String,
        namespace: String = "", policy: String = "", rule: Int64 = -1, trigger: [JSONValue] = []
    ) -> JSONValue {
        .object([
            "endpoint": .string(endpoint), "direction": .string(direction), "verdict": .string(verdict),
            "tier": .string(tier), "kind": .string(kind), "namespace": .string(namespace), "policy": .string(policy),
            "rule": .integer(rule), "trigger": .array(trigger),
        ])
    }

    private func answer(_ verdict: String, _ ends: JSONValue...) -> JSONValue {
        .object(["verdict": .string(verdict), "ends": .array(ends)])
    }

    private func trigger(_ name: String) -> JSONValue {
        .object(["kind": .string("NetworkPolicy"), "namespace": .string("shop"), "policy": .string(name)])
    }

    private var webEgress: JSONValue {
        end(
            "shop/web", "egress", "Allow", tier: "default", kind: "NetworkPolicy", namespace: "shop", policy: "other",
            rule: 0)
    }

    @Test func rulesAtBothEnds() throws {
        let expected = answer(
            "Allow", webEgress,
            end(
                "shop/db", "ingress", "Allow", tier: "default", kind: "NetworkPolicy", namespace: "shop",
                policy: "allow-web", rule: 0))
        #expect(try explain("shop/web", "shop/db", "tcp/5432").json == expected)
        #expect(
            try explain("10.0.0.1", "10.0.0.2", "tcp/5432").json == expected, "an endpoint's address means the endpoint"
        )
        #expect(
            try explain("shop/web", "shop/db", "tcp/5432").json.text()
                == #"{"ends":[{"direction":"egress","endpoint":"shop/web","kind":"NetworkPolicy","namespace":"shop","policy":"other","rule":0,"tier":"default","trigger":[],"verdict":"Allow"},{"direction":"ingress","endpoint":"shop/db","kind":"NetworkPolicy","namespace":"shop","policy":"allow-web","rule":0,"tier":"default","trigger":[],"verdict":"Allow"}],"verdict":"Allow"}"#
        )
    }

    @Test func endOfTierNamesItsTriggers() throws {
        #expect(
            try explain("shop/web", "shop/db", "tcp/22").json
                == answer(
                    "Deny", webEgress,
                    end(
                        "shop/db", "ingress", "Deny", tier: "default", kind: "EndOfTier",
                        trigger: [trigger("allow-web"), trigger("closed")])))
    }

    @Test func endsAfterADenialAreListed() throws {
        let explanation = try explain("shop/web", "lab/stranger", "tcp/80")
        #expect(
            explanation.json
                == answer(
                    "Deny",
                    end("shop/web", "egress", "Deny", tier: "default", kind: "EndOfTier", trigger: [trigger("other")]),
                    end("lab/stranger", "ingress", "Allow", kind: "Profile", policy: "kns.lab", rule: 0)))
    }

    @Test func globalPoliciesHaveNoNamespace() throws {
        #expect(
            try explain("lab/stranger", "shop/db", "udp/53").json
                == answer(
                    "Deny", end("lab/stranger", "egress", "Allow", kind: "Profile", policy: "kns.lab", rule: 0),
                    end(
                        "shop/db", "ingress", "Deny", tier: "security", kind: "GlobalNetworkPolicy",
                        policy: "security.guard", rule: 1)))
    }

    @Test func aMissingNamespaceDenies() throws {
        #expect(
            try explain("gone/lost", "2001:db8:ffff::1", "47").json
                == answer("Deny", end("gone/lost", "egress", "Deny", kind: "Profile")))
    }

    @Test func theHostReachesItsWorkloads() throws {
        #expect(
            try explain("host", "shop/db", "tcp/22").json
                == answer("Allow", end("shop/db", "ingress", "Allow", kind: "System", policy: "local host")))
    }

    @Test func towardsTheHostOnlyEgressIsAsked() throws {
        #expect(
            try explain("shop/web", "host", "tcp/22").json
                == answer(
                    "Deny",
                    end("shop/web", "egress", "Deny", tier: "default", kind: "EndOfTier", trigger: [trigger("other")])))
    }

    @Test func anEndpointReachesItself() throws {
        let expected = answer(
            "Allow", end("shop/db", "egress", "Allow", kind: "System", policy: "self"),
            end("shop/db", "ingress", "Allow", kind: "System", policy: "self"))
        #expect(try explain("shop/db", "shop/db", "tcp/1").json == expected)
        #expect(try explain("shop/db", "10.0.0.2", "tcp/1").json == expected)
    }

    @Test func nobodyIsPolicedBetweenStrangers() throws {
        #expect(try explain("192.0.2.1", "192.0.2.2", "tcp/1").json == answer("Allow"))
    }

    @Test func choosesTheVersion() throws {
        #expect(try explain("shop/web", "shop/db", "tcp/1").packet.version == .v4)
        #expect(try explain("shop/web", "shop/db", "tcp/1", version: .v6).packet.version == .v6)
        #expect(try explain("shop/web", "2001:db8::2", "tcp/1").packet.version == .v6)
        #expect(try explain("shop/web", "shop/db", "icmpv6/128/0").packet.version == .v6)
        #expect(try explain("shop/web", "gone/lost", "tcp/1").packet.version == .v6)
        #expect(try explain("gone/lost", "host", "tcp/1").packet.version == .v6)
    }

    @Test func fillsTheTuple() throws {
        #expect(try explain("shop/web", "shop/db", "tcp/1").packet.sourcePort == 49152)
        #expect(try explain("shop/web", "shop/db", "tcp/1", sourcePort: 7).packet.sourcePort == 7)
        #expect(try explain("shop/web", "shop/db", "47", sourcePort: 7).packet.sourcePort == 0)
        let host = try #require(IPAddress("10.0.0.254"))
        #expect(try explain("shop/web", "host", "tcp/1", hostAddresses: [host]).packet.destination == host)
    }

    @Test func saysWhatCannotBeAnswered() throws {
        #expect(
            message("shop/nobody", "shop/db")
                == "there is no workload endpoint shop/nobody; `bulkhead workload list` shows those that are known")
        #expect(
            message("shop/web", "shop/bare")
                == "workload endpoint shop/bare has no address yet; ask again when it has one, or name an address instead"
        )
        #expect(
            message("lab/stranger", "gone/lost")
                == "no packet can go from lab/stranger (IPv4) to gone/lost (IPv6): name two ends that share an IP version"
        )
        #expect(
            message("shop/web", "10.0.0.2", version: .v6)
                == "no packet can go from shop/web (IPv4 and IPv6) to 10.0.0.2 (IPv4): name two ends that share an IP version"
        )
    }

    private func message(_ source: String, _ destination: String, version: IPVersion? = nil) -> String? {
        do {
            _ = try explain(source, destination, "tcp/1", version: version)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func readsEnds() {
        #expect(ExplainEnd("host") == .host)
        #expect(ExplainEnd("shop/web") == .endpoint(ExplainWorld.web))
        #expect(ExplainEnd("10.0.0.1") == IPAddress("10.0.0.1").map(ExplainEnd.address))
        for text in ["", "web", "/web", "shop/", "a/b/c", "10.0.0.1/32/1"] { #expect(ExplainEnd(text) == nil) }
    }

    /// Over generated worlds the text keeps its width and ends with the oracle's decision.
    @Test func textsFitTheTerminal() throws {
        var texts = 0
        for example in CaseGenerator(seed: 5, packetsPerWorld: 20).cases(20) {
            for probe in example.probes {
                let explanation = try Explain.explain(
                    world: example.world, source: .address(probe.packet.source),
                    destination: .address(probe.packet.destination), transport: probe.packet.transport,
                    destinationPort: probe.packet.destinationPort, sourcePort: probe.packet.sourcePort)
                let lines = explanation.text.split(separator: "\n", omittingEmptySubsequences: false)
                #expect(lines.allSatisfy { $0.count <= 100 && !$0.hasSuffix(" ") })
                texts += lines.count > 1 ? 1 : 0
            }
        }
        #expect(texts == 400)
    }
}
