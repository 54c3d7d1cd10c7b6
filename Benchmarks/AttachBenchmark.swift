import BPFDataplane
import Dataplane
import Foundation
import Netlink
import PolicyEngine
import PolicyModel

/// How long it takes until an interface is policed.
enum AttachBenchmark {
    private static let hooks = 500
    private static let presentEndpoints = 100
    private static let additions = 100
    /// A grace period (about 11 ms) and what is tidied after it: additions closer together share them.
    private static let pauseMicroseconds: UInt32 = 50_000
    private static let node = "measured"

    static func run(_ laboratory: Laboratory) throws {
        try attachHooks(laboratory)
        try addEndpoints(laboratory)
    }

    private static func attachHooks(_ laboratory: Laboratory) throws {
        let dataplane = try laboratory.dataplane("hooks")
        let names = (0..<hooks).map { "h\($0)" }
        let indexes = try laboratory.makeInterfaces(names)
        var control = try TrafficControl()
        var measurement = Measurement("clsact and both filters", unit: "ms")
        for name in names {
            guard let index = indexes[name] else { continue }
            let began = ContinuousClock.now
            try Hooks.attach(&control, index: index, interface: name, dataplane.programs)
            measurement.add((ContinuousClock.now - began).milliseconds)
        }
        Benchmarks.say("attach of an interface: fresh veths that are up, \(hooks) in one namespace, over rtnetlink, one after another")
        Benchmarks.say(measurement.line(target: "target < 1 ms"))
    }

    private static func addEndpoints(_ laboratory: Laboratory) throws {
        let dataplane = try laboratory.dataplane("endpoints")
        let names = (0..<presentEndpoints + additions).map { "e\($0)" }
        let indexes = try laboratory.makeInterfaces(names)
        var world = PolicyWorld.builtIn
        let policy = Policy(
            reference: PolicyReference(kind: "NetworkPolicy", namespace: "default", name: "peers"),
            selector: try Selector("has(app)"), directions: [.ingress],
            ingress: [PolicyRule(action: .allow, source: EntityRule(selector: try Selector("app == 'app-0'")))])
        world.policies[policy.reference] = policy
        var attachments: [EndpointKey: NodeProgram.Attachment] = [:]
        func add(_ number: Int) {
            let endpoint = WorkloadEndpoint(
                key: EndpointKey(namespace: "default", name: names[number]), labels: ["app": "app-\(number % 10)"],
                node: node, interfaceName: names[number], addresses: [IPAddress(v4: 0x0a40_0000 + UInt32(number))])
            world.endpoints[endpoint.key] = endpoint
            attachments[endpoint.key] = .init(
                interfaceName: names[number], interfaceIndex: indexes[names[number]] ?? 0)
        }
        for number in 0..<presentEndpoints { add(number) }
        var compiler = VerdictCompiler()
        var revision: Int64 = 1
        _ = try apply(compiler.compile(world, node: node), attachments, revision, to: dataplane)
        var compiling = Measurement("for comparison: compile it", unit: "ms")
        var applying = Measurement("apply with one endpoint more", unit: "ms")
        for number in presentEndpoints..<presentEndpoints + additions {
            let present = (world, attachments)
            usleep(pauseMicroseconds)
            add(number)
            revision += 1
            let began = ContinuousClock.now
            let tables = compiler.compile(world, node: node)
            compiling.add((ContinuousClock.now - began).milliseconds)
            applying.add(try apply(tables, attachments, revision, to: dataplane).milliseconds)
            usleep(pauseMicroseconds)
            (world, attachments) = present
            revision += 1
            _ = try apply(compiler.compile(world, node: node), attachments, revision, to: dataplane)
        }
        Benchmarks.say(
            """
            a whole BPFDataplane.apply: \(presentEndpoints) endpoints of 10 labels, 1 policy of 1 selector rule, one endpoint \
            more on a fresh veth, each time after a rest
            """)
        Benchmarks.say(applying.line())
        Benchmarks.say(compiling.line())
    }

    private static func apply(
        _ tables: VerdictTables, _ attachments: [EndpointKey: NodeProgram.Attachment], _ revision: Int64,
        to dataplane: BPFDataplane
    ) throws -> Duration {
        let began = ContinuousClock.now
        let report = try dataplane.apply(NodeProgram(revision: revision, tables: tables, attachments: attachments))
        let taken = ContinuousClock.now - began
        guard report.failures.isEmpty else { throw BenchmarkError.wrong("\(report.failures)") }
        return taken
    }
}

extension Duration {
    fileprivate var milliseconds: Double { self / .milliseconds(1) }
}
