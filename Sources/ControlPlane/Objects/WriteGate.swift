import Datastore
import Synchronization

/// Keeps writes apart that have to do with each other, so that what a write was checked against (the object before it, its
/// namespace, its tier) still holds when it is committed. Others go side by side, and become durable together.
///
/// A place is held by one who changes the object there, or by many who only rely on it, and is given in the order of arrival.
/// Places are always taken in the order namespace, object, tier: nobody waits for somebody who waits for him.
final class WriteGate: Sendable {
    enum Claim: Sendable {
        /// The object stays as it is meanwhile.
        case relying
        /// Nobody else relies on the object meanwhile, or changes it.
        case changing
    }

    private struct Place {
        var relying = 0
        var isChanged = false
        var waiting: [(claim: Claim, continuation: CheckedContinuation<Void, Never>)] = []

        /// Takes the place where it can be had.
        mutating func admit(_ claim: Claim) -> Bool {
            switch claim {
            case .relying:
                guard !isChanged else { return false }
                relying += 1
            case .changing:
                guard !isChanged, relying == 0 else { return false }
                isChanged = true
            }
            return true
        }
    }

    private let places = Mutex<[StoreKey: Place]>([:])

    /// How many places are held or waited for; for tests.
    var count: Int { places.withLock { $0.count } }

    func pass<Value: Sendable>(_ claim: Claim, _ key: StoreKey, _ body: () async throws -> Value) async rethrows -> Value {
        await enter(claim, key)
        defer { leave(claim, key) }
        return try await body()
    }

    /// Changes the object at `key`, and relies on its namespace.
    func change<Value: Sendable>(_ key: StoreKey, _ body: () async throws -> Value) async rethrows -> Value {
        guard !key.namespace.isEmpty else { return try await pass(.changing, key, body) }
        return try await pass(.relying, Self.namespace(key.namespace)) { try await pass(.changing, key, body) }
    }

    static func namespace(_ name: String) -> StoreKey { StoreKey(resource: "namespaces", namespace: "", name: name) }

    private func enter(_ claim: Claim, _ key: StoreKey) async {
        await withCheckedContinuation { continuation in
            let isAdmitted = places.withLock { places in
                var place = places[key] ?? Place()
                // Whoever came before goes before.
                let isAdmitted = place.waiting.isEmpty && place.admit(claim)
                if !isAdmitted { place.waiting.append((claim, continuation)) }
                places[key] = place
                return isAdmitted
            }
            if isAdmitted { continuation.resume() }
        }
    }

    private func leave(_ claim: Claim, _ key: StoreKey) {
        let admitted = places.withLock { places -> [CheckedContinuation<Void, Never>] in
            guard var place = places[key] else { return [] }
            switch claim {
            case .relying: place.relying -= 1
            case .changing: place.isChanged = false
            }
            var count = 0
            while count < place.waiting.count, place.admit(place.waiting[count].claim) { count += 1 }
            let admitted = place.waiting[..<count].map(\.continuation)
            place.waiting.removeFirst(count)
            places[key] = place.relying == 0 && !place.isChanged ? nil : place
            return admitted
        }
        for continuation in admitted { continuation.resume() }
    }
}
