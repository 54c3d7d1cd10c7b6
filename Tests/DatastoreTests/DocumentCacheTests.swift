import Foundation
import PolicyModel
import Synchronization
import Testing

@testable import Datastore

/// What the tasks of a test share.
private final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<Result: Sendable>(_ body: @Sendable (inout Value) -> Result) -> Result {
        value.withLock { value in
            var changed = value
            defer { value = changed }
            return body(&changed)
        }
    }
}

@Suite struct DocumentCacheTests {
    private let key = StoreKey(resource: "namespaces", namespace: "", name: "shop")

    private func entry(_ revision: Int64, _ key: StoreKey? = nil, bytes: Int = 10) -> DocumentCache.Entry {
        .init(document: StoredDocument(key: key ?? self.key, revision: revision, json: [UInt8](repeating: 0x20, count: bytes)))
    }

    @Test func remembersWhatWasFoundAndWritten() {
        let cache = DocumentCache()
        #expect(cache.find(key).entry == nil)
        cache.remember(entry(1), ticket: cache.find(key).ticket)
        #expect(cache.find(key).entry?.document.revision == 1)
        cache.begin([key])
        cache.end([(key, entry(2).document), (key, entry(3).document)])
        #expect(cache.find(key).entry?.document.revision == 3)
        cache.begin([key])
        cache.end([(key, nil)])
        #expect(cache.find(key).entry == nil)
    }

    /// Whoever read the file before a commit must not bring the old version in after it.
    @Test func refusesWhatAWriteMadeOld() {
        let cache = DocumentCache()
        let before = cache.find(key).ticket
        cache.begin([key])
        #expect(cache.find(key).entry == nil)
        cache.remember(entry(1), ticket: before)
        cache.remember(entry(1), ticket: cache.find(key).ticket)
        #expect(cache.find(key).entry == nil)
        cache.end([])
        cache.remember(entry(1), ticket: before)
        #expect(cache.find(key).entry == nil)
        cache.remember(entry(3), ticket: cache.find(key).ticket)
        #expect(cache.find(key).entry?.document.revision == 3)
    }

    @Test func staysWithinItsBytesAndKeepsWhatIsAskedFor() {
        let cache = DocumentCache(mostBytes: 100_000)
        cache.remember(entry(1, bytes: 2_000), ticket: cache.find(key).ticket)
        #expect(cache.find(key).entry == nil, "larger than one may be")
        var most = 0
        for number in 0..<1_000 {
            let other = StoreKey(resource: "namespaces", namespace: "", name: "n\(number)")
            cache.remember(entry(1, other, bytes: 700), ticket: cache.find(other).ticket)
            if number == 0 { cache.remember(entry(9), ticket: cache.find(key).ticket) }
            #expect(cache.find(key).entry?.document.revision == 9, "asked for all the time")
            most = max(most, cache.bytes)
        }
        #expect((50_000...100_000).contains(most))
    }

    private struct Observation: Sendable {
        var key: StoreKey
        /// The newest revision of the key that a writer had been told of before the question.
        var floor: Int64
        var seen: StoredDocument?
        var isKnown: Bool
    }

    /// Writers and readers at once: no reader gets less than what was acknowledged before it asked, from the cache or the file.
    @Test func neverAnswersWithAnOldVersion() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path + "/store.sqlite")
        let keys = (0..<6).map { policyKey("p\($0)") }
        let acknowledged = Shared<[StoreKey: Int64]>([:])
        let observations = Shared<[Observation]>([])
        let isOver = Shared(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    var random = SystemRandomNumberGenerator()
                    for round in 0..<150 {
                        guard let key = keys.randomElement(using: &random) else { return }
                        let written: StoredObject?
                        if Int.random(in: 0..<4, using: &random) == 0 {
                            written = try? await store.delete(key, expected: nil)
                        } else {
                            written = try? await put(store, key, Int64(writer * 1_000 + round))
                        }
                        guard let written else { continue }
                        acknowledged.withLock { $0[key] = max($0[key] ?? 0, written.revision) }
                    }
                }
            }
            for reader in 0..<3 {
                group.addTask {
                    var random = SystemRandomNumberGenerator()
                    while !isOver.withLock({ $0 }) {
                        guard let key = keys.randomElement(using: &random) else { return }
                        let floor = acknowledged.withLock { $0[key] ?? 0 }
                        var seen: StoredDocument?
                        var isKnown = false
                        switch reader {
                        case 0:
                            seen = store.knownDocument(key)
                            isKnown = seen != nil
                            // Unknown is not absent.
                            if !isKnown { seen = try await store.document(key) }
                        case 1: seen = try await store.document(key)
                        default: seen = try await store.get(key).map(StoredDocument.init)
                        }
                        let observation = Observation(key: key, floor: floor, seen: seen, isKnown: isKnown)
                        observations.withLock { $0.append(observation) }
                        await Task.yield()
                    }
                }
            }
            for _ in 0..<4 { try await group.next() }
            isOver.withLock { $0 = true }
            try await group.waitForAll()
        }
        let last = try await store.revision()
        let events = try await collect(Int(last), from: store.watch(resource: nil, namespace: nil, after: 0))
        #expect(events.map(\.object.revision) == Array(1...last))
        let all = observations.withLock { $0 }
        for observation in all {
            if let seen = observation.seen {
                let event = events[Int(seen.revision) - 1]
                #expect(seen.revision >= observation.floor)
                #expect(event.object.key == observation.key && event.kind != .deleted && event.object.value.serialized() == seen.json)
            } else {
                let wasDeleted = events.contains {
                    $0.object.key == observation.key && $0.kind == .deleted && $0.object.revision >= observation.floor
                }
                #expect(wasDeleted || observation.floor == 0)
            }
        }
        let known = all.count(where: \.isKnown)
        let absent = all.count { $0.seen == nil }
        let deletions = events.count { $0.kind == .deleted }
        print("\(events.count) writes, \(deletions) of them deletions; \(all.count) reads, \(known) from memory, \(absent) of nothing")
        #expect(events.count > 300 && deletions > 50 && known > 100 && absent > 20)
        try await expectUncached(store, keys)

        // A restored store knows nothing of what was in memory.
        _ = try StoreBackup.write(store: folder.path + "/store.sqlite", files: [:], to: folder.path + "/copy")
        for key in keys { _ = try await put(store, key, 99) }
        try store.close()
        _ = try StoreBackup.restore(from: folder.path + "/copy", store: folder.path + "/store.sqlite")
        let restored = try SQLiteStore(path: folder.path + "/store.sqlite")
        for key in keys { #expect(try await restored.get(key).flatMap { number($0.value) } != 99) }
        try await expectUncached(restored, keys)
        try restored.close()
    }

    private func expectUncached(_ store: SQLiteStore, _ keys: [StoreKey]) async throws {
        let stored = try await store.documents(StoreQuery(resource: nil, namespace: nil)).documents
        for key in keys {
            for _ in 0..<2 { #expect(try await store.document(key) == stored.first { $0.key == key }) }
        }
    }

    @Test func writesShareCommitsAndARefusedOneTakesNoneAlong() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path + "/store.sqlite")
        _ = try await put(store, policyKey("there"), 0)
        let huge = JSONValue.object(["text": .string(String(repeating: "x", count: JSONLimits.maximumBytes))])
        let refusals = Shared(0)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<300 {
                group.addTask {
                    do {
                        switch number % 10 {
                        case 3: _ = try await store.create(policyKey("there"), value: specified(policyKey("there"), 1))
                        case 6: _ = try await store.delete(policyKey("absent"), expected: nil)
                        case 9 where number < 30: _ = try await store.create(policyKey("huge"), value: huge)
                        default: _ = try await store.create(policyKey("n\(number)"), value: specified(policyKey("n\(number)"), 1))
                        }
                    } catch { refusals.withLock { $0 += 1 } }
                }
            }
        }
        #expect(refusals.withLock { $0 } == 63)
        let last = try await store.revision()
        #expect(last == 238)
        let events = try await collectTimed(238, from: store.watch(resource: nil, namespace: nil, after: 0))
        #expect(events.map(\.object.revision) == Array(1...238))
        let commits = Set(events.compactMap(\.committed)).count
        print("\(events.count) writes in \(commits) commits")
        #expect(commits < 200)
        try store.close()
    }
}
