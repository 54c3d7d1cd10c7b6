import Dataplane
import FlowLogs
import PolicyModel
import Testing

@testable import ControlPlane

@Suite struct ObservingTests {
    private static let flows = "/apis/bulkhead.io/v1alpha1/flows"

    @Test func healthIsToldToEverybody() async throws {
        try await RunningServer.with { (server) async throws in
            for path in ["/healthz", "/livez", "/readyz", "/readyz/enforcement", "/healthz/ping"] {
                let answer = try await server.send("GET", path, token: .some(nil))
                #expect(answer.status == 200 && answer.text == "ok", "\(path): \(answer.text)")
                #expect(answer.headers.contains { $0.0 == "content-type" && $0.1.hasPrefix("text/plain") })
            }
            let verbose = try await server.send("GET", "/readyz?verbose", token: .some(nil))
            #expect(verbose.text == "[+]ping ok\n[+]store ok\n[+]enforcement ok\nreadyz check passed\n")
            #expect(try await server.send("GET", "/readyz/nothing", token: .some(nil)).status == 404)
            #expect(try await server.send("POST", "/readyz", body: [], token: .some(nil)).status == 401)
            #expect(try await server.send("GET", "/metrics", token: .some(nil)).status == 401)
        }
    }

    @Test func whatIsNotInForceIsNotReadyAndLives() async throws {
        try await RunningServer.with { (server) async throws in
            server.node.enforces.withLock { $0 = false }
            let answer = try await server.send("GET", "/readyz", token: .some(nil))
            #expect(answer.status == 500)
            #expect(answer.text == "[+]ping ok\n[+]store ok\n[-]enforcement failed: reason withheld\nreadyz check failed\n")
            #expect(try await server.send("GET", "/livez", token: .some(nil)).text == "ok")
            #expect(try await server.send("GET", "/readyz?exclude=enforcement", token: .some(nil)).text == "ok")
        }
    }

    @Test func metricsAreInTheFormOfPrometheus() async throws {
        try await RunningServer.with { (server) async throws in
            _ = try await server.send("GET", "/nothing")
            let answer = try await server.send("GET", "/metrics")
            #expect(answer.status == 200)
            #expect(answer.headers.contains { $0.0 == "content-type" && $0.1.hasPrefix("text/plain; version=0.0.4") })
            let lines = answer.text.split(separator: "\n")
            #expect(lines.contains(#"bulkhead_map_entries{map="flows"} 3"#))
            #expect(lines.contains("bulkhead_store_revision 9"))
            #expect(lines.contains("bulkhead_enforced_revision 8"))
            #expect(lines.contains("bulkhead_events_lost_total 1"))
            #expect(lines.contains(#"bulkhead_system_packets_total{reason="spoofed source"} 4"#))
            #expect(lines.contains(#"bulkhead_requests_total{method="GET",code="404"} 1"#))
            #expect(lines.contains(#"bulkhead_watchers{stream="watch"} 0"#))
            #expect(lines.contains(#"bulkhead_enforcement_seconds_bucket{le="+Inf"} 0"#))
            // Each sample belongs to a family that was announced.
            let families = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
            #expect(families.count == Set(families).count && families.count > 15)
            for line in lines where !line.hasPrefix("#") {
                #expect(families.contains { line.hasPrefix($0) } && Double(line.split(separator: " ").last ?? "") != nil, "\(line)")
            }
        }
    }

    @Test func decisionsHaveCountersWithTheirNames() {
        var counts = DecisionCounts()
        let policy = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "a\"b")
        func add(_ verdict: Verdict, _ reason: Reason?, _ system: SystemReason? = nil) {
            counts.add([
                FlowRecord(
                    startTime: 0, endTime: 0, verdict: verdict, direction: .ingress, source: nil, destination: nil, sourceAddress: "",
                    destinationAddress: "", transport: 6, sourcePort: 1, destinationPort: 2, packetsOut: 3, bytesOut: 4, packetsIn: 5,
                    bytesIn: 6, reason: reason, systemReason: system, observed: false, begins: true)
            ])
        }
        add(.allow, .rule(tier: "t", policy: policy, index: 2))
        add(.deny, .endOfTier(tier: "t", triggers: [policy]))
        add(.deny, nil, .tagged)
        var report = NodeReport(
            node: "n", observing: false, storeRevision: 0, kernelRevision: nil, endpoints: [],
            dataplane: DataplaneStatus(revision: nil, policed: [:], maps: [], systemCounts: [:], eventsLost: 0, warnings: []), warnings: [])
        report.decisions = counts
        report.enforcement.add(seconds: 0.003)
        report.enforcement.add(seconds: 60)
        let lines = MetricsDocument.text(report, RequestCounts.Snapshot()).split(separator: "\n")
        let start = #"kind="NetworkPolicy",tier="t",namespace="shop",policy="a\"b",rule="#
        #expect(lines.contains(#"bulkhead_packets_total{action="allow",direction="ingress","# + start + #""2"} 8"#[...]))
        #expect(lines.contains(#"bulkhead_connections_total{action="deny",direction="ingress","# + start + #""end of tier"} 1"#[...]))
        #expect(
            lines.contains(
                #"bulkhead_bytes_total{action="deny",direction="ingress",kind="System",tier="",namespace="",policy="tagged",rule=""} 10"#))
        #expect(lines.contains(#"bulkhead_enforcement_seconds_bucket{le="0.0025"} 0"#))
        #expect(lines.contains(#"bulkhead_enforcement_seconds_bucket{le="0.005"} 1"#))
        #expect(lines.contains(#"bulkhead_enforcement_seconds_bucket{le="+Inf"} 2"#))
    }

    @Test(.timeLimit(.minutes(1))) func flowsAreFilteredByTheServer() async throws {
        try await RunningServer.with { (server) async throws in
            let now = SQLiteFlowStore.wallClock()
            @Sendable func flow(_ name: String, _ verdict: Verdict, port: UInt16, sourcePort: UInt16) -> FlowRecord {
                var record = FlowRecord(
                    startTime: now - 60_000_000_000, endTime: now - 30_000_000_000, verdict: verdict, direction: .ingress, source: nil,
                    destination: EndpointKey(namespace: "shop", name: name), sourceAddress: "10.1.2.3", destinationAddress: "10.0.0.1",
                    transport: 6, sourcePort: sourcePort, destinationPort: port, packetsOut: 1, bytesOut: 1, packetsIn: 0, bytesIn: 0,
                    reason: .rule(tier: "t", policy: PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "p"), index: 0),
                    systemReason: nil, observed: false)
                record.destinationLabels = ["app": name, "zone": "1"]
                return record
            }
            try await server.flows.append([
                flow("web", .allow, port: 80, sourcePort: 1), flow("web", .deny, port: 443, sourcePort: 2),
                flow("db", .deny, port: 80, sourcePort: 3),
            ])
            func ports(_ query: String) async throws -> [JSONValue?] {
                let answer = try await server.send("GET", Self.flows + "?" + query)
                #expect(answer.status == 200, "\(query): \(answer.text)")
                return try answer.text.split(separator: "\n").map { try JSONValue(parsing: String($0))["source_port"] }
            }
            #expect(try await ports("namespace=shop") == [1, 2, 3])
            #expect(try await ports("workload=shop/db") == [3])
            #expect(try await ports("label=app%20%3D%3D%20'web'") == [1, 2])
            #expect(try await ports("label=app%20%3D%3D%20'db'%20%26%26%20has(zone)") == [3])
            let documents = try await server.send("GET", Self.flows + "?workload=shop/db").text
            #expect(try JSONValue(parsing: documents)["dest_labels"] == ["app=db", "zone=1"])
            #expect(try JSONValue(parsing: documents)["source_labels"] == nil)
            #expect(try await ports("port=80&action=deny") == [3])
            #expect(try await ports("port=tcp/443") == [2])
            #expect(try await ports("port=udp").isEmpty)
            #expect(try await ports("policy=t/p&limit=1") == [3])
            #expect(try await ports("since=1h") == [1, 2, 3])
            #expect(try await ports("since=10s").isEmpty)
            #expect(try await ports("since=2100-01-01T00:00:00Z").isEmpty)
            for query in [
                "workload=web", "label=%3D%3D", "port=x", "action=maybe", "policy=a/b/c", "since=soon", "since=-1s", "nmespace=shop",
            ] {
                let answer = try await server.send("GET", Self.flows + "?" + query)
                #expect(answer.status == 400 && answer.json["kind"] == "Status", "\(query)")
            }
            let followed = try await server.lines(Self.flows + "?follow=true&workload=shop/db", count: 2) {
                try await server.flows.append([flow("web", .allow, port: 80, sourcePort: 4), flow("db", .allow, port: 80, sourcePort: 5)])
            }
            #expect(followed.map { $0["source_port"] } == [3, 5])
        }
    }
}
