import BPFDataplane
import CBPF
import Dataplane
import Foundation
import PolicyEngine
import PolicyModel

/// Changes that touch very many addresses, put into the kernel, and the memory that the kernel's maps have by then.
enum MapMemory {
    private static let workloads = 200

    static func run(_ laboratory: Laboratory) throws {
        try identities(laboratory)
        try relabelledNamespace(laboratory)
        try broadDenial(laboratory)
    }

    // MARK: Shapes

    private static func identities(_ laboratory: Laboratory) throws {
        let world = EngineWorlds.identities(5_000, addresses: 100_000, policies: 1_000, rules: 10, local: workloads)
        Benchmarks.say(
            "map memory: \(workloads) workloads, 100,000 remote addresses in 5,000 identities, 1,000 policies of 10 rules")
        let node = try Node(laboratory, "umemory", world)
        try node.table()
    }

    /// A namespace of 10,000 pods goes from one that two rules name to one that two others do.
    private static func relabelledNamespace(_ laboratory: Laboratory) throws {
        Benchmarks.say(
            "a namespace of 10,000 pods of 100 kinds gets another label: \(workloads) workloads of 100 applications, each with a policy "
                + "that allows 10 kinds of pod by labels, and namespaces by theirs")
        var world = EngineWorlds.identities(100, addresses: 10_000, policies: 100, rules: 10, local: workloads)
        for (key, var endpoint) in world.endpoints where endpoint.node != EngineWorlds.node {
            world.endpoints[key] = nil
            endpoint.key.namespace = "pods"
            world.endpoints[endpoint.key] = endpoint
        }
        func namespace(_ stage: String) -> Namespace { Namespace(name: "pods", labels: ["stage": stage]) }
        world.namespaces["pods"] = namespace("blue")
        for (reference, var policy) in world.policies {
            for index in policy.ingress.indices {
                let stage = EngineWorlds.label("stage", index % 2 == 0 ? "blue" : "green")
                policy.ingress[index].source.namespaceSelector = .matching(stage)
            }
            world.policies[reference] = policy
        }
        let node = try Node(laboratory, "uspace", world)
        var measured = Measurement("from the object to the last map write", unit: "ms")
        var writes = 0
        for step in 0..<20 {
            let (milliseconds, written) = try node.apply([.namespace("pods", namespace(step % 2 == 0 ? "green" : "blue"))])
            measured.add(milliseconds)
            writes = max(writes, written)
        }
        Benchmarks.say(measured.line() + "  at most \(writes) map writes each")
        try node.table()
    }

    /// A denial of its own reason before all rules of `workloads` stacks, at 100,000 identities.
    private static func broadDenial(_ laboratory: Laboratory) throws {
        Benchmarks.say(
            "a broad denial with its own reason: \(workloads) workloads of as many applications, each with a policy of 10 rules; 100,000 "
                + "remote addresses in as many identities (1,000 applications x 100 roles, all named by a rule)")
        let node = try Node(laboratory, "ubroad", manyIdentities())
        try node.table()
        let reference = PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "broad")
        func denial(_ selector: Selector, _ source: EntityRule) -> WorldChange {
            let rule = PolicyRule(
                action: .deny, transport: .tcp, source: source, destination: EntityRule(ports: [PortRange(25)]))
            return .policy(
                reference, Policy(reference: reference, order: -1, selector: selector, directions: [.ingress], ingress: [rule]))
        }
        let known = EntityRule(selector: .has(key: "role"), namespaceSelector: .matching(.all))
        let one = EngineWorlds.label("local", "local-3")
        for (name, change) in [
            ("of every address, to all", denial(.has(key: "local"), EntityRule())),
            ("of all 100,000 by their label, to one", denial(one, known)),
            ("of all 100,000 by their label, to all", denial(.has(key: "local"), known)),
        ] {
            try broad(name, node, change, without: .policy(reference, nil))
        }
    }

    private static func broad(_ name: String, _ node: Node, _ change: WorldChange, without: WorldChange) throws {
        var there = Measurement(name, unit: "ms")
        var back = Measurement("  taken away", unit: "ms")
        let began = ContinuousClock.now
        do {
            for round in 0..<2 {
                there.add(try node.apply([change]).milliseconds)
                // With what the change before left until no packet can be in it any more.
                if round == 0 { try node.table(only: ["pairs", "arena"]) }
                back.add(try node.apply([without]).milliseconds)
            }
            Benchmarks.say(there.line())
        } catch where !(error is BenchmarkError) {
            let taken = Int((ContinuousClock.now - began) / .milliseconds(1))
            Benchmarks.say("  \(name): refused after \(taken) ms, and the policy before stays in force: \(error)")
            back.add(try node.apply([without]).milliseconds)
        }
        Benchmarks.say(back.line())
    }

    /// Every remote address is of a kind of its own that the sets of this node's policies tell apart.
    private static func manyIdentities() -> PolicyWorld {
        var world = PolicyWorld.builtIn
        world.namespaces["lab"] = Namespace(name: "lab")
        for number in 0..<100_000 {
            let key = EngineWorlds.remoteKey(number)
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: ["app": "app-\(number % 1_000)", "role": "role-\(number / 1_000)"], node: "another",
                addresses: [EngineWorlds.address(number)])
        }
        for number in 0..<workloads {
            let key = EngineWorlds.localKey(number)
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: ["local": "local-\(number)"], node: EngineWorlds.node,
                addresses: [IPAddress(v4: 0x0b00_0000 + UInt32(number))])
            let reference = PolicyReference(kind: "NetworkPolicy", namespace: "lab", name: "policy-\(number)")
            let peers =
                (0..<9).map { EngineWorlds.label("app", "app-\((number * 9 + $0) % 1_000)") }
                + [EngineWorlds.label("role", "role-\(number % 100)")]
            world.policies[reference] = Policy(
                reference: reference, selector: EngineWorlds.label("local", "local-\(number)"), directions: [.ingress],
                ingress: peers.map {
                    PolicyRule(
                        action: .allow, transport: .tcp, source: EntityRule(selector: $0),
                        destination: EntityRule(ports: [PortRange(UInt16(8_000 + number % 50))]))
                })
        }
        return world
    }
}

extension MapMemory {
    /// A node whose kernel has what its compiler says, in maps of its own.
    private final class Node {
        private let dataplane: BPFDataplane
        private let pins: String
        private let attachments: [EndpointKey: NodeProgram.Attachment]
        private var compiler = VerdictCompiler()
        private var revision: Int64 = 1

        init(_ laboratory: Laboratory, _ name: String, _ world: PolicyWorld) throws {
            try Laboratory.enterNewNamespace()
            let names = (0..<workloads).map { "\(name)\($0)" }
            let indexes = try laboratory.makeInterfaces(names)
            attachments = Dictionary(
                uniqueKeysWithValues: names.enumerated().map { number, name in
                    (EngineWorlds.localKey(number), .init(interfaceName: name, interfaceIndex: indexes[name] ?? 0))
                })
            pins = laboratory.pinFolder(name)
            dataplane = try laboratory.dataplane(name)
            let start = ContinuousClock.now
            _ = compiler.compile(world, node: EngineWorlds.node)
            let compiled = ContinuousClock.now
            let report = try dataplane.apply(
                NodeProgram(revision: revision, tables: compiler.tables, attachments: attachments))
            guard report.failures.isEmpty else { throw BenchmarkError.wrong("\(report.failures)") }
            Benchmarks.say(
                "  into an empty kernel: compiled in \(Int((compiled - start) / .milliseconds(1))) ms, written in "
                    + "\(Int((ContinuousClock.now - compiled) / .milliseconds(1))) ms")
        }

        func apply(_ changes: [WorldChange]) throws -> (milliseconds: Double, writes: Int) {
            usleep(100_000)
            revision += 1
            let start = ContinuousClock.now
            compiler.apply(changes)
            let report = try dataplane.apply(
                NodeProgram(revision: revision, tables: compiler.tables, attachments: attachments, changes: compiler.lastChanges))
            let taken = (ContinuousClock.now - start) / .milliseconds(1)
            guard report.failures.isEmpty else { throw BenchmarkError.wrong("\(report.failures)") }
            return (taken, report.mapWrites)
        }

        /// Prints every map's entries, and the memory that the kernel says it has (bpf_map_memory in fdinfo).
        func table(only chosen: Set<String> = []) throws {
            var fill: [String: (used: Int, capacity: Int)] = [:]
            for map in try dataplane.status().maps { fill[map.name] = (map.used, map.capacity) }
            var total = 0
            var lines: [String] = []
            for path in try MapMemory.pinnedMaps(below: pins) {
                let name = String(path.split(separator: "/").last ?? "")
                let (bytes, capacity) = try MapMemory.memory(of: path)
                total += bytes
                guard chosen.isEmpty || chosen.contains(name) else { continue }
                let used = fill[name].map { "\($0.used)" } ?? "-"
                lines.append(
                    "    \(name.padding(toLength: 18, withPad: " ", startingAt: 0)) entries \(used.padding(toLength: 9, withPad: " ", startingAt: 0))"
                        + " at most \(String(capacity).padding(toLength: 9, withPad: " ", startingAt: 0)) bytes \(bytes)")
            }
            Benchmarks.say(lines.joined(separator: "\n"))
            if chosen.isEmpty { Benchmarks.say("    all maps: \(total / 1_000_000) MB") }
        }
    }

    private static func pinnedMaps(below folder: String) throws -> [String] {
        guard let found = FileManager.default.enumerator(atPath: folder) else { throw BenchmarkError.wrong("no pins in \(folder)") }
        return found.compactMap { $0 as? String }.sorted().map { folder + "/" + $0 }.filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue && (try? memory(of: path)) != nil
        }
    }

    private static func memory(of path: String) throws -> (bytes: Int, capacity: Int) {
        let map = bulkhead_map_open(path)
        guard map >= 0 else { throw BenchmarkError.system(operation: "open \(path)", code: -map) }
        defer { close(map) }
        let text = try String(contentsOfFile: "/proc/self/fdinfo/\(map)", encoding: .utf8)
        var numbers: [Substring: Int] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == ":" || $0 == "\t" || $0 == " " })
            if words.count == 2 { numbers[words[0]] = Int(words[1]) }
        }
        guard let bytes = numbers["memlock"], let capacity = numbers["max_entries"] else {
            throw BenchmarkError.wrong("\(path) is no map")
        }
        return (bytes, capacity)
    }
}
