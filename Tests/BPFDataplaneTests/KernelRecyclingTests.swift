import CBPF
import Foundation
import Synchronization
import Testing

@testable import BPFDataplane

extension KernelTests {
    /// The kernel gives an element of a hash to another key while a program holds it; no packet may be decided by the
    /// other key's word.
    @Suite struct Recycling {
        typealias P = KernelPacket
        typealias W = KernelWorld

        private final class Stop: Sendable {
            let requested = Atomic(false)
        }

        @Test func anElementGivenToAnotherKeyDecidesNothing() throws {
            let world = try KernelWorld()
            // 10.0.0.2 is in set 5, or in none: allowed either way. 10.0.0.3 is in set 6, which is denied.
            try world.setExact("10.0.0.2", 5)
            try world.setPair(W.egressStack, exact: 6, prefix: 0, row: world.row([(0, W.outcome(allowed: false))]))
            let friend = bulkhead_exact_key(zone: 0, family: 4, address: world.kernelAddress("10.0.0.2"))
            let enemy = bulkhead_exact_key(zone: 0, family: 4, address: world.kernelAddress("10.0.0.3"))
            let map = world.kernel.exact.descriptor.raw
            // The other thread only stores to the mapped epoch, which is atomic; this one never writes it meanwhile.
            nonisolated(unsafe) let shared = world
            let stop = Stop()
            let writer = Thread {
                var friendKey = friend
                var enemyKey = enemy
                var friendWord = bulkhead_word(5, KernelTag.of(friend))
                var enemyWord = bulkhead_word(6, KernelTag.of(enemy))
                while !stop.requested.load(ordering: .relaxed) {
                    _ = bulkhead_map_delete(map, &friendKey)
                    _ = bulkhead_map_update(map, &enemyKey, &enemyWord, 0)
                    shared.bumpEpoch()
                    _ = bulkhead_map_delete(map, &enemyKey)
                    _ = bulkhead_map_update(map, &friendKey, &friendWord, 0)
                    shared.bumpEpoch()
                }
            }
            writer.start()
            let packet = P.ipv4("10.0.0.1", "10.0.0.2", 17, P.udp(5, 80))
            var wrong = 0
            var torn = 0
            var rounds = 0
            let end = ContinuousClock.now + .seconds(2)
            while ContinuousClock.now < end {
                // Decided by the tables again each time the epoch has moved on.
                _ = try world.run(.fromWorkload, packet, repetitions: 2000)
                rounds += 2000
                world.drain { event in
                    if event.outcome & 0x0fff_ffff == W.deny { wrong += 1 }
                    if event.outcome & 0x0fff_ffff == BULKHEAD_TORN_READ.rawValue { torn += 1 }
                }
            }
            stop.requested.store(true, ordering: .relaxed)
            while !writer.isFinished { usleep(1000) }
            let retries = try world.kernel.counters.total(BULKHEAD_COUNTER_TAG_RETRIES.rawValue)
            let epochs = world.meta(BULKHEAD_META_EPOCH)
            print(
                "\(rounds) packets while an element changed hands \(epochs) times: \(retries) read another key's word,"
                    + " \(torn) dropped for it")
            #expect(wrong == 0)
            #expect(epochs > 10_000)
        }
    }
}
