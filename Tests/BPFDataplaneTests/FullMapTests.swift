import Dataplane
import PolicyEngine
import PolicyModel
import Testing

@testable import BPFDataplane

private let count = UInt32(40)

/// What a change does for which a map of the tables has no room, with real packets; needs root.
@Suite(.serialized) struct FullMapTests {
    typealias Base = BPFDataplaneTests

    /// A map with room for little, and a change that needs more: it would also deny what the program before allows.
    struct Scarcity: Sendable, CustomTestStringConvertible {
        var map: String
        var limit: @Sendable (inout Limits) -> Void
        var want: @Sendable (inout NodeProgram) -> Void
        var testDescription: String { map }
    }

    static let scarcities = [
        Scarcity(map: "exact") { $0.exact = 20 } want: { program in
            for index in 0..<count { program.tables.exact[IPAddress(v4: 0x0b00_0000 + index)] = Base.stranger }
        },
        Scarcity(map: "prefixes") { $0.prefixes = 20 } want: { program in
            for index in 0..<count {
                let block = AddressBlock(address: IPAddress(v4: 0x0b00_0000 + index << 8), prefixLength: 24)
                if let block { program.tables.prefixes[block] = Base.stranger }
            }
        },
        Scarcity(map: "pairs") { $0.pairs = 20 } want: { program in
            for index in 0..<count {
                let identity = IdentityID(rawValue: 100 + Int32(index))
                program.tables.exact[IPAddress(v4: 0x0b00_0000 + index)] = identity
                // The other stack is in force, and a number means one thing.
                for stack in program.tables.stacks.keys where stack != StackID(rawValue: 1) {
                    program.tables.stacks[stack]?.exact[identity] = RowID(rawValue: 2)
                }
            }
        },
        Scarcity(map: "legs") { $0.legs = 4 } want: { program in
            guard let leg = program.tables.legs.first else { return }
            for index in 0..<count {
                program.tables.legs[Leg(endpoint: leg.key.endpoint, address: IPAddress(v4: 0x0b00_0000 + index))] = leg.value
            }
        },
        Scarcity(map: "arena") { $0.arenaWords = 32 } want: { program in
            program.tables.rows[RowID(rawValue: 2)] = Row(
                ranges: (0..<count).map { .init(start: $0, outcome: .decide($0.isMultiple(of: 2) ? Base.deny : Base.allow)) })
        },
        Scarcity(map: "slots") { $0.slots = 3 } want: { program in
            program.attachments[EndpointKey(namespace: "lab", name: "c")] = .init(interfaceName: "lo", interfaceIndex: 1)
        },
    ]

    @Test(arguments: scarcities) func theChangeFailsAndThePolicyBeforeStays(scarcity: Scarcity) async throws {
        let lab = try PacketLab()
        defer { lab.remove() }
        try await lab.inRouter {
            let dataplane = try Base.dataplane(lab) { scarcity.limit(&$0.limits) }
            _ = try dataplane.apply(Base.program(lab, revision: 1, denied: nil, aIs: Base.friend))
            #expect(lab.ping())
            var large = try Base.program(lab, revision: 2, denied: Base.friend, aIs: Base.friend)
            scarcity.want(&large)
            for _ in 0..<2 {
                do {
                    _ = try dataplane.apply(large)
                    Issue.record("a full map took it")
                } catch TransitionError.full(let map, let capacity, let needed) {
                    #expect(map == scarcity.map && needed > capacity)
                } catch BPFDataplaneError.tooManyEndpoints(let capacity) {
                    #expect(scarcity.map == "slots" && capacity == 2)
                }
                #expect(lab.ping())
                let status = try dataplane.status()
                #expect(status.revision == 1)
                #expect(status.maps.allSatisfy { $0.used <= $0.capacity })
                #expect(status.maps.contains { $0.name == scarcity.map && $0.capacity < 64 })
            }
            // What has room is in force at once.
            _ = try dataplane.apply(Base.program(lab, revision: 3, denied: Base.friend, aIs: Base.friend))
            #expect(!lab.ping())
            #expect(try dataplane.status().revision == 3)
        }
    }
}
