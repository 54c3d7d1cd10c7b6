import BPFDataplane
import CBPF
import CBenchmarks
import Dataplane
import PolicyModel

/// Distinct rules in the kernel, and single packets through its programs.
final class PacketWorld {
    let rules: DistinctRules
    private let dataplane: BPFDataplane
    private let interface: Int32
    /// In which the interface is: test runs look for it in that of their thread.
    private let namespace: Descriptor
    /// Coprime to every count of rules used: neighbours in time are not neighbours in memory.
    private static let stride = 2477

    init(rules: DistinctRules, interface name: String, laboratory: Laboratory) throws {
        self.rules = rules
        try Laboratory.enterNewNamespace()
        let opened = benchmark_open_network_namespace()
        guard opened >= 0 else { throw BenchmarkError.system(operation: "open a network namespace", code: -opened) }
        namespace = Descriptor(owning: opened)
        guard let index = try laboratory.makeInterfaces([name])[name] else {
            throw BenchmarkError.wrong("no interface \(name)")
        }
        interface = index
        dataplane = try laboratory.dataplane(name)
        let attachment = NodeProgram.Attachment(interfaceName: name, interfaceIndex: index)
        let report = try dataplane.apply(
            NodeProgram(revision: 1, tables: rules.tables(), attachments: [DistinctRules.endpoint: attachment]))
        guard report.failures.isEmpty else { throw BenchmarkError.wrong("\(report.failures)") }
    }

    /// Before its packets are measured.
    func enter() throws {
        let result = benchmark_enter_network_namespace(namespace.raw)
        guard result == 0 else { throw BenchmarkError.system(operation: "enter a network namespace", code: -result) }
    }

    /// Nanoseconds of the first packet of each of so many new flows, which meet so many of the rules (nil: all) in turn. Every
    /// packet must be allowed by the rule that it was made for.
    func firstPackets(_ count: Int, round: Int, meeting some: Int? = nil) throws -> [Double] {
        try enter()
        var expected: [PacketTuple: Int] = [:]
        let frames = flows(count, round: round, meeting: some).map { rule, tuple in
            expected[tuple] = rule
            return Frame(tuple: tuple, sequence: 100).bytes
        }
        try drain { _ in }
        let costs = try frames.map { try run(from: true, $0) }
        try drain { event in
            guard event.kind == .opened, let rule = expected[event.flow.tuple],
                event.decision == .policy(rules.decision(rule: rule))
            else { return }
            expected[event.flow.tuple] = nil
        }
        guard expected.isEmpty else {
            throw BenchmarkError.wrong("\(expected.count) of \(count) flows were not opened by their rules")
        }
        return costs
    }

    /// Nanoseconds of a packet of each of so many flows that were answered and go on.
    func establishedPackets(_ count: Int, round: Int) throws -> [Double] {
        try enter()
        return try flows(count, round: round).map { _, tuple in
            let answer = PacketTuple(
                source: tuple.destination, destination: tuple.source, transport: tuple.transport,
                sourcePort: tuple.destinationPort, destinationPort: tuple.sourcePort)
            let goingOn = Frame(tuple: tuple, flags: Frame.ack, sequence: 101, acknowledgement: 501).bytes
            _ = try run(from: true, Frame(tuple: tuple, sequence: 100).bytes)
            _ = try run(
                from: false, Frame(tuple: answer, flags: Frame.synAck, sequence: 500, acknowledgement: 101).bytes)
            _ = try run(from: true, goingOn)
            return try run(from: true, goingOn)
        }
    }

    /// Nanoseconds of packets that policy denies because no rule matches.
    func deniedPackets(_ count: Int, round: Int, to address: (Int) -> PacketTuple) throws -> [Double] {
        try enter()
        let frames = (0..<count).map { Frame(tuple: address(round * count + $0), sequence: 100).bytes }
        try drain { _ in }
        let costs = try frames.map { frame in
            let result = try TestRun.run(program: dataplane.kernel.fromWorkload, packet: frame, context: context)
            guard !result.passed else { throw BenchmarkError.wrong("a packet that no rule matches passed") }
            return Double(result.nanoseconds)
        }
        var denied = 0
        try drain { event in
            if case .policy(let decision) = event.decision, case .endOfTier = decision.reason, event.kind == .denied { denied += 1 }
        }
        guard denied == count else { throw BenchmarkError.wrong("\(denied) of \(count) packets met the end of the tier") }
        return costs
    }

    /// Nanoseconds of the same calls for a program that does nothing.
    func emptyRuns(_ count: Int) throws -> [Double] {
        try enter()
        let program = benchmark_load_empty_program()
        guard program >= 0 else { throw BenchmarkError.system(operation: "load a program", code: -program) }
        let empty = Descriptor(owning: program)
        return try flows(count, round: 0).map { _, tuple in
            Double(try TestRun.run(program: empty, packet: Frame(tuple: tuple).bytes, context: context).nanoseconds)
        }
    }

    private func flows(_ count: Int, round: Int, meeting some: Int? = nil) -> [(rule: Int, tuple: PacketTuple)] {
        let met = some ?? rules.count
        let each = (count + met - 1) / met
        // Flows that meet some rules and flows that meet all have no source port in common.
        let first = some == nil ? 10_000 : 30_000
        return (0..<count).map { number in
            let rule = number * Self.stride % met
            return (rule, rules.tuple(rule: rule, sourcePort: UInt16(first + round * each + number / met)))
        }
    }

    /// One call leaves what would take long.
    private func drain(_ body: (ConnectionEvent) -> Void) throws {
        while try dataplane.drainEvents(body) {}
    }

    private var context: bulkhead_test_context {
        let index = UInt32(bitPattern: interface)
        return bulkhead_test_context(ifindex: index, ingress_ifindex: index, gso_segs: 0, gso_size: 0, mark: 0)
    }

    private func run(from: Bool, _ frame: [UInt8]) throws -> Double {
        let result =
            from
            ? try TestRun.run(program: dataplane.kernel.fromWorkload, packet: frame, context: context)
            : try TestRun.run(program: dataplane.kernel.toWorkload, packet: frame, context: context)
        guard result.passed else { throw BenchmarkError.wrong("a packet that the rules allow was dropped") }
        return Double(result.nanoseconds)
    }
}
