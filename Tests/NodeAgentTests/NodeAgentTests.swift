import ControlPlane
import Dataplane
import Datastore
import FlowLogs
import Foundation
import Netlink
import PolicyModel
import Testing

@testable import NodeAgent

@Suite struct NodeAgentTests {
    @Test func storedObjectsAreInForceBeforeStartReturns() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
        try await fixture.agent.start()
        let program = try #require(fixture.dataplane.last)
        #expect(program.revision == 1)
        #expect(program.attachments == [Objects.key("web"): .init(interfaceName: "veth1", interfaceIndex: 7)])
        #expect(Set(program.tables.legs.keys.map(\.endpoint)) == [Objects.key("web")])
        let running = Task { await fixture.agent.run() }
        running.cancel()
        await running.value
    }

    @Test func aWriteIsEnforcedAndTimed() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.run {
            try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            let revision = try await fixture.put(Objects.denial("none", of: "web"))
            guard case .enforced(let enforced, let milliseconds) = await fixture.enforced(revision, Objects.key("web")) else {
                Issue.record("not enforced")
                return
            }
            #expect(enforced >= revision)
            // Not equal where nothing was measured: that is nil.
            #expect(await fixture.agent.enforcementMeasure(of: revision)?.milliseconds == milliseconds)
            let world = await fixture.agent.enforcedWorld()
            #expect(world.revision >= revision)
            #expect(world.world.policies.count == 1)
            #expect(world.world.tiers["default"] != nil)
        }
    }

    /// A workload that floods has more events than one portion at any time: a change comes between two of them.
    @Test(.timeLimit(.minutes(1))) func aChangeGoesBetweenPortionsOfEvents() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.run {
            let revision = try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            _ = await fixture.enforced(revision)
            let event = ConnectionEvent(
                kind: .denied, timestamp: 1,
                flow: FlowIdentity(
                    endpoint: Objects.key("web"), direction: .ingress,
                    tuple: PacketTuple(
                        source: IPAddress(v4: 0x0a02_0001), destination: IPAddress(v4: 0x0a01_0001), transport: .udp, sourcePort: 1,
                        destinationPort: 2)),
                decision: .system(.deny, .midStream), counters: FlowCounters(packetsOut: 1, bytesOut: 100), observed: false)
            fixture.dataplane.change { state in
                state.portion = 1
                state.events = Array(repeating: event, count: 10)
                state.history = []
                state.pausesAfter = 3
            }
            while !fixture.dataplane.change({ $0.isPaused }) { await Task.yield() }
            // The thread is within the third portion.
            let changed = try await fixture.put(Objects.denial("none", of: "web"))
            fixture.dataplane.change { $0.pausesAfter = nil }
            guard case .enforced = await fixture.enforced(changed) else {
                Issue.record("not enforced")
                return
            }
            while !fixture.dataplane.change({ $0.events.isEmpty }) { try await Task.sleep(for: .milliseconds(1)) }
            let history = fixture.dataplane.change { $0.history }
            #expect(
                history == Array(repeating: "drained 1", count: 3) + ["applied"] + Array(repeating: "drained 1", count: 7))
        }
    }

    /// The client's answer waits for the disk, the kernel does not.
    @Test(.timeLimit(.minutes(1))) func aChangeIsInForceBeforeTheDiskHasIt() async throws {
        let disk = SlowDisk()
        let fixture = try AgentFixture(sync: { disk.sync($0) })
        fixture.links.set(["veth1": 7])
        try await fixture.run {
            try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            disk.stop()
            let writing = Task { try await fixture.put(Objects.denial("none", of: "web")) }
            while await fixture.agent.enforcedWorld().world.policies.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
            while disk.waiting == 0 { await Task.yield() }
            // No answer, and nothing to watch: it could still be lost.
            let revision = try await fixture.store.revision()
            #expect(await fixture.agent.enforcedWorld().revision == revision + 1)
            disk.go()
            #expect(try await writing.value == revision + 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func theDataplaneIsMaintainedByItself() async throws {
        let fixture = try AgentFixture()
        try await fixture.run {
            let before = fixture.dataplane.change { $0.maintenances }
            while fixture.dataplane.change({ $0.maintenances }) < before + 3 { try await Task.sleep(for: .milliseconds(10)) }
        }
    }

    @Test func whatWaitsBecomesOneProgram() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.run {
            try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            let (before, attempts) = fixture.dataplane.change { state in
                state.held = true
                return (state.programs.count, state.attempts)
            }
            var last: Int64 = 0
            for number in 0..<50 { last = try await fixture.put(Objects.denial("policy-\(number)", of: "web")) }
            while fixture.dataplane.change({ $0.attempts }) == attempts { await Task.yield() }
            // Every change has reached the agent's mailbox while its thread is held in the first apply.
            try await Task.sleep(for: .milliseconds(500))
            fixture.dataplane.change { $0.held = false }
            guard case .enforced = await fixture.enforced(last) else {
                Issue.record("not enforced")
                return
            }
            let programs = fixture.dataplane.programs
            #expect(programs.last?.revision == last)
            #expect(programs.count - before <= 3, "50 changes during one apply made \(programs.count - before) programs")
            #expect(programs.map(\.revision) == programs.map(\.revision).sorted())
        }
    }

    @Test func anObjectThatCannotBeReadKeepsItsLastGoodVersion() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.run {
            try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            try await fixture.put(Objects.denial("none", of: "web"))
            var broken = Objects.denial("none", of: "web")
            broken["spec"]?["selector"] = "app == "
            let revision = try await fixture.put(broken)
            guard case .enforced = await fixture.enforced(revision) else {
                Issue.record("not enforced")
                return
            }
            #expect(await fixture.agent.enforcedWorld().world.policies.count == 1)
            let warnings = await fixture.agent.report().warnings
            #expect(warnings.contains { $0.contains("networkpolicies.projectcalico.org default/none") && $0.contains("spec.selector") })

            let mended = try await fixture.put(Objects.denial("none", of: "other"))
            guard case .enforced = await fixture.enforced(mended) else {
                Issue.record("not enforced")
                return
            }
            #expect(await fixture.agent.report().warnings == [])
        }
    }

    @Test func anInterfaceThatComesBackIsAttachedAnew() async throws {
        let fixture = try AgentFixture()
        try await fixture.run {
            let revision = try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            guard case .enforced = await fixture.enforced(revision) else {
                Issue.record("not enforced")
                return
            }
            #expect(fixture.dataplane.last?.attachments == [:])
            let missing = try #require(await fixture.agent.report().endpoints.first)
            #expect(!missing.policed)
            #expect(missing.message == "Interface veth1 does not exist; it is policed as soon as it does.")

            async let waiting = fixture.enforced(revision, Objects.key("web"))
            fixture.links.set(["veth1": 7, "other": 8])
            guard case .enforced = await waiting else {
                Issue.record("not policed")
                return
            }
            #expect(fixture.dataplane.last?.attachments[Objects.key("web")]?.interfaceIndex == 7)

            let count = fixture.dataplane.programs.count
            fixture.links.set(["veth1": 7])
            fixture.links.set(["veth1": 9])
            #expect(
                try await fixture.eventually {
                    fixture.dataplane.last?.attachments[Objects.key("web")]?.interfaceIndex == 9
                })
            #expect(fixture.dataplane.programs.count == count + 1, "an interface of nobody made a program")
            fixture.links.set([:])
            #expect(try await fixture.eventually { fixture.dataplane.last?.attachments == [:] })
        }
    }

    @Test func whatIsNoWorkloadsInterfaceIsNotPoliced() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(links: [
            "lo": .init(index: 1, nature: .loopback), "br0": .init(index: 3, nature: .other("bridge")),
            "tap0": .init(index: 4, nature: .tap),
        ])
        try await fixture.run {
            try await fixture.put(Objects.endpoint("loop", interface: "lo", address: "10.1.0.1"))
            try await fixture.put(Objects.endpoint("bridge", interface: "br0", address: "10.1.0.2"))
            let revision = try await fixture.put(Objects.endpoint("machine", interface: "tap0", address: "10.1.0.3"))
            guard case .enforced = await fixture.enforced(revision, Objects.key("machine")) else {
                Issue.record("not enforced")
                return
            }
            #expect(
                fixture.dataplane.last?.attachments
                    == [Objects.key("machine"): .init(interfaceName: "tap0", interfaceIndex: 4)])
            let endpoints = await fixture.agent.report().endpoints
            #expect(endpoints.map(\.policed) == [false, false, true])
            let advice = "and cannot be policed: name the host side of the workload's own veth, or its tap"
            #expect(
                endpoints.map(\.message) == [
                    "Interface br0 is a bridge \(advice), which is a port of the bridge.",
                    "Interface lo is the loopback \(advice).", "",
                ])
            #expect(
                await fixture.enforced(revision, Objects.key("loop"), within: 0.1)
                    == .failed(
                        "After 0.1 s the workload endpoint default/loop is not policed: Interface lo is the loopback \(advice)."))

            // The name goes to an interface of another nature, with the same index.
            fixture.links.set(links: ["br0": .init(index: 3, nature: .veth)])
            guard case .enforced = await fixture.enforced(revision, Objects.key("bridge")) else {
                Issue.record("not attached")
                return
            }
            #expect(fixture.dataplane.last?.attachments[Objects.key("bridge")]?.interfaceIndex == 3)
        }
    }

    @Test func theHostHasTheAddressesOfItsInterfaces() async throws {
        let fixture = try AgentFixture()
        #expect(await fixture.agent.hostAddresses() == [IPAddress(v4: 0xc000_0201)])
        #expect(throws: Never.self) { try KernelLinkSource().addresses() }
        #expect(try !KernelLinkSource().addresses().contains { $0.description.hasPrefix("127.") || $0.description == "::1" })
    }

    @Test func aRefusedProgramIsTriedAgain() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.run {
            let before = try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            _ = await fixture.enforced(before)
            fixture.dataplane.change { $0.refusing = true }
            let revision = try await fixture.put(Objects.denial("none", of: "web"))
            guard case .failed(let message) = await fixture.enforced(revision, within: 0.3) else {
                Issue.record("a refused program counts as enforced")
                return
            }
            #expect(message.hasPrefix("After 0.3 s revision \(before) is in force, revision \(revision) is not: "))
            let report = await fixture.agent.report()
            #expect(report.kernelRevision == before)
            #expect(report.storeRevision == revision)
            #expect(report.warnings.contains { $0.hasPrefix("The last change is not in force") })
            #expect(await fixture.agent.enforcedWorld().world.policies.isEmpty)
            let attempts = fixture.dataplane.change { $0.attempts }
            #expect(attempts > 2 && attempts < 20, "\(attempts) attempts in 0.3 s with doubling pauses from 10 ms")

            fixture.dataplane.change { $0.refusing = false }
            guard case .enforced = await fixture.enforced(revision, Objects.key("web")) else {
                Issue.record("not tried again")
                return
            }
            #expect(await fixture.agent.report().warnings == [])
        }
    }

    @Test func waitersLearnWhatCannotHappen() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.run {
            let first = try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            _ = await fixture.enforced(first, Objects.key("web"))
            try await fixture.put(Objects.endpoint("second", interface: "veth1", address: "10.1.0.2"))
            let revision = try await fixture.put(
                Objects.endpoint("far", interface: "veth1", address: "10.1.0.3", node: "elsewhere"))
            #expect(
                await fixture.enforced(revision, Objects.key("far"))
                    == .failed("The workload endpoint default/far belongs to node elsewhere; this is node here."))
            #expect(
                await fixture.enforced(revision, Objects.key("nobody"))
                    == .failed("There is no workload endpoint default/nobody at revision \(revision)."))
            #expect(
                await fixture.enforced(revision, Objects.key("second"), within: 0.1)
                    == .failed(
                        "After 0.1 s the workload endpoint default/second is not policed: Interface veth1 belongs to the "
                            + "workload endpoint default/web: one interface, one endpoint."))
            let cancelled = Task { await fixture.enforced(revision + 1_000, within: 600) }
            cancelled.cancel()
            #expect(await cancelled.value == .failed("The wait was cancelled."))
        }
    }

    @Test func theEndpointOfAVanishedContainerIsRemoved() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7, "veth2": 8])
        try await fixture.run {
            try await fixture.put(Objects.endpoint("gone", interface: "veth1", address: "10.1.0.1", container: "abc"))
            try await fixture.put(Objects.endpoint("kept", interface: "veth3", address: "10.1.0.2"))
            let revision = try await fixture.put(
                Objects.endpoint("alive", interface: "veth2", address: "10.1.0.3", container: "def"))
            _ = await fixture.enforced(revision)
            try await Task.sleep(for: .milliseconds(400))
            #expect(await fixture.agent.enforcedWorld().world.endpoints.count == 3)
            fixture.links.set(["veth2": 8])
            #expect(
                try await fixture.eventually {
                    let names = try await fixture.store.list(resource: TypedPlace.endpointResource, namespace: nil).objects
                    return names.map(\.key.name) == ["alive", "kept"]
                })
        }
    }

    @Test func whatTheKernelSawIsRecorded() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.run {
            try await fixture.put(Objects.endpoint("client", interface: "veth2", address: "10.1.0.2"))
            let revision = try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            _ = await fixture.enforced(revision, Objects.key("web"))
            let tuple = PacketTuple(
                source: try #require(IPAddress("10.1.0.2")), destination: try #require(IPAddress("10.1.0.1")), transport: .tcp,
                sourcePort: 40_000, destinationPort: 80)
            let event = ConnectionEvent(
                kind: .denied, timestamp: KernelClock.boottime(),
                flow: FlowIdentity(endpoint: Objects.key("web"), direction: .ingress, tuple: tuple),
                decision: .system(.deny, .midStream), counters: FlowCounters(packetsOut: 3, bytesOut: 180), observed: false)
            fixture.dataplane.change { $0.events = [event] }
            var records: [FlowRecord] = []
            #expect(
                try await fixture.eventually {
                    records = try await fixture.flows.recent(limit: 10).records
                    return !records.isEmpty
                })
            let record = try #require(records.first)
            #expect(record.source == Objects.key("client"))
            #expect(record.destination == Objects.key("web"))
            #expect(record.verdict == .deny)
            #expect(record.packetsOut == 3)
            #expect(record.sourceLabels?["projectcalico.org/namespace"] == "default")
            #expect(record.sourceLabels?["pcns.kubernetes.io/metadata.name"] == "default")
            #expect(record.destinationLabels?["projectcalico.org/orchestrator"] == "k8s")
            let age = Date().timeIntervalSince1970 - Double(record.startTime) / 1e9
            #expect(age > -1 && age < 60, "the record's time is \(age) s ago")
        }
    }

    @Test func stoppingLeavesTheProgramAndAnswersCallers() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.run {
            let revision = try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            _ = await fixture.enforced(revision)
        }
        #expect(fixture.dataplane.last?.attachments.count == 1)
        let report = await fixture.agent.report()
        #expect(report.warnings.contains("The dataplane cannot be read."))
        #expect(report.endpoints.count == 1)
    }

    @Test func aDataplaneThatCannotBeOpenedIsAnError() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bulkhead-agent-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let agent = NodeAgent(
            configuration: NodeAgentConfiguration(node: "here"), store: try SQLiteStore(path: folder.path + "/store.sqlite"),
            flowStore: try SQLiteFlowStore(path: folder.path + "/flows.sqlite"),
            accepted: try AcceptedVersions(path: folder.path + "/accepted.sqlite", place: ""), links: NamedLinks(),
            logger: .init(label: "test"), makeDataplane: { throw RecordingDataplane.Refusal() })
        await #expect(throws: RecordingDataplane.Refusal.self) { try await agent.start() }
    }
}
