import Foundation
import PolicyModel
import Synchronization
import Testing

@testable import Datastore

/// Who is told what before the disk has it, and what happens when it does not take it.
@Suite(.timeLimit(.minutes(1))) struct StoreDurabilityTests {
    /// A disk that waits or refuses when it is told to.
    private final class Disk: Sendable {
        struct State {
            var isStopped = false
            var failure: Int32?
            var begun = 0
        }

        let state = Mutex(State())

        var begun: Int { state.withLock { $0.begun } }
        func stop() { state.withLock { $0.isStopped = true } }
        func go() { state.withLock { $0.isStopped = false } }

        func sync(_ descriptor: Int32) -> Int32 {
            state.withLock { $0.begun += 1 }
            while state.withLock({ $0.isStopped }) { Thread.sleep(forTimeInterval: 0.001) }
            if let failure = state.withLock({ $0.failure }) {
                errno = failure
                return -1
            }
            return fdatasync(descriptor)
        }
    }

    private final class Told: Sendable {
        private let events = Mutex<[StoreEvent]>([])
        var revisions: [Int64] { events.withLock { $0.map(\.object.revision) } }
        func add(_ new: [StoreEvent]) { events.withLock { $0 += new } }
    }

    private let folder: TemporaryFolder
    private let disk = Disk()
    private let store: SQLiteStore

    init() throws {
        folder = try TemporaryFolder()
        store = try SQLiteStore(path: folder.path + "/store.sqlite", sync: { [disk] in disk.sync($0) })
    }

    private func eventually(_ condition: () async throws -> Bool) async throws {
        while try await !condition() { try await Task.sleep(for: .milliseconds(1)) }
    }

    /// A follower is told while the disk works; writers, readers and watchers hear of it afterwards.
    @Test func nobodyElseSeesWhatCouldBeLost() async throws {
        let key = policyKey("one")
        let before = try await put(store, key, 1)
        let (told, watched) = (Told(), Told())
        let following = Task { [store] in try await store.follow(after: before.revision) { told.add($0) } }
        let watching = Task { [store] in
            for try await events in store.watch(resource: nil, namespace: nil, after: before.revision) { watched.add(events) }
        }
        disk.stop()
        let begun = disk.begun
        let answered = Mutex(false)
        async let writing = {
            let written = try await put(store, key, 2)
            answered.withLock { $0 = true }
            return written
        }()
        try await eventually { told.revisions == [2] && disk.begun > begun }
        let readings = [
            Task { [store] in try await store.list(resource: nil, namespace: nil).revision },
            Task { [store] in try await store.get(key)?.revision ?? 0 },
            Task { [store] in try await store.document(key)?.revision ?? 0 },
        ]
        #expect(store.knownDocument(key) == nil)
        // Long enough for whoever does not wait.
        try await Task.sleep(for: .milliseconds(100))
        #expect(!answered.withLock { $0 })
        #expect(watched.revisions == [])
        #expect(try await store.revision() == 1)
        disk.go()
        #expect(try await writing.revision == 2)
        for reading in readings { #expect(try await reading.value == 2) }
        try await eventually { watched.revisions == [2] }
        following.cancel()
        watching.cancel()
        try await following.value
        try store.close()
    }

    /// A write that the disk did not take gets no answer that it is there, and none is taken after it.
    @Test func aDiskThatFailsEndsWriting() async throws {
        let key = policyKey("one")
        _ = try await put(store, key, 1)
        let watched = Told()
        let watching = Task { [store] in
            for try await events in store.watch(resource: nil, namespace: nil, after: 1) { watched.add(events) }
        }
        disk.state.withLock { $0.failure = EIO }
        let failure = StoreError.failed(
            "The disk did not take what was written into the store \(folder.path)/store.sqlite (Input/output error): the write may be "
                + "there after a restart or not. Nothing more is written until then: check the disk, and restart.")
        await #expect(throws: failure) { try await put(store, key, 2) }
        disk.state.withLock { $0.failure = nil }
        await #expect(throws: failure) { try await put(store, key, 3) }
        await #expect(throws: failure) { _ = try await store.delete(key, expected: nil) }
        #expect(try await store.revision() == 1)
        #expect(watched.revisions == [])
        watching.cancel()
        try store.close()

        let reopened = try SQLiteStore(path: folder.path + "/store.sqlite")
        let revision = try await reopened.revision()
        #expect(revision == 1 || revision == 2)
        #expect(try await put(reopened, key, 4).revision == revision + 1)
        try reopened.close()
    }

    /// Whenever a follower begins, what was written before and what is written meanwhile is told once and in order.
    @Test func followersMissNothing() async throws {
        let writing = Task { [store] in
            for number in 0..<400 { _ = try await put(store, policyKey("p\(number % 7)"), Int64(number)) }
        }
        var followers: [(told: Told, task: Task<Void, any Error>)] = []
        for _ in 0..<20 {
            let told = Told()
            let start = try await store.revision()
            followers.append((told, Task { [store] in try await store.follow(after: start / 2) { told.add($0) } }))
            try await Task.sleep(for: .milliseconds(3))
        }
        try await writing.value
        for (told, task) in followers {
            try await eventually { told.revisions.last == 400 }
            let revisions = told.revisions
            #expect(revisions == Array((revisions.first ?? 0)...400))
            task.cancel()
            try await task.value
        }
        try store.close()
    }

    @Test func followingEndsWithTheStore() async throws {
        let told = Told()
        let following = Task { [store] in try await store.follow(after: 0) { told.add($0) } }
        _ = try await put(store, policyKey("one"), 1)
        try await eventually { told.revisions == [1] }
        try store.close()
        await #expect(throws: StoreError.failed("The store was closed.")) { try await following.value }
    }

    @Test func whoIsTooFarBehindIsToldSo() async throws {
        let small = try SQLiteStore(path: folder.path + "/small.sqlite", loggedEvents: 1)
        for number in 0..<Int64(2 * StoreLimits.writesBetweenCompactions) { _ = try await put(small, policyKey("one"), number) }
        await #expect(throws: StoreError.self) { try await small.follow(after: 0) { _ in } }
        try small.close()
    }

    /// The log is carried over into the file although SQLite is not asked to do it within commits.
    @Test func theLogStaysSmall() async throws {
        let text = JSONValue.object(["spec": .string(String(repeating: "x", count: 20_000))])
        let key = policyKey("one")
        _ = try await store.create(key, value: text)
        for _ in 0..<1_000 { _ = try await store.update(key, value: text, expected: nil) }
        let size = try FileManager.default.attributesOfItem(atPath: folder.path + "/store.sqlite-wal")[.size] as? Int ?? 0
        #expect(size > 0 && size < 4 * StoreLimits.bytesPerCheckpoint * StoreLimits.checkpointPatience, "\(size) bytes")
        try store.close()
    }

    @Test func checkpointsWaitForAPause() {
        var plan = CheckpointPlan()
        func isDue(isIdle: Bool) -> Bool { plan.take(isIdle: isIdle) }
        for _ in 1..<StoreLimits.commitsPerCheckpoint { plan.add(bytes: 10) }
        #expect(!isDue(isIdle: true))
        plan.add(bytes: 10)
        #expect(!isDue(isIdle: false))
        #expect(isDue(isIdle: true))
        #expect(!isDue(isIdle: true))
        plan.add(bytes: StoreLimits.bytesPerCheckpoint)
        #expect(!isDue(isIdle: false))
        plan.add(bytes: StoreLimits.bytesPerCheckpoint)
        #expect(isDue(isIdle: false))
        #expect(!isDue(isIdle: true))
    }
}
