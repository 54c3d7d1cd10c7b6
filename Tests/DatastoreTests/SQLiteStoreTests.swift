import Datastore
import Foundation
import PolicyModel
import Testing

@Suite struct SQLiteStoreTests {
    let folder = try! TemporaryFolder()
    var path: String { folder.path + "/store.sqlite" }

    @Test(arguments: StoreConformance.allCases)
    func conforms(_ promise: StoreConformance) async throws {
        try await promise.run(on: SQLiteStore(path: path))
    }

    @Test func revisionsGoOnAfterReopening() async throws {
        let key = policyKey("one")
        var store = try SQLiteStore(path: path)
        #expect(try await store.create(key, value: specified(key, 1)).revision == 1)
        #expect(try await store.delete(key, expected: nil).revision == 2)
        try store.close()
        store = try SQLiteStore(path: path)
        #expect(try await store.list(resource: nil, namespace: nil).revision == 2)
        #expect(try await store.create(key, value: specified(key, 1)).revision == 3)
    }

    @Test func watchResumesAfterReopening() async throws {
        let keys = (0..<7).map { policyKey("policy-\($0)") }
        var store = try SQLiteStore(path: path)
        var written: [StoredObject] = []
        for round in 0..<600 { written.append(try await put(store, keys[round % 7], Int64(round))) }
        try store.close()
        store = try SQLiteStore(path: path)
        for after in [0, 1, 255, 256, 257, 599] {
            let rest = Array(written[after...])
            #expect(try await collect(rest.count, from: store.watch(resource: nil, namespace: nil, after: Int64(after))).map(\.object) == rest)
        }
        // From the log into what is live.
        async let live = collect(301, from: store.watch(resource: nil, namespace: nil, after: 300))
        written.append(try await put(store, keys[0], 1_000))
        #expect(try await live.map(\.object) == Array(written[300...]))
    }

    /// A process that is killed while it writes leaves a store that opens, with every write that had returned.
    @Test func survivesBeingKilled() async throws {
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let store = try SQLiteStore(path: path)
            for round in 1...40 { _ = try await put(store, policyKey("killed"), Int64(round)) }
            Task.detached { while true { _ = try await put(store, policyKey("busy"), 1) } }
            try await Task.sleep(for: .milliseconds(30))
            kill(getpid(), SIGKILL)
        }
        let store = try SQLiteStore(path: path)
        #expect(try await store.get(policyKey("killed")).flatMap { number($0.value) } == 40)
        let revision = try await store.list(resource: nil, namespace: nil).revision
        #expect(revision >= 40)
        let events = try await collect(Int(revision), from: store.watch(resource: nil, namespace: nil, after: 0))
        #expect(events.map(\.object.revision) == Array(1...revision))
        #expect(try await store.create(policyKey("after"), value: specified(policyKey("after"), 1)).revision == revision + 1)
    }

    @Test func oldEventsAreCompacted() async throws {
        let logged: Int64 = 1_500
        let store = try SQLiteStore(path: path, loggedEvents: logged)
        let slow = store.watch(resource: nil, namespace: nil, after: 0)
        var slowReader = slow.makeAsyncIterator()
        let key = policyKey("churn")
        _ = try await put(store, key, 0)
        #expect(try await slowReader.next()?.count == 1)

        let count = logged + 2 * StoreLimits.writesBetweenCompactions
        for round in 1..<count { _ = try await put(store, key, round) }
        let cut = count / StoreLimits.writesBetweenCompactions * StoreLimits.writesBetweenCompactions
        let oldest = cut - logged + 1
        let compacted = StoreError.compacted(oldest: oldest)

        await #expect(throws: compacted) {
            for try await _ in store.watch(resource: nil, namespace: nil, after: oldest - 2) {}
        }
        // A reader that fell behind is told so, not left with a gap.
        await #expect(throws: compacted) { _ = try await slowReader.next() }
        let kept = try await collect(
            Int(count - oldest + 1), from: store.watch(resource: nil, namespace: nil, after: oldest - 1))
        #expect(kept.map(\.object.revision) == Array(oldest...count))
    }

    @Test func slowReaderCatchesUpWithoutGap() async throws {
        let store = try SQLiteStore(path: path)
        var reader = store.watch(resource: nil, namespace: nil, after: 0).makeAsyncIterator()
        var seen: [Int64] = []
        let count = Int64(StoreLimits.recentEvents) * 2
        for round in 1...count {
            _ = try await put(store, policyKey("churn"), round)
            if round == 1 { seen += try await reader.next()?.map(\.object.revision) ?? [] }
        }
        while seen.last != count { seen += try await reader.next()?.map(\.object.revision) ?? [] }
        #expect(seen == Array(1...count))
    }

    @Test func oneProcessAtATime() throws {
        let first = try SQLiteStore(path: path)
        #expect(
            throws: StoreError.failed(
                "The store \(path) is in use by another process: stop that one first, or choose another state folder.")
        ) { try SQLiteStore(path: path) }
        try first.close()
        #expect(throws: Never.self) { try SQLiteStore(path: path) }
    }

    /// As by a child that was forked while the store was open, and lives a little longer.
    @Test func aCopyOfTheDescriptorDoesNotKeepTheLock() throws {
        let store = try SQLiteStore(path: path)
        // All first: a copy may get the number of another test's file that is in the list and closed by now.
        let held = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap(Int32.init).filter {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path + "-lock"
        }
        #expect(held.count == 1)
        let copies = held.map { dup($0) }
        try store.close()
        #expect(throws: Never.self) { try SQLiteStore(path: path) }
        for copy in copies { close(copy) }
    }

    @Test func filesBelongToTheirOwnerAlone() async throws {
        let store = try SQLiteStore(path: path)
        _ = try await put(store, policyKey("one"), 1)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(files.sorted() == ["store.sqlite", "store.sqlite-lock", "store.sqlite-shm", "store.sqlite-wal"])
        for file in files {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/" + file)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(file)")
        }
    }

    @Test func damageIsFoundAtTheStart() async throws {
        let store = try SQLiteStore(path: path)
        for round in 0..<200 { _ = try await put(store, policyKey("policy-\(round)"), 1) }
        try store.close()
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        try file.seek(toOffset: 3 * 4096 + 100)
        try file.write(contentsOf: Data(repeating: 0x5a, count: 12_000))
        try file.close()
        let error = #expect(throws: StoreError.self) { try SQLiteStore(path: path) }
        guard case .failed(let message) = error else {
            Issue.record("not a failure: \(String(describing: error))")
            return
        }
        #expect(message.hasPrefix("The store \(path) is damaged ("))
        #expect(message.hasSuffix("Kernels keep enforcing what they have."))
    }

    @Test func aFileThatIsNoStoreIsRefused() throws {
        try Data("kind: NetworkPolicy, and more text than a header of a database has room for, by far, far, far ...".utf8)
            .write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: StoreError.self) { try SQLiteStore(path: path) }
        guard case .failed(let message) = error else {
            Issue.record("not a failure: \(String(describing: error))")
            return
        }
        #expect(message.hasPrefix("The store \(path) is damaged (file is not a database)"))
    }

    @Test func aMissingFolderIsNamed() {
        let missing = folder.path + "/absent/store.sqlite"
        #expect(
            throws: StoreError.failed(
                "The store \(missing) cannot be opened for writing (No such file or directory): "
                    + "check that its folder exists and belongs to this user.")
        ) { try SQLiteStore(path: missing) }
    }

    /// A write that finds no room fails with a sentence, changes nothing, and the next one works when there is room.
    @Test func fullDisk() async throws {
        let mount = folder.path + "/small"
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        try #require(run("/bin/mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mount) == 0, "needs root")
        defer { _ = run("/bin/umount", "-l", mount) }
        let path = mount + "/store.sqlite"
        let store = try SQLiteStore(path: path)
        let key = policyKey("kept")
        let kept = try await store.create(key, value: specified(key, 1))
        try Data(count: 1_500_000).write(to: URL(fileURLWithPath: mount + "/ballast"))

        let large = JSONValue.object(["spec": .string(String(repeating: "x", count: 1_000_000))])
        let error = await #expect(throws: StoreError.self) { try await store.update(key, value: large, expected: nil) }
        guard case .failed(let message) = error else {
            Issue.record("not a failure: \(String(describing: error))")
            return
        }
        #expect(
            message == "The file system that holds the store \(path) is full: nothing was changed. "
                + "Free some space and try again.")
        #expect(try await store.get(key) == kept)
        #expect(try await store.list(resource: nil, namespace: nil).revision == kept.revision)

        try FileManager.default.removeItem(atPath: mount + "/ballast")
        #expect(try await put(store, key, 2).revision == kept.revision + 1)
        let events = try await collect(2, from: store.watch(resource: nil, namespace: nil, after: 0))
        #expect(events.map(\.kind) == [.added, .modified])
        try store.close()
    }

    /// Not a benchmark: a bound that only a mistake (a scan, a poll) would break.
    @Test func isPrompt() async throws {
        // On memory, so that the figure is ours and not the disk's.
        let path = "/dev/shm/datastore-tests-\(UUID().uuidString)"
        defer { for suffix in ["", "-wal", "-shm", "-lock"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
        let store = try SQLiteStore(path: path)
        let clock = ContinuousClock()
        let key = policyKey("timed")
        _ = try await put(store, key, 0)
        let watch = Task {
            var arrivals: [Int64: ContinuousClock.Instant] = [:]
            for try await batch in store.watch(resource: policyResource, namespace: nil, after: 1) {
                for event in batch { arrivals[event.object.revision] = clock.now }
                if arrivals.count == 500 { break }
            }
            return arrivals
        }
        var returned: [Int64: ContinuousClock.Instant] = [:]
        var writes: [Duration] = []
        for round in 1...500 {
            let start = clock.now
            let object = try await store.update(key, value: specified(key, Int64(round)), expected: nil)
            returned[object.revision] = clock.now
            writes.append(clock.now - start)
        }
        let arrivals = try await watch.value
        let delays = returned.compactMap { revision, instant in arrivals[revision].map { $0 - instant } }.sorted()
        let write = writes.sorted()[250]
        let delay = try #require(delays.count == 500 ? delays[250] : nil)
        print("median write \(write), median delivery after the writer's return \(delay)")
        #expect(write < .milliseconds(5))
        #expect(delay < .milliseconds(5))
    }
}

private func run(_ program: String, _ arguments: String...) -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    do { try process.run() } catch { return -1 }
    process.waitUntilExit()
    return process.terminationStatus
}
