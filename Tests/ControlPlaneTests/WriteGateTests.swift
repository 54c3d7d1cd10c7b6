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
        var passed = 0
    }

    /// Who is where at the moment, as the writers themselves see it.
    private final class Held: Sendable {
        private let places = Mutex<[StoreKey: Place]>([:])

        var all: [StoreKey: Place] { places.withLock { $0 } }

        func enter(_ key: StoreKey, changing: Bool) {
            places.withLock { places in
                var place = places[key] ?? Place()
                if changing { place.changing += 1 } else { place.relying += 1 }
                place.mostRelying = max(place.mostRelying, place.relying)
                if place.changing > 1 || place.changing == 1 && place.relying > 0 { place.mixtures += 1 }
                places[key] = place
            }
        }

        func leave(_ key: StoreKey, changing: Bool) {
            places.withLock { places in
                var place = places[key] ?? Place()
                if changing { place.changing -= 1 } else { place.relying -= 1 }
                place.passed += 1
                places[key] = place
            }
        }
    }

    /// Many writers of few objects: who changes is alone, who relies is not, all get through, and nothing is left held.
    @Test func keepsApartWhatHasToDoWithEachOther() async throws {
        let gate = WriteGate()
        let keys = ["a", "b", "c"].map { StoreKey(resource: "networkpolicies", namespace: "shop", name: $0) }
        let held = Held()

        @Sendable func inside(_ key: StoreKey, changing: Bool) async {
            held.enter(key, changing: changing)
            for _ in 0..<3 { await Task.yield() }
            held.leave(key, changing: changing)
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
                            held.enter(namespace, changing: false)
                            await inside(key, changing: true)
                            held.leave(namespace, changing: false)
                        }
                    }
                }
            }
        }
        let places = held.all
        #expect(places.values.reduce(0) { $0 + $1.passed } == 600 + 540)
        #expect(places.values.reduce(0) { $0 + $1.mixtures } == 0)
        #expect(places[WriteGate.namespace("shop")]?.mostRelying ?? 0 > 1, "unrelated writes go side by side")
        #expect(gate.count == 0)
    }
}
