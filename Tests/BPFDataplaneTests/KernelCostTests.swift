import CBPF
import Testing

@testable import BPFDataplane

extension KernelTests {
    /// Prints what a packet costs; says nothing of what it may cost, since machines differ.
    @Suite struct Cost {
        typealias P = KernelPacket
        typealias W = KernelWorld

        @Test func aPacket() throws {
            for ranges in [UInt32(1), 100, 10_000] {
                let world = try KernelWorld()
                // Halves of the ranges below and above UDP's port 80, all with the same verdict.
                func row(allowed: Bool) -> UInt32 {
                    let middle = UInt32(17) << 16 | 80
                    return world.row(
                        (0..<ranges).map { index in
                            (index == 0 ? 0 : middle + index - ranges / 2, W.outcome(allowed: allowed))
                        })
                }
                let packet = P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(5, 80))
                try world.setPair(W.egressStack, row: row(allowed: false))
                #expect(try world.send(.fromWorkload, packet) == .dropped(W.deny))
                // The whole path of a first packet, but for its entry; its event instead.
                let first = try best(world, .fromWorkload, packet)
                try world.setPair(W.egressStack, row: row(allowed: true))
                #expect(try world.send(.fromWorkload, packet) == .passed)
                let oneWay = try best(world, .fromWorkload, packet)
                let answer = P.ipv4("10.0.0.2", "10.0.0.1", 17, P.udp(80, 5))
                #expect(try world.send(.toWorkload, answer) == .passed)
                let established = try best(world, .fromWorkload, packet)
                print(
                    "\(ranges) ranges in a row: denied \(first) ns, unanswered \(oneWay) ns,"
                        + " established \(established) ns a packet")
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
