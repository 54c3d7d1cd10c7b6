import CBPF
import Dataplane
import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

@testable import BPFDataplane

extension KernelTests {
    /// Connections and interfaces that live through changes made by the real dataplane.
    @Suite struct LiveConnections {
        struct Findings: Sendable {
            var sameDecision = 0
            var otherReason = 0
            var cut = 0
            var revived = 0
            var wrong: [String] = []
        }

        /// Flows opened under one world are judged by the next at their next packet, and by the first again when it comes
        /// back: always as the oracle says, and each change of a decision is told once.
        @Test func theNextPacketFollowsTheWorld() throws {
            let findings = try LiveNode.run(taps: AgainstOracle.interfaces) { node in
                var findings = Findings()
                var compiler = VerdictCompiler()
                var random = SplitMix(state: 3)
                for (number, fault) in PlantedFault.ofVerdicts.enumerated() {
                    let example = CaseGenerator(seed: 5_000 + UInt64(number), packetsPerWorld: 1_000).case
                    let changed = fault.apply(to: example.world)
                    try node.enforce(compiler.compile(example.world, node: WorldGenerator.node), of: example.world)
                    let live = try Self.openFlows(example, node, &random, &findings)
                    try node.enforce(compiler.compile(changed, node: WorldGenerator.node), of: example.world)
                    let cut = try Self.sendAgain(live, .init(world: example.world), .init(world: changed), [], node, &findings)
                    try node.enforce(compiler.compile(example.world, node: WorldGenerator.node), of: example.world)
                    _ = try Self.sendAgain(live, .init(world: changed), .init(world: example.world), cut, node, &findings)
                    try node.dataplane.kernel.halfOpen.removeAll()
                }
                return findings
            }
            print(
                "next packets of live flows: \(findings.sameDecision) decided as before, \(findings.otherReason) for another"
                    + " reason, \(findings.cut) cut, \(findings.revived) allowed again")
            #expect(findings.wrong.prefix(3) == [])
            #expect(findings.sameDecision > 1_000)
            #expect(findings.otherReason > 50)
            #expect(findings.cut > 300)
            #expect(findings.revived == findings.cut)
        }

        /// One packet a flow. A packet back would belong to the same flow, and so would an echo reply to a request.
        private static func openFlows(
            _ example: GeneratedCase, _ node: LiveNode, _ random: inout SplitMix, _ findings: inout Findings
        ) throws -> [ProbePacket] {
            var taken: Set<[UInt8]> = []
            var live: [ProbePacket] = []
            for probe in example.probes
            where ProbePacket.isPolicys(probe, ownAddresses: example.world.endpoints[probe.endpoint]?.addresses ?? []) {
                let packet = ProbePacket(probe, using: &random)
                if packet.isEchoReply { continue }
                var key = try node.flowKey(of: packet)
                guard taken.insert(withUnsafeBytes(of: &key) { Array($0) }).inserted else { continue }
                let answer = try node.open(packet)
                if let complaint = answer.complaint { findings.wrong.append("\(probe): \(complaint)") }
                if answer.decision?.verdict == .allow { live.append(packet) }
            }
            return live
        }

        /// Returns the positions of the flows that are cut now; `cut`: those that were before.
        private static func sendAgain(
            _ live: [ProbePacket], _ before: PolicyOracle, _ after: PolicyOracle, _ cut: Set<Int>, _ node: LiveNode,
            _ findings: inout Findings
        ) throws -> Set<Int> {
            var cutNow: Set<Int> = []
            for (index, packet) in live.enumerated() {
                let probe = packet.probe
                let old = before.decide(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                let new = after.decide(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                let (passed, events) = try node.send(packet)
                var wanted: [ConnectionEvent.Kind] = old == new ? [] : [.redecided]
                if new.verdict == .deny { wanted.append(.denied) }
                guard passed == (new.verdict == .allow), events.map(\.kind) == wanted,
                    events.allSatisfy({ $0.decision == .policy(new) })
                else {
                    findings.wrong.append("\(probe): was \(old), is \(new), passed: \(passed), events: \(events)")
                    continue
                }
                if new.verdict == .deny {
                    cutNow.insert(index)
                    findings.cut += 1
                } else if cut.contains(index) {
                    findings.revived += 1
                } else if old == new {
                    findings.sameDecision += 1
                } else {
                    findings.otherReason += 1
                }
            }
            return cutNow
        }

        /// An endpoint may go, or move, in the same change in which another takes its interface.
        @Test func anInterfaceThatChangesHandsStaysPoliced() throws {
            let problems = try LiveNode.run(taps: 3) { node in
                var problems: [String] = []
                var compiler = VerdictCompiler()
                var random = SplitMix(state: 4)
                let steps: [[String: Int]] = [
                    ["a": 0], ["b": 0], ["a": 0, "b": 1], ["a": 1, "b": 0], ["c": 0, "b": 1], ["b": 0, "d": 1],
                    ["a": 2, "d": 0, "e": 1], ["a": 0],
                ]
                for step in steps {
                    var world = PolicyWorld.builtIn
                    for (name, interface) in step {
                        let key = EndpointKey(namespace: "default", name: name)
                        world.endpoints[key] = WorkloadEndpoint(
                            key: key, interfaceName: "veth\(interface)",
                            addresses: [IPAddress(v4: 0x0a00_0001 + UInt32(interface))])
                    }
                    try node.enforce(compiler.compile(world, node: WorldGenerator.node), of: world)
                    problems += try node.dataplane.status().warnings
                    for (name, interface) in step {
                        let packet = PacketTuple(
                            source: IPAddress(v4: 0x0a00_0001 + UInt32(interface)), destination: IPAddress(v4: 0x0a00_0099),
                            transport: .udp, sourcePort: 5, destinationPort: 80)
                        let key = EndpointKey(namespace: "default", name: name)
                        let probe = PolicyTesting.Probe(endpoint: key, direction: .egress, packet: packet)
                        let answer = try node.ask(ProbePacket(probe, using: &random))
                        if answer.decision?.reason != .profile(name: "kns.default", index: 0) {
                            problems.append("\(step), \(name): \(answer)")
                        }
                    }
                }
                return problems
            }
            #expect(problems == [])
        }
    }
}
