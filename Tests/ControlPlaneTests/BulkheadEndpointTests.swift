import Dataplane
import FlowLogs
import PolicyModel
import Testing

@testable import ControlPlane

@Suite struct BulkheadEndpointTests {
    private static let base = "/apis/bulkhead.io/v1alpha1/"

    private static func flow(
        _ reason: Reason?, system: SystemReason? = nil, verdict: Verdict = .deny, direction: Direction = .ingress,
        sourcePort: UInt16 = 40_000, start: Int64 = FlowTime.start
    ) -> FlowRecord {
        FlowRecord(
            startTime: start, endTime: start + 1_500_000_000, verdict: verdict, direction: direction,
            source: nil, destination: EndpointKey(namespace: "shop", name: "web"), sourceAddress: "10.1.2.3",
            destinationAddress: "10.0.0.1", transport: 6, sourcePort: sourcePort, destinationPort: 80, packetsOut: 5,
            bytesOut: 300, packetsIn: 2, bytesIn: 100, reason: reason, systemReason: system, observed: false)
    }

    @Test func showsFlowsInTheNamesOfCalicosAPI() {
        let policy = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "web")
        let value = FlowDocument.value(Self.flow(.rule(tier: "default", policy: policy, index: 2)))
        #expect(value["start_time"] == "2026-01-01T00:00:00.000Z")
        #expect(value["end_time"] == "2026-01-01T00:00:01.500Z")
        #expect(value["reporter"] == "Dst")
        #expect(value["action"] == "Deny")
        #expect(value["source_name"] == "pvt")
        #expect(value["source_namespace"] == "-")
        #expect(value["source_ip"] == "10.1.2.3")
        #expect(value["source_port"] == 40_000)
        #expect(value["dest_name"] == "web")
        #expect(value["dest_namespace"] == "shop")
        #expect(value["protocol"] == "tcp")
        #expect(value["dest_port"] == 80)
        // Seen from the end that was addressed: what the initiator sent came in.
        #expect(value["packets_in"] == 5)
        #expect(value["packets_out"] == 2)
        #expect(value["bytes_in"] == 300)
        #expect(
            value["policies"]?["enforced"] == [
                [
                    "kind": "NetworkPolicy", "name": "web", "namespace": "shop", "tier": "default", "action": "Deny",
                    "policy_index": 0, "rule_index": 2, "trigger": .null,
                ]
            ])
    }

    @Test func showsWhatStagedPoliciesWouldDo() {
        let policy = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "web")
        let staged = PolicyReference(kind: "StagedNetworkPolicy", namespace: "shop", name: "web")
        var record = Self.flow(.rule(tier: "default", policy: policy, index: 2))
        let same = FlowDocument.value(record)["policies"]
        #expect(same?["pending"] == same?["enforced"])
        record.pending = Decision.Pending(.allow, .rule(tier: "default", policy: staged, index: 1))
        let value = FlowDocument.value(record)
        #expect(value["action"] == "Deny")
        #expect(value["policies"]?["enforced"] == same?["enforced"])
        #expect(
            value["policies"]?["pending"] == [
                [
                    "kind": "StagedNetworkPolicy", "name": "web", "namespace": "shop", "tier": "default", "action": "Allow",
                    "policy_index": 0, "rule_index": 1, "trigger": .null,
                ]
            ])
        record.pending = Decision.Pending(.deny, .endOfTier(tier: "default", triggers: [staged]))
        let end = FlowDocument.value(record)["policies"]?["pending"]?.arrayValue?.first
        #expect(end?["kind"] == "EndOfTier")
        #expect(end?["trigger"]?["kind"] == "StagedNetworkPolicy")
        #expect(end?["trigger"]?["action"] == "Deny")
        var system = Self.flow(nil, system: .localHost, verdict: .allow)
        system.pending = nil
        #expect(FlowDocument.value(system)["policies"]?["pending"]?.arrayValue?.first?["kind"] == "System")
    }

    @Test func saysWhatIsNotPoliced() {
        let key = EndpointKey(namespace: "shop", name: "web")
        var endpoint = NodeReport.Endpoint(key: key, interfaceName: "veth1", addresses: [], policed: true, message: "")
        func interfaces(observing: Bool = false) -> ExplainedInterfaces {
            ExplainedInterfaces(
                NodeReport(
                    node: "a", observing: observing, storeRevision: 1, kernelRevision: 1, endpoints: [endpoint],
                    dataplane: DataplaneStatus(
                        revision: 1, policed: [:], maps: [], systemCounts: [:], eventsLost: 0, warnings: []), warnings: []))
        }
        let end: JSONValue = ["endpoint": "shop/web", "verdict": "Deny"]
        #expect(interfaces().complete(end) == ["endpoint": "shop/web", "verdict": "Deny", "policed": true])
        #expect(interfaces().complete("text", ends: [key, key]) == "text")
        #expect(
            interfaces(observing: true).complete("text", ends: [key])
                == "text\n\nNot enforced: the node only observes (bulkhead up --observe).")
        endpoint.policed = false
        endpoint.message = "Interface veth1 does not exist; it is policed as soon as it does."
        #expect(
            interfaces().complete(end)
                == [
                    "endpoint": "shop/web", "verdict": "Deny", "policed": false,
                    "message": "Interface veth1 does not exist; it is policed as soon as it does.",
                ])
        #expect(
            interfaces().complete("text", ends: [key, key])
                == "text\n\nNot enforced: shop/web is not policed.\n"
                + "  Interface veth1 does not exist; it is policed as soon as it does.")
        let elsewhere: JSONValue = ["endpoint": "shop/far", "verdict": "Deny"]
        #expect(interfaces().complete(elsewhere) == elsewhere)
    }

    @Test func namesWhatEndedTheTierAndWhatNoPolicyDecided() {
        let policy = PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "lockdown")
        let end = FlowDocument.value(Self.flow(.endOfTier(tier: "security", triggers: [policy])))
        let hit = end["policies"]?["enforced"]?.arrayValue?.first
        #expect(hit?["kind"] == "EndOfTier")
        #expect(hit?["tier"] == "security")
        #expect(hit?["rule_index"] == -1)
        #expect(hit?["trigger"]?["name"] == "lockdown")
        #expect(hit?["trigger"]?["kind"] == "GlobalNetworkPolicy")
        let system = FlowDocument.value(Self.flow(nil, system: .spoofedSource))
        #expect(system["policies"]?["enforced"]?.arrayValue?.first?["kind"] == "System")
        #expect(system["policies"]?["enforced"]?.arrayValue?.first?["name"] == "spoofed source")
    }

    @Test(.timeLimit(.minutes(1))) func followsFlows() async throws {
        try await RunningServer.with { (server) async throws in
            let profile = Reason.profile(name: "kns.shop", index: 0)
            // The history forgets what is old.
            let now = SQLiteFlowStore.wallClock()
            try await server.flows.append([
                Self.flow(profile, sourcePort: 1, start: now), Self.flow(profile, sourcePort: 2, start: now),
            ])
            let newest = try await server.send("GET", Self.base + "flows?limit=1")
            #expect(newest.text.split(separator: "\n").count == 1)
            let lines = try await server.lines(Self.base + "flows?follow=true&limit=1", count: 2) {
                try await server.flows.append([Self.flow(profile, sourcePort: 3, start: now)])
            }
            #expect(lines.map { $0["source_port"] } == [2, 3])
            #expect(try await server.send("GET", Self.base + "flows?limit=-1").status == 400)
        }
    }

    @Test func waitsForEnforcement() async throws {
        try await RunningServer.with { (server) async throws in
            let done = try await server.send("GET", Self.base + "enforcement?revision=7&namespace=shop&name=web&timeout=3")
            #expect(done.status == 200)
            #expect(done.json == ["revision": 7, "milliseconds": .number(1.5)])
            #expect(
                server.node.waits.withLock { $0 } == [
                    .init(revision: 7, endpoint: EndpointKey(namespace: "shop", name: "web"), timeoutSeconds: 3)
                ])
            server.node.result.withLock { $0 = .failed("interface veth1 does not exist") }
            let failed = try await server.send("GET", Self.base + "enforcement?revision=7")
            #expect(failed.status == 409)
            #expect(failed.json["message"] == "interface veth1 does not exist")
            #expect(try await server.send("GET", Self.base + "enforcement?revision=7&timeout=0").status == 504)
            for query in ["", "?revision=x", "?revision=1&name=web", "?revision=1&timeout=-1", "?revision=1&timeout=nan"] {
                #expect(try await server.send("GET", Self.base + "enforcement" + query).status == 400, "\(query)")
            }
        }
    }

    @Test func tellsTheStatusOfTheNode() async throws {
        try await RunningServer.with { (server) async throws in
            let status = try await server.send("GET", Self.base + "status").json
            #expect(status["node"] == "node-a")
            #expect(status["storeRevision"] == 9)
            #expect(status["kernelRevision"] == 8)
            #expect(status["endpoints"]?.arrayValue?.first?["addresses"] == ["10.0.0.1"])
            #expect(status["systemCounts"] == ["spoofed source": 4])
            #expect(status["ruleLog"] == ["written": 0, "leftOut": 0])
            #expect(status["warnings"] == ["an interface is gone", "ring overrun"])
        }
    }

    @Test func explains() async throws {
        try await RunningServer.with { (server) async throws in
            let key = EndpointKey(namespace: "shop", name: "web")
            server.node.world.withLock { world in
                world.tiers["default"] = Tier(name: "default", order: Tier.defaultOrder)
                world.namespaces["shop"] = Namespace(name: "shop")
                world.endpoints[key] = WorkloadEndpoint(key: key, addresses: [IPAddress(v4: 0x0a00_0001)])
                let reference = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "closed")
                world.policies[reference] = Policy(reference: reference, directions: [.ingress])
            }
            let answer = try await server.send("GET", Self.base + "explain?source=10.9.9.9&destination=shop/web&port=tcp/80")
            #expect(answer.status == 200)
            #expect(answer.json["verdict"] == "Deny")
            #expect(answer.json["revision"] == 8)
            #expect(answer.json["text"]?.stringValue?.contains("closed") == true)
            let end = answer.json["ends"]?.arrayValue?.first
            #expect(end?["kind"] == "EndOfTier")
            #expect(end?["trigger"]?.arrayValue?.first?["policy"] == "closed")
            server.node.world.withLock { world in
                let reference = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "to-host")
                let host = PolicyRule(
                    action: .allow, destination: EntityRule(nets: [AddressBlock(IPAddress(v4: 0xc000_0201))]))
                world.policies[reference] = Policy(reference: reference, directions: [.egress], egress: [host])
            }
            for (end, verdict) in [("host", "Allow"), ("192.0.2.1", "Allow"), ("192.0.2.2", "Deny")] {
                let answer = try await server.send(
                    "GET", Self.base + "explain?source=shop/web&destination=\(end)&port=tcp/80")
                #expect(answer.json["verdict"] == .string(verdict), "\(end)")
            }
            #expect(try await server.send("GET", Self.base + "explain?source=a/b&destination=shop/web&port=tcp/80").status == 404)
            for query in ["?source=host&destination=shop/web", "?source=x&destination=shop/web&port=tcp/80", "?source=host&destination=shop/web&port=tcp/x"] {
                #expect(try await server.send("GET", Self.base + "explain" + query).status == 400, "\(query)")
            }
        }
    }
}

/// 2026-01-01T00:00:00Z, in nanoseconds since 1970.
private enum FlowTime {
    static let start: Int64 = 1_767_225_600_000_000_000
}
