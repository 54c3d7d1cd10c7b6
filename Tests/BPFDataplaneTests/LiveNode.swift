import CBPF
import CLinux
import Dataplane
import Foundation
import Netlink
import PolicyEngine
import PolicyModel
import PolicyTesting
import Synchronization

@testable import BPFDataplane

/// A dataplane that polices taps in a network namespace of its own. World after world goes through the real `apply`, so
/// that each starts from what the one before left in the maps. For one thread.
final class LiveNode {
    struct Failure: Error, CustomStringConvertible { var description: String }

    /// What the kernel said of one packet.
    struct Answer {
        /// Verdict and reason from the one event; nil when something was not as it must be.
        var decision: Decision?
        /// What was not.
        var complaint: String?
    }

    let dataplane: BPFDataplane
    private let indices: [String: Int32]
    private var attachments: [EndpointKey: NodeProgram.Attachment] = [:]
    private var revision: Int64 = 0

    private init(pinDirectory: String, stateDirectory: String) throws {
        dataplane = try BPFDataplane(configuration: .init(pinDirectory: pinDirectory, stateDirectory: stateDirectory))
        indices = Dictionary(uniqueKeysWithValues: try NetworkInterface.all().map { ($0.name, $0.index) })
    }

    /// Runs `body` on a thread in a fresh network namespace with the taps `veth0`, `veth1` and so on, as the generated
    /// endpoints name theirs, and removes everything.
    static func run<Result: Sendable>(taps: Int, _ body: @escaping @Sendable (LiveNode) throws -> Result) throws -> Result {
        let name = "kernel-\(UUID().uuidString.prefix(8))"
        let pinDirectory = "/sys/fs/bpf/bulkhead-\(name)"
        let stateDirectory = NSTemporaryDirectory() + name
        try shell("ip netns add \(name)")
        defer {
            try? shell("ip netns delete \(name)")
            try? FileManager.default.removeItem(atPath: pinDirectory)
            try? FileManager.default.removeItem(atPath: stateDirectory)
        }
        try shell("for n in $(seq 0 \(taps - 1)); do echo tuntap add dev veth$n mode tap; done | ip -n \(name) -batch -")

        let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)
        let finished = DispatchSemaphore(value: 0)
        let thread = Thread {
            let result = Swift.Result {
                let descriptor = Glibc.open("/run/netns/\(name)", O_RDONLY | O_CLOEXEC)
                defer { close(descriptor) }
                guard bulkhead_enter_network_namespace(descriptor) == 0 else {
                    throw Failure(description: "enter \(name): \(String(cString: strerror(errno)))")
                }
                return try body(LiveNode(pinDirectory: pinDirectory, stateDirectory: stateDirectory))
            }
            outcome.withLock { $0 = result }
            finished.signal()
        }
        // The compiler recurses through selectors, and a thread's default here is half a megabyte.
        thread.stackSize = 8 << 20
        thread.start()
        finished.wait()
        guard let result = outcome.withLock({ $0 }) else { throw Failure(description: "no result") }
        return try result.get()
    }

    private static func shell(_ command: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-ec", command]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: "failed: \(command)") }
    }

    /// Puts the tables of a world into force at all endpoints of the node.
    func enforce(_ tables: VerdictTables, of world: PolicyWorld) throws {
        revision += 1
        attachments = [:]
        for endpoint in world.endpoints.values where endpoint.node.isEmpty || endpoint.node == WorldGenerator.node {
            guard let index = indices[endpoint.interfaceName] else {
                throw Failure(description: "no interface \(endpoint.interfaceName)")
            }
            attachments[endpoint.key] = .init(interfaceName: endpoint.interfaceName, interfaceIndex: index)
        }
        let report = try dataplane.apply(NodeProgram(revision: revision, tables: tables, attachments: attachments))
        guard report.failures.isEmpty else { throw Failure(description: "\(report.failures)") }
        // Gives the slots of endpoints that left to others.
        try dataplane.sweep { _ in }
    }

    /// Sends a packet that finds no flow and leaves none, so that policy decides it and not a packet before it.
    func ask(_ packet: ProbePacket) throws -> Answer {
        let answer = try open(packet)
        if answer.decision?.verdict == .allow, try !dataplane.kernel.halfOpen.delete(flowKey(of: packet)) {
            return Answer(complaint: "passed, and no flow is in the table")
        }
        return answer
    }

    /// Sends the first packet of a flow; when it passes, the flow stays.
    func open(_ packet: ProbePacket) throws -> Answer {
        let probe = packet.probe
        let (passed, events) = try send(packet)
        guard events.count == 1, let event = events.first else { return Answer(complaint: "not one event: \(events)") }
        let wanted = FlowIdentity(endpoint: probe.endpoint, direction: probe.direction, tuple: probe.packet)
        guard case .policy(let decision) = event.decision, event.kind == (passed ? .opened : .denied), !event.observed,
            (decision.verdict == .allow) == passed, event.flow == wanted
        else { return Answer(complaint: "\(passed ? "passed" : "dropped") with another event: \(event)") }
        return Answer(decision: decision)
    }

    /// Whether it passed, and what was told of it.
    func send(_ packet: ProbePacket) throws -> (passed: Bool, events: [ConnectionEvent]) {
        let probe = packet.probe
        guard let attachment = attachments[probe.endpoint] else {
            throw Failure(description: "\(probe.endpoint) has no interface")
        }
        // Towards the workload it comes from another interface: what the host itself sends is not judged.
        let context = bulkhead_test_context(
            ifindex: UInt32(attachment.interfaceIndex), ingress_ifindex: 1, gso_segs: packet.segments,
            gso_size: packet.segmentSize, mark: 0)
        let passed =
            probe.direction == .egress
            ? try TestRun.run(program: dataplane.kernel.fromWorkload, packet: packet.frame, context: context).passed
            : try TestRun.run(program: dataplane.kernel.toWorkload, packet: packet.frame, context: context).passed
        var events: [ConnectionEvent] = []
        try dataplane.drainEvents { events.append($0) }
        return (passed, events)
    }

    func flowKey(of packet: ProbePacket) throws -> bulkhead_flow_key {
        guard let slot = dataplane.slots.policed[packet.probe.endpoint]?.slot else {
            throw Failure(description: "\(packet.probe.endpoint) has no slot")
        }
        return packet.flowKey(slot: slot)
    }
}
