import PolicyModel
import Testing

@testable import PolicyAnalysis

@Suite struct ConnectivityReportTests {
    private func connectivity() throws -> Connectivity {
        var world = PolicyWorld.builtIn
        world.namespaces["shop"] = Namespace(name: "shop", labels: [Namespace.nameLabel: "shop"])
        for (name, address) in [("web", "10.0.0.1"), ("database", "10.0.0.2")] {
            let key = EndpointKey(namespace: "shop", name: name)
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: ["app": name], addresses: [IPAddress(address)].compactMap { $0 })
        }
        let reference = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "database")
        world.policies[reference] = Policy(
            reference: reference, selector: try Selector("app == 'database'"), directions: [.ingress, .egress],
            ingress: [
                PolicyRule(
                    action: .allow, transport: .tcp, source: EntityRule(selector: try Selector("app == 'web'")),
                    destination: EntityRule(ports: [PortRange(5432), PortRange(80)]))
            ])
        return Connectivity(AnalysisWorld(world: world))
    }

    private func text(_ format: ConnectivityFormat, _ filter: Connectivity.Filter = .init()) throws -> String {
        var connectivity = try connectivity()
        var bytes: [UInt8] = []
        ConnectivityReport.write(&connectivity, as: format, filter) { bytes += $0 }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func writesLines() throws {
        #expect(
            try text(.text) == """
                0.0.0.0-255.255.255.255[External] => shop/web[WorkloadEndpoint] : All Connections
                shop/web[WorkloadEndpoint] => 0.0.0.0-255.255.255.255[External] : All Connections
                shop/web[WorkloadEndpoint] => shop/database[WorkloadEndpoint] : TCP 80,5432

                """)
    }

    @Test func writesTables() throws {
        let filter = Connectivity.Filter(destination: "shop/database")
        #expect(
            try text(.csv, filter) == """
                src,dst,conn
                shop/web[WorkloadEndpoint],shop/database[WorkloadEndpoint],"TCP 80,5432"

                """)
        #expect(
            try text(.md, filter) == """
                | src | dst | conn |
                |-----|-----|------|
                | shop/web[WorkloadEndpoint] | shop/database[WorkloadEndpoint] | TCP 80,5432 |

                """)
        #expect(
            try text(.json, filter) == """
                [
                  {
                    "src": "shop/web[WorkloadEndpoint]",
                    "dst": "shop/database[WorkloadEndpoint]",
                    "conn": "TCP 80,5432"
                  }
                ]

                """)
        #expect(try JSONValue(parsing: try text(.json)).arrayValue?.count == 3)
        #expect(try text(.json, Connectivity.Filter(destination: "nobody")) == "[]\n")
    }

    @Test func writesGraphs() throws {
        let filter = Connectivity.Filter(destination: "shop/database")
        #expect(
            try text(.dot, filter) == """
                digraph {
                \tsubgraph "cluster_shop" {
                \t\tcolor="black"
                \t\tfontcolor="black"
                \t\t"shop/database[WorkloadEndpoint]" [label="database[WorkloadEndpoint]" color="blue" fontcolor="blue"]
                \t\t"shop/web[WorkloadEndpoint]" [label="web[WorkloadEndpoint]" color="blue" fontcolor="blue"]
                \t\tlabel="shop"
                \t}
                \t"shop/web[WorkloadEndpoint]" -> "shop/database[WorkloadEndpoint]" [label="TCP 80,5432" color="gold2" fontcolor="darkgreen"]
                }

                """)
        let svg = try text(.svg)
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
        #expect(svg.contains("<title>shop/web[WorkloadEndpoint] =&gt; shop/database[WorkloadEndpoint] : TCP 80,5432</title>"))
    }

    @Test func keepsWhatIsAskedFor() throws {
        var connectivity = try connectivity()
        #expect(connectivity.lines(Connectivity.Filter(focus: "database")).count == 1)
        #expect(connectivity.lines(Connectivity.Filter(focus: "shop/web[WorkloadEndpoint]")).count == 3)
        let port = PortSpecification(transport: .tcp, destinationPort: 22)
        #expect(connectivity.lines(Connectivity.Filter(port: port)).allSatisfy { $0.hasSuffix("All Connections") })
    }
}
