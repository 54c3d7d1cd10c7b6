import Datastore
import Synchronization
import Testing

@testable import ControlPlane

@Suite struct WriteGateTests {
    private struct Place {
        var relying = 0
        var changing = 0
        var mostRelying = 0
        var mixtures = 0
    }

    /// Many writers of few objects: who changes is alone, who relies is not, all get through, and nothing is left held.
    @Test func keepsApartWhatHasToDoWithEachOther() async throws {
        let gate = WriteGate()
        let keys = ["a", "b", "c"].map { StoreKey(resource: "networkpolicies", namespace: "shop", name: $0) }
        let places = Mutex<[StoreKey: Place]>([:])
        let passed = Mutex(0)

        @Sendable func inside(_ key: StoreKey, changing: Bool) async {
            places.withLock { places in
                var place = places[key] ?? Place()
                if changing { place.changing += 1 } else { place.relying += 1 }
                place.mostRelying = max(place.mostRelying, place.relying)
                if place.changing > 1 || place.changing == 1 && place.relying > 0 { place.mixtures += 1 }
                places[key] = place
            }
            for _ in 0..<3 { await Task.yield() }
            places.withLock { if changing { $0[key]?.changing -= 1 } else { $0[key]?.relying -= 1 } }
            passed.withLock { $0 += 1 }
        }
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<600 {
                group.addTask {
                    let namespace = WriteGate.namespace("shop")
                    let key = keys[number % 3]
                    switch number % 20 {
                    case 0: await gate.change(namespace) { await inside(namespace, changing: true) }
                    case 1: await gate.pass(.relying, key) { await inside(key, changing: false) }
                    default:
                        await gate.change(key) {
                            // Its namespace is relied on meanwhile.
                            places.withLock { $0[namespace, default: Place()].relying += 1 }
                            await inside(key, changing: true)
                            places.withLock {
                                $0[namespace]?.mostRelying = max($0[namespace]?.mostRelying ?? 0, $0[namespace]?.relying ?? 0)
                                if $0[namespace]?.changing ?? 0 > 0 { $0[namespace]?.mixtures += 1 }
                                $0[namespace]?.relying -= 1
                            }
                        }
                    }
                }
            }
        }
        #expect(passed.withLock { $0 } == 600)
        #expect(places.withLock { $0.values.reduce(0) { $0 + $1.mixtures } } == 0)
        #expect(places.withLock { $0[WriteGate.namespace("shop")]?.mostRelying ?? 0 } > 1, "unrelated writes go side by side")
        #expect(gate.count == 0)
    }
}
