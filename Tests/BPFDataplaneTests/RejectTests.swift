import Dataplane
import Foundation
import PolicyEngine
import PolicyModel
import Testing

@testable import BPFDataplane

extension BPFDataplaneTests {
    /// What programs see of a denial that is told to them: real sockets, routed and bridged, at either end's hook.
    @Suite struct Rejecting {
        private static func addresses(_ net: UInt32) -> [IPAddress] {
            [IPAddress(v4: 0x0a00_0002 + net << 16), IPAddress(v6High: 0xfd00_0000_0000_0000 + UInt64(net == 77 ? 0x77 : 0x78) << 48, low: 2)]
        }

        private static func program(_ lab: PacketLab, atSender: Bool) throws -> NodeProgram {
            var tables = VerdictTables()
            tables.decisions = [
                allow: Decision(.allow, .profile(name: "kns.lab", index: 0)),
                deny: Decision(.deny, .endOfTier(tier: "default", triggers: []), rejects: true),
            ]
            tables.rows = [
                RowID(rawValue: 1): Row(ranges: [.init(start: 0, outcome: .decide(allow))]),
                RowID(rawValue: 2): Row(ranges: [.init(start: 0, outcome: .decide(deny))]),
            ]
            let (open, closed) = (StackID(rawValue: 1), StackID(rawValue: 2))
            tables.stacks = [
                open: Stack(base: RowID(rawValue: 1)), closed: Stack(base: RowID(rawValue: 2)),
            ]
            for address in addresses(77) {
                tables.legs[Leg(endpoint: a, address: address)] = .init(ingress: open, egress: atSender ? closed : open)
            }
            for address in addresses(78) {
                tables.legs[Leg(endpoint: b, address: address)] = .init(ingress: atSender ? open : closed, egress: open)
            }
            return NodeProgram(
                revision: 1, tables: tables,
                attachments: [
                    a: .init(interfaceName: "va", interfaceIndex: try lab.index("va")),
                    b: .init(interfaceName: "vb", interfaceIndex: try lab.index("vb")),
                ])
        }

        private static let client = """
            import errno, socket, sys, time
            address = sys.argv[1]
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                end = socket.socket(family, kind)
                end.settimeout(3)
                start = time.monotonic()
                try:
                    end.connect((address, 8080))
                    end.send(b"x")
                    end.recv(1)
                    print("reached")
                except OSError as error:
                    print(errno.errorcode.get(error.errno, repr(error)))
                print("%.2f ms" % ((time.monotonic() - start) * 1000), address, file=sys.stderr)
            """

        @Test(arguments: [false, true], [false, true]) func aSocketHearsOfIt(bridged: Bool, atSender: Bool) async throws {
            let lab = try PacketLab(bridged: bridged)
            defer { lab.remove() }
            try await lab.inRouter {
                let dataplane = try BPFDataplaneTests.dataplane(lab)
                let report = try dataplane.apply(Self.program(lab, atSender: atSender))
                try #require(report.failures == [:])
                let enter = "nsenter --net=/run/netns/\(lab.namespace("a"))"
                let script = "/tmp/\(lab.name).py"
                try Self.client.write(toFile: script, atomically: true, encoding: .utf8)
                defer { try? FileManager.default.removeItem(atPath: script) }
                let four = try shell("\(enter) /usr/bin/python3 \(script) 10.78.0.2")
                #expect(four == "ECONNREFUSED\nEHOSTUNREACH\n")
                let six = try shell("\(enter) /usr/bin/python3 \(script) fd78::2")
                #expect(six == "ECONNREFUSED\nEACCES\n")
                let ping = try shell("\(enter) ping -n -c 1 -W 1 10.78.0.2 || true")
                #expect(ping.contains("Packet filtered"), "\(ping)")
                let counts = try dataplane.status().systemCounts
                #expect(counts[.answer] == 5, "\(counts)")
                #expect(counts[.unanswered] == nil && counts[.spoofedSource] == nil && counts[.midStream] == nil, "\(counts)")
                var denials: UInt64 = 0
                try dataplane.drainEvents {
                    guard $0.kind == .denied, case .policy(let decision) = $0.decision else { return }
                    #expect(decision.rejects)
                    denials += $0.reports
                }
                #expect(denials == 5)
            }
        }
    }
}
