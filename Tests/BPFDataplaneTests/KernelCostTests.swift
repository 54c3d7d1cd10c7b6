import CBPF
import Testing

@testable import BPFDataplane

extension KernelTests {
    /// Prints what a packet costs; says nothing of what it may cost, since machines differ.
    @Suite struct Cost {
        typealias P = KernelPacket
        typealias W = KernelWorld

        @Test func aPacket() throws {
            for ranges in [1, 10_000] {
                let world = try KernelWorld()
                let row = world.row((0..<ranges).map { (UInt32($0) * 64, W.outcome(allowed: $0 % 2 == 0)) })
                try world.setPair(W.egressStack, exact: 0, prefix: 0, row: row)
                let packet = P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(5, 128))
                #expect(try world.send(.fromWorkload, packet) == .passed)
                let established = try best(world, .fromWorkload, packet)
                // Denied: the whole path of a first packet, and its event.
                let denied = P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(5, 64))
                try world.setPair(W.egressStack, exact: 0, prefix: 0, row: world.row(
                    (0..<ranges).map { (UInt32($0) * 64, W.outcome(allowed: false)) }))
                #expect(try world.send(.fromWorkload, denied) == .dropped(W.deny))
                let first = try best(world, .fromWorkload, denied)
                print("\(ranges) ranges: established packet \(established) ns, first packet with its event \(first) ns")
                #expect(established > 0)
            }
        }

        private func best(_ world: KernelWorld, _ side: W.Side, _ packet: [UInt8]) throws -> UInt32 {
            var lowest = UInt32.max
            for _ in 0..<10 {
                lowest = min(lowest, try world.run(side, packet, repetitions: 20_000).nanoseconds)
                world.drain { _ in }
            }
            return lowest
        }
    }
}
