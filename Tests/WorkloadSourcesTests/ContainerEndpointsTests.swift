import Foundation
import PolicyModel
import Testing

@testable import WorkloadSources

@Suite struct ContainerEndpointsTests {
    private func interface(_ inner: String, _ host: String, _ addresses: String...) -> WorkloadInterface {
        WorkloadInterface(hostName: host, hostIndex: 1, innerName: inner, addresses: addresses.compactMap { IPAddress($0) })
    }

    private func endpoint(
        _ name: String, container: String, on interface: String, _ addresses: String...
    ) -> JSONValue {
        var endpoint = EndpointDescription(namespace: "default", name: name)
        endpoint.containerID = container
        endpoint.interfaceName = interface
        endpoint.addresses = addresses.compactMap { IPAddress($0) }
        return endpoint.object
    }

    private func plan(
        _ interfaces: [WorkloadInterface], existing: [JSONValue] = [], there: Set<String> = ["v1", "v2"]
    ) throws -> ContainerEndpoints {
        try ContainerEndpoints(
            ContainerIdentity(name: "web", labels: ["app": "web"], image: "r.example.org:5000/shop/web:1.2@sha256:abc"),
            engine: "docker", containerID: "abc", interfaces: interfaces, networks: ["10.0.0.2": "front"], existing: existing,
            hostInterfaces: there)
    }

    @Test func everyInterfaceIsAnEndpointAndItsNameDoesNotMove() throws {
        let both = try plan([interface("eth0", "v1", "10.0.0.2"), interface("eth1", "v2", "10.1.0.2", "fd00::2")])
        #expect(both.wanted.map(\.name) == ["web", "web.eth1"])
        #expect(both.wanted.map(\.interfaceName) == ["v1", "v2"])
        #expect(
            both.wanted[0].labels == [
                "app": "web", "io.bulkhead.image": "web", "io.bulkhead.image-tag": "1.2", "io.bulkhead.network": "front",
            ])
        #expect(both.wanted[1].labels["io.bulkhead.network"] == nil)
        #expect(try plan([interface("ens3", "v1", "10.0.0.2")]).wanted.map(\.name) == ["web"])
        #expect(try plan([interface("eth1", "v2", "10.1.0.2"), interface("eth2", "v1")]).wanted.map(\.name) == ["web.eth1"])
    }

    @Test func whatIsGoneLeavesNoIdentityBehind() throws {
        let wanted = [interface("eth0", "v1", "10.0.0.2")]
        let stale = try plan(
            wanted,
            existing: [
                endpoint("same-interface", container: "x", on: "v1", "10.9.9.9"),
                endpoint("same-address-gone", container: "x", on: "gone", "10.0.0.2"),
                endpoint("same-address-there", container: "x", on: "v2", "10.0.0.2"),
                endpoint("other", container: "x", on: "gone", "10.0.0.3"),
                endpoint("former-network", container: "abc", on: "v2", "10.1.0.2"),
                endpoint("added-by-hand", container: "", on: "gone", "10.0.0.2"),
            ]
        ).stale
        #expect(Set(stale.map(\.name)) == ["same-interface", "same-address-gone", "former-network"])
    }

    @Test func aNameHasOneHolder() throws {
        let wanted = [interface("eth0", "v1", "10.0.0.2")]
        #expect(throws: WorkloadSourceError.self) { try plan(wanted, existing: [endpoint("web", container: "", on: "v2", "10.2.0.2")]) }
        #expect(throws: WorkloadSourceError.self) { try plan(wanted, existing: [endpoint("web", container: "x", on: "v2", "10.2.0.2")]) }
        #expect(try plan(wanted, existing: [endpoint("web", container: "x", on: "gone", "10.2.0.2")]).wanted.count == 1)
        #expect(try plan(wanted, existing: [endpoint("web", container: "abc", on: "v2", "10.2.0.2")]).wanted.count == 1)
    }

    @Test func readsAnEnginesDescription() throws {
        let value = try JSONValue(
            parsing: """
                {"Id":"abc","Name":"/Web","State":{"Running":true,"Pid":42,"StartedAt":"2026-01-02T03:04:05.123456789Z"},
                 "Config":{"Image":"nginx","Labels":{"a":"b"}},"HostConfig":{"NetworkMode":"container:def"},
                 "NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}],"81/tcp":null},
                 "Networks":{"front":{"IPAddress":"10.0.0.2","GlobalIPv6Address":""}}}}
                """)
        let container = try #require(EngineContainer(value))
        #expect(container.identity == ContainerIdentity(name: "Web", labels: ["a": "b"], image: "nginx"))
        #expect(container.processID == 42 && container.joinsOther)
        #expect(container.publishedPorts == ["0.0.0.0:8080 -> 80/tcp", "[::]:8080 -> 80/tcp"])
        #expect(container.networks == ["10.0.0.2": "front"])
        let start = try Date("2026-01-02T03:04:05Z", strategy: .iso8601)
        let milliseconds = try #require(container.milliseconds(since: start.addingTimeInterval(0.2)))
        #expect(abs(milliseconds - 76.5) < 0.1)
        #expect(EngineContainer(["Id": "abc"]) == nil)
        let stopped = EngineContainer(["Id": "a", "Name": "/b", "State": ["Running": false, "Pid": 0]])
        #expect(stopped?.processID == nil)
    }

    @Test func readsOpenConnections() {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
        let four = """
               0: 00000000:0050 00000000:0000 0A 00000000:00000000
               1: 0200000A:0050 0700000A:C350 01 00000000:00000000
               2: 0200000A:C351 0800000A:1538 01 00000000:00000000
               3: 0100007F:0050 0100007F:C352 01 00000000:00000000
               4: 0200000A:C353 0800000A:1538 06 00000000:00000000
            """
        let six = "   0: 0000000000000000FFFF00000200000A:C354 0000000000000000FFFF00000900000A:0016 01 0\n"
        let found = EstablishedConnection.parse([head + four, head + six])
        #expect(found.map { "\($0.local):\($0.localPort) \($0.remote):\($0.remotePort) \($0.isInbound)" } == [
            "10.0.0.2:80 10.0.0.7:50000 true", "10.0.0.2:50001 10.0.0.8:5432 false", "10.0.0.2:50004 10.0.0.9:22 false",
        ])
    }
}
