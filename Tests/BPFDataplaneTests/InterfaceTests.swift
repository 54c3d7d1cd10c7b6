import Dataplane
import Foundation
import Glibc
import Netlink
import PolicyEngine
import PolicyModel
import Testing

@testable import BPFDataplane

/// Interfaces that other tools use, rename or take away.
extension BPFDataplaneTests {
    private static func walled(_ lab: PacketLab, revision: Int64 = 1) throws -> NodeProgram {
        try program(lab, revision: revision, denied: friend, aIs: friend)
    }

    @discardableResult
    private static func tc(_ lab: PacketLab, _ arguments: String) throws -> String {
        try shell("nsenter --net=/run/netns/\(lab.router) tc \(arguments)")
    }

    @Test func anIngressQdiscOfAnotherToolIsNamed() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            try Self.tc(lab, "qdisc add dev vb ingress")
            let dataplane = try Self.dataplane(lab)
            let failures = try dataplane.apply(Self.walled(lab)).failures
            #expect(failures.keys.sorted() == [Self.b])
            #expect(failures[Self.b]?.contains("interface vb has an ingress qdisc of another tool") == true, "\(failures)")
            #expect(try Self.tc(lab, "filter show dev vb ingress") == "")
            #expect(try dataplane.status().policed[Self.b] == nil)
            try Self.tc(lab, "qdisc del dev vb ingress")
            #expect(try dataplane.apply(Self.walled(lab, revision: 2)).failures == [:])
            #expect(!lab.ping())
            // Hooks that were taken for an ingress qdisc are not in place, whatever it holds.
            try Self.tc(lab, "qdisc del dev vb clsact")
            try Self.tc(lab, "qdisc add dev vb ingress")
            #expect(dataplane.maintain().first?.contains("interface vb has an ingress qdisc") == true)
            #expect(try dataplane.status().warnings.contains { $0.contains("interface vb lost its hooks") })
        }
    }

    @Test func aFilterBeforeOursIsReported() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            _ = try dataplane.apply(Self.walled(lab))
            let source = "/sys/fs/bpf/\(lab.name)-foreign"
            defer { _ = try? shell("rm -f \(source)") }
            let text = try Self.tc(lab, "filter show dev va ingress")
            let number = try #require(text.split(separator: " id ").dropFirst().first?.prefix { $0.isNumber })
            try shell("bpftool prog pin id \(number) \(source)")
            try Self.tc(
                lab, "filter add dev vb egress prio 1 handle 7 protocol all bpf da object-pinned \(source)")
            try Self.tc(lab, "filter add dev va egress prio 9 protocol all bpf da object-pinned \(source)")
            let warnings = try dataplane.status().warnings
            #expect(warnings.count == 1)
            #expect(warnings.first?.contains("at egress of interface vb decides before Bulkhead") == true, "\(warnings)")
        }
    }

    @Test func anInterfaceInUseIsHookedAndLetGoWithoutALostPacket() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let program = try Self.program(lab, revision: 1, denied: Self.stranger, aIs: Self.friend)
            #expect(lab.ping())
            let flood = Process()
            flood.executableURL = URL(fileURLWithPath: "/usr/bin/nsenter")
            flood.arguments =
                ["--net=/run/netns/\(lab.namespace("a"))", "ping", "-n", "-q", "-i", "0.0001", "-w", "4", "10.78.0.2"]
            let output = Pipe()
            flood.standardOutput = output
            try flood.run()
            usleep(300_000)
            var dataplane: BPFDataplane? = try Self.dataplane(lab)
            #expect(try dataplane?.apply(program).failures == [:])
            var changes = 0
            while flood.isRunning, changes < 10 {
                #expect(try Self.hooks("vb") == [Filter.tcx, Filter.tcx])
                var control = try TrafficControl()
                #expect(try Hooks.detach(&control, index: try lab.index("vb"), interface: "vb"))
                #expect(try Self.hooks("vb") == [])
                // Another process takes over what is there.
                dataplane = nil
                dataplane = try Self.dataplane(lab)
                #expect(try dataplane?.apply(program).failures == [:])
                changes += 1
            }
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            #expect(changes >= 2)
            let sent = Int(text.split(separator: "\n").last { $0.contains("transmitted") }?.prefix { $0.isNumber } ?? "") ?? 0
            #expect(sent > 5_000 && text.contains(" 0% packet loss"), "\(text)")
        }
    }

    /// The kinds of the filters on an interface.
    private static func hooks(_ interface: String) throws -> [String] {
        var control = try TrafficControl()
        let index = Int32(if_nametoindex(interface))
        return try control.filters(index: index, interface: interface).map(\.kind)
    }

    @Test func aFreshInterfaceIsHookedByClsact() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            #expect(try dataplane.apply(Self.walled(lab)).failures == [:])
            #expect(try Self.hooks("vb") == ["bpf", "bpf"])
        }
    }

    @Test func aProgramAttachedByTCXBeforeOursIsReported() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            _ = try dataplane.apply(Self.walled(lab))
            let index = try lab.index("vb")
            // Any classifier does; this one is not by its name the hook's.
            #expect(
                try TCX.attach(
                    index: index, interface: "vb", hook: .egress, name: "foreign", program: dataplane.programs.from))
            let warnings = try dataplane.status().warnings
            #expect(warnings.count == 1)
            #expect(
                warnings.first?.contains("filter bulkhead_from_w (tcx) at egress of interface vb decides before Bulkhead") == true,
                "\(warnings)")
            // Attached anew, ours decide first.
            try Self.tc(lab, "qdisc del dev vb clsact")
            _ = dataplane.maintain()
            #expect(try Self.hooks("vb") == ["bpf", Filter.tcx, Filter.tcx])
            #expect(try dataplane.status().warnings.allSatisfy { !$0.contains("decides before") })
        }
    }

    @Test func anEndpointThatChangesItsInterfaceLeavesTheOldOneOpen() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            var program = try Self.walled(lab)
            _ = try dataplane.apply(program)
            try shell("ip -n \(lab.router) link add vc type veth peer name vcp && ip -n \(lab.router) link set vc up")
            program.attachments[Self.b] = .init(interfaceName: "vc", interfaceIndex: try lab.index("vc"))
            #expect(try dataplane.apply(program).failures == [:])
            #expect(lab.ping())
            #expect(try !Self.tc(lab, "qdisc show dev vb").contains("clsact"))
            // Each takes the other's.
            let (a, b) = (program.attachments[Self.a], program.attachments[Self.b])
            program.attachments = [Self.a: try #require(b), Self.b: try #require(a)]
            #expect(try dataplane.apply(program).failures == [:])
            for interface in ["va", "vc"] { #expect(try Self.tc(lab, "qdisc show dev \(interface)").contains("clsact")) }
            #expect(try dataplane.kernel.interfaces.count() == 2)
        }
    }

    @Test func aRenamedInterfaceStaysPoliced() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            var program = try Self.walled(lab)
            _ = try dataplane.apply(program)
            try shell("ip -n \(lab.router) link set vb down; ip -n \(lab.router) link set vb name vx; ip -n \(lab.router) link set vx up")
            program.attachments[Self.b] = nil
            #expect(try dataplane.apply(program).failures == [:])
            #expect(!lab.ping())
            #expect(try dataplane.status().warnings.contains { $0.contains("interface vb is named vx now") })
            program.tables.legs = program.tables.legs.filter { $0.key.endpoint != Self.b }
            _ = try dataplane.apply(program)
            #expect(lab.ping())
        }
    }

    @Test func aReleasedInterfaceIsAFailureUntilItIsMadeAnew() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            _ = try dataplane.apply(Self.walled(lab))
            #expect(try Release.release(pinDirectory: lab.pins, stateDirectory: lab.state, interface: "absent") == [])
            #expect(!FileManager.default.fileExists(atPath: lab.state + "/released"))
            #expect(try Release.release(pinDirectory: lab.pins, stateDirectory: lab.state, interface: "vb") == ["vb"])
            let failures = try dataplane.apply(Self.walled(lab, revision: 2)).failures
            #expect(failures.keys.sorted() == [Self.b])
            #expect(failures[Self.b]?.contains("bulkhead release --interface") == true)
            #expect(lab.ping())
            try shell("ip -n \(lab.router) link del vb; ip -n \(lab.router) link add vb type veth peer name vbp")
            #expect(try dataplane.apply(Self.walled(lab, revision: 3)).failures == [:])
        }
    }

    @Test func aReleasedInterfaceIsPolicedAgainWhenSomebodyAsks() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            let program = try Self.walled(lab)
            _ = try dataplane.apply(program)
            let attachment = try #require(program.attachments[Self.b])
            var revision: Int64 = 1
            for noticed in [false, true] {
                try Release.release(pinDirectory: lab.pins, stateDirectory: lab.state, interface: "vb")
                try Release.release(pinDirectory: lab.pins, stateDirectory: lab.state, interface: "va")
                revision += 1
                if noticed { #expect(try dataplane.apply(Self.walled(lab, revision: revision)).failures.count == 2) }
                #expect(lab.ping())
                try dataplane.request(Self.b, on: attachment)
                revision += 1
                // The other one was not asked for.
                #expect(try dataplane.apply(Self.walled(lab, revision: revision)).failures.keys.sorted() == [Self.a])
                #expect(!lab.ping())
                try dataplane.request(Self.a, on: try #require(program.attachments[Self.a]))
                revision += 1
                #expect(try dataplane.apply(Self.walled(lab, revision: revision)).failures == [:])
            }
            #expect(!lab.ping())
        }
    }

    @Test func whatNobodyClaimsStaysClosedWhileThatIsWanted() async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            var dataplane: BPFDataplane? = try Self.dataplane(lab)
            _ = try dataplane?.apply(try Self.program(lab, revision: 1, denied: Self.stranger, aIs: Self.friend))
            #expect(lab.ping())
            dataplane = nil
            dataplane = try Self.dataplane(lab)
            var program = try Self.program(lab, revision: 2, denied: Self.stranger, aIs: Self.friend)
            program.attachments[Self.b] = nil
            program.tables.legs = program.tables.legs.filter { $0.key.endpoint != Self.b }
            program.keepsUnclaimedInterfaces = true
            _ = try dataplane?.apply(program)
            #expect(!lab.ping(), "an interface that was policed was opened")
            #expect(try Self.tc(lab, "qdisc show dev vb").contains("clsact"))
            program.keepsUnclaimedInterfaces = false
            _ = try dataplane?.apply(program)
            #expect(lab.ping())
            #expect(try !Self.tc(lab, "qdisc show dev vb").contains("clsact"))
        }
    }

    @Test func twoAgentsInOneNetworkNamespaceAreRefused() async throws {
        let lab = try PacketLab()
        let other = try PacketLab()
        defer {
            lab.remove()
            other.remove()
        }
        try await lab.inRouter {
            let dataplane = try Self.dataplane(lab)
            for _ in 0..<3 {
                #expect(throws: BPFDataplaneError.namespaceTaken) { try Self.dataplane(lab) { $0.pinDirectory += "-2" } }
            }
            _ = dataplane.maintain()
            _ = try? shell("rmdir \(lab.pins)-2")
        }
        try await other.inRouter { _ = try Self.dataplane(other) }
        try await lab.inRouter { _ = try Self.dataplane(lab) }
    }
}
