import Datastore
import Foundation
import PolicyModel

let policyResource = "networkpolicies.projectcalico.org"

func policyKey(_ name: String, namespace: String = "shop") -> StoreKey {
    StoreKey(resource: policyResource, namespace: namespace, name: name)
}

func specified(_ key: StoreKey, _ number: Int64) -> JSONValue {
    .object([
        "apiVersion": .string("projectcalico.org/v3"),
        "metadata": .object(["name": .string(key.name), "namespace": .string(key.namespace)]),
        "spec": .object(["number": .integer(number)]),
    ])
}

func number(_ value: JSONValue) -> Int64? {
    guard case .integer(let number)? = value["spec"]?["number"] else { return nil }
    return number
}

/// Creates or overwrites.
func put(_ store: any Store, _ key: StoreKey, _ number: Int64) async throws -> StoredObject {
    do {
        return try await store.update(key, value: specified(key, number), expected: nil)
    } catch StoreError.notFound {
        return try await store.create(key, value: specified(key, number))
    }
}

/// The first `count` events, without the times of their commits and their texts.
func collect(
    _ count: Int, from watch: AsyncThrowingStream<[StoreEvent], any Error>
) async throws -> [StoreEvent] {
    try await collectTimed(count, from: watch).map { event in
        var untimed = event
        untimed.committed = nil
        untimed.json = nil
        return untimed
    }
}

/// The first `count` events.
func collectTimed(
    _ count: Int, from watch: AsyncThrowingStream<[StoreEvent], any Error>
) async throws -> [StoreEvent] {
    var events: [StoreEvent] = []
    for try await batch in watch {
        events += batch
        if events.count >= count { break }
    }
    return events
}

/// A folder that goes away with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "datastore-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
