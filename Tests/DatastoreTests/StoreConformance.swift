import Datastore
import PolicyModel
import Testing

/// What every `Store` promises, whatever stands behind it. Each case gets an empty store.
enum StoreConformance: CaseIterable {
    case writesAndReads
    case conflicts
    case listing
    case totalOrderUnderConcurrentWriters
    case failedWritesTakeNoRevision
    case watchFromTheStart
    case watchFilters
    case watchWithWriters
    case watchOfTheFuture
    case cancelledWatchEnds
    case pagesOfOneRevision
    case owners
    case quietRevisions

    func run(on store: any Store) async throws {
        switch self {
        case .writesAndReads: try await Self.writesAndReads(store)
        case .conflicts: try await Self.conflicts(store)
        case .listing: try await Self.listing(store)
        case .totalOrderUnderConcurrentWriters: try await Self.totalOrder(store)
        case .failedWritesTakeNoRevision: try await Self.failedWrites(store)
        case .watchFromTheStart: try await Self.watchFromTheStart(store)
        case .watchFilters: try await Self.watchFilters(store)
        case .watchWithWriters: try await Self.watchWithWriters(store)
        case .watchOfTheFuture: try await Self.watchOfTheFuture(store)
        case .cancelledWatchEnds: try await Self.cancelledWatchEnds(store)
        case .pagesOfOneRevision: try await Self.pagesOfOneRevision(store)
        case .owners: try await Self.owners(store)
        case .quietRevisions: try await Self.quietRevisions(store)
        }
    }

    private static func writesAndReads(_ store: any Store) async throws {
        let key = policyKey("allow \"web\" ✓")
        let value = JSONValue.object([
            "metadata": .object(["name": .string(key.name), "resourceVersion": .string("777")]),
            "spec": .object([
                "order": .number(1.5), "count": .integer(.max), "flag": .bool(true), "none": .null,
                "list": .array([.integer(0), .integer(1), .bool(false), .string("1"), .string("a/b\n\u{7}")]),
                "empty": .object([:]),
            ]),
        ])
        #expect(try await store.get(key) == nil)
        let created = try await store.create(key, value: value)
        #expect(created.key == key)
        #expect(created.value["metadata"]?["resourceVersion"] == .string(String(created.revision)))
        #expect(created.value["spec"] == value["spec"])
        #expect(try await store.get(key) == created)

        let updated = try await store.update(key, value: specified(key, 2), expected: created.revision)
        #expect(updated.revision > created.revision)
        #expect(updated.value["spec"] == specified(key, 2)["spec"])
        #expect(try await store.get(key) == updated)

        let overwritten = try await store.update(key, value: specified(key, 3), expected: nil)
        #expect(overwritten.revision > updated.revision)

        let deleted = try await store.delete(key, expected: overwritten.revision)
        #expect(deleted.revision > overwritten.revision)
        #expect(deleted.value["spec"] == overwritten.value["spec"])
        #expect(deleted.value["metadata"]?["resourceVersion"] == .string(String(deleted.revision)))
        #expect(try await store.get(key) == nil)
    }

    private static func conflicts(_ store: any Store) async throws {
        let key = policyKey("one")
        await #expect(throws: StoreError.notFound(key)) {
            try await store.update(key, value: specified(key, 1), expected: nil)
        }
        await #expect(throws: StoreError.notFound(key)) { try await store.delete(key, expected: nil) }
        let created = try await store.create(key, value: specified(key, 1))
        await #expect(throws: StoreError.alreadyExists(key)) { try await store.create(key, value: specified(key, 2)) }
        let updated = try await store.update(key, value: specified(key, 2), expected: created.revision)
        let conflict = StoreError.conflict(key, current: updated.revision)
        await #expect(throws: conflict) {
            try await store.update(key, value: specified(key, 3), expected: created.revision)
        }
        await #expect(throws: conflict) { try await store.delete(key, expected: created.revision) }
        #expect(try await store.get(key) == updated)
    }

    private static func listing(_ store: any Store) async throws {
        #expect(try await store.list(resource: nil, namespace: nil).objects.isEmpty)
        let keys = [
            StoreKey(resource: "tiers.projectcalico.org", namespace: "", name: "platform"),
            StoreKey(resource: "namespaces", namespace: "", name: "shop"),
            policyKey("b", namespace: "shop"), policyKey("a", namespace: "shop"), policyKey("z", namespace: "bank"),
        ]
        for key in keys { _ = try await store.create(key, value: specified(key, 1)) }
        let all = try await store.list(resource: nil, namespace: nil)
        #expect(all.objects.map(\.key) == [keys[1], keys[4], keys[3], keys[2], keys[0]])
        #expect(all.revision == all.objects.map(\.revision).max())
        let shop = try await store.list(resource: policyResource, namespace: "shop").objects
        #expect(shop.map(\.key) == [keys[3], keys[2]])
        #expect(try await store.list(resource: policyResource, namespace: nil).objects.count == 3)
        #expect(try await store.list(resource: nil, namespace: "bank").objects.map(\.key) == [keys[4]])
        #expect(try await store.list(resource: nil, namespace: "").objects.map(\.key) == [keys[1], keys[0]])
        let last = try await store.delete(keys[0], expected: nil)
        #expect(try await store.list(resource: "absent", namespace: nil).revision == last.revision)
    }

    /// Eight writers raise one counter by optimistic updates: no update may be lost and no revision given twice.
    private static func totalOrder(_ store: any Store) async throws {
        let key = policyKey("counter")
        _ = try await store.create(key, value: specified(key, 0))
        let writers = 8
        let rounds = 25
        let revisions = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for _ in 0..<writers {
                group.addTask {
                    var own: [Int64] = []
                    while own.count < rounds {
                        guard let current = try await store.get(key), let count = number(current.value) else { break }
                        do {
                            let next = specified(key, count + 1)
                            own.append(try await store.update(key, value: next, expected: current.revision).revision)
                        } catch StoreError.conflict {
                            continue
                        }
                    }
                    return own
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(try await store.get(key).flatMap { number($0.value) } == Int64(writers * rounds))
        #expect(Set(revisions.flatMap { $0 }).count == writers * rounds)
        for own in revisions { #expect(own == own.sorted()) }
    }

    private static func failedWrites(_ store: any Store) async throws {
        let key = policyKey("one")
        let created = try await store.create(key, value: specified(key, 1))
        _ = try? await store.create(key, value: specified(key, 2))
        _ = try? await store.update(key, value: specified(key, 2), expected: created.revision + 1)
        _ = try? await store.delete(policyKey("absent"), expected: nil)
        #expect(try await store.list(resource: nil, namespace: nil).revision == created.revision)
        let events = try await collect(1, from: store.watch(resource: nil, namespace: nil, after: 0))
        #expect(events.map(\.object) == [created])
    }

    private static func watchFromTheStart(_ store: any Store) async throws {
        let first = policyKey("first")
        let second = policyKey("second")
        let made = try await store.create(first, value: specified(first, 1))
        let changed = try await store.update(first, value: specified(first, 2), expected: nil)
        let other = try await store.create(second, value: specified(second, 1))
        let removed = try await store.delete(first, expected: nil)
        let expected = [
            StoreEvent(kind: .added, object: made), StoreEvent(kind: .modified, object: changed, previous: made),
            StoreEvent(kind: .added, object: other), StoreEvent(kind: .deleted, object: removed, previous: changed),
        ]
        #expect(try await collect(4, from: store.watch(resource: nil, namespace: nil, after: 0)) == expected)
        let resumed = store.watch(resource: nil, namespace: nil, after: changed.revision)
        #expect(try await collect(2, from: resumed) == Array(expected[2...]))
    }

    private static func watchFilters(_ store: any Store) async throws {
        let start = try await store.list(resource: nil, namespace: nil).revision
        let wanted = policyKey("wanted", namespace: "shop")
        let others = [
            policyKey("other", namespace: "bank"),
            StoreKey(resource: "workloadendpoints.projectcalico.org", namespace: "shop", name: "web"),
        ]
        async let live = collect(3, from: store.watch(resource: policyResource, namespace: "shop", after: start))
        var expected: [StoredObject] = []
        for round in 1...3 {
            for key in others { _ = try await put(store, key, Int64(round)) }
            expected.append(try await put(store, wanted, Int64(round)))
        }
        #expect(try await live.map(\.object) == expected)
        let late = store.watch(resource: policyResource, namespace: "shop", after: start)
        #expect(try await collect(3, from: late).map(\.object) == expected)
    }

    /// Watches that begin at any moment between writes see every event after theirs exactly once, in order.
    private static func watchWithWriters(_ store: any Store) async throws {
        let perWriter = 60
        let writers = 4
        typealias Seen = (after: Int64, revisions: [Int64])
        let seen = try await withThrowingTaskGroup(of: Seen?.self, returning: [Seen].self) { group in
            for writer in 0..<writers {
                group.addTask {
                    let key = policyKey("writer-\(writer)")
                    for round in 1...perWriter { _ = try await put(store, key, Int64(round)) }
                    return nil
                }
            }
            for _ in 0..<12 {
                let after = try await store.list(resource: nil, namespace: nil).revision
                group.addTask {
                    var revisions: [Int64] = []
                    for try await batch in store.watch(resource: nil, namespace: nil, after: after) {
                        revisions += batch.map(\.object.revision)
                        if revisions.last == Int64(writers * perWriter) { break }
                    }
                    return (after, revisions)
                }
                try await Task.sleep(for: .milliseconds(2))
            }
            return try await group.reduce(into: []) { if let one = $1 { $0.append(one) } }
        }
        #expect(seen.count == 12)
        for watch in seen {
            let wanted = watch.after < Int64(writers * perWriter) ? Array(watch.after + 1...Int64(writers * perWriter)) : []
            #expect(watch.revisions == wanted)
        }
    }

    private static func watchOfTheFuture(_ store: any Store) async throws {
        let key = policyKey("one")
        let created = try await store.create(key, value: specified(key, 1))
        async let live = collect(1, from: store.watch(resource: nil, namespace: nil, after: created.revision + 1))
        _ = try await put(store, key, 2)
        let third = try await put(store, key, 3)
        #expect(try await live.map(\.object) == [third])
    }

    private static func cancelledWatchEnds(_ store: any Store) async throws {
        let watch = Task {
            var count = 0
            for try await batch in store.watch(resource: nil, namespace: nil, after: 0) { count += batch.count }
            return count
        }
        try await Task.sleep(for: .milliseconds(20))
        watch.cancel()
        #expect(try await watch.value == 0)
    }

    /// Pages that are read while everything changes make the list as it was when it began.
    private static func pagesOfOneRevision(_ store: any Store) async throws {
        var before: [StoredObject] = []
        for number in 0..<10 {
            let key = policyKey("policy-\(number)")
            before.append(try await store.create(key, value: specified(key, Int64(number))))
        }
        _ = try await put(store, policyKey("elsewhere", namespace: "bank"), 1)
        var query = StoreQuery(resource: policyResource, namespace: "shop", limit: 3)
        var seen: [StoredObject] = []
        var remaining: [Int] = []
        for round in 0..<4 {
            let page = try await store.page(query)
            seen += page.objects
            remaining.append(page.remaining)
            query.after = page.objects.last?.key
            query.revision = page.revision
            // Ahead of the reader and behind: changes, removals and newcomers.
            _ = try await put(store, policyKey("policy-\(round)"), 100)
            _ = try await put(store, policyKey("policy-\(9 - round)"), 100)
            if round == 0 { _ = try await store.delete(policyKey("policy-5"), expected: nil) }
            _ = try await put(store, policyKey("policy-0\(round)"), 100)
        }
        #expect(seen == before)
        #expect(remaining == [7, 4, 1, 0])
        let now = try await store.page(StoreQuery(resource: policyResource, namespace: "shop"))
        #expect(now.objects.count == 13)
        await #expect(throws: StoreError.tooNew(current: now.revision)) {
            try await store.page(StoreQuery(resource: nil, namespace: nil, revision: now.revision + 1))
        }
    }

    private static func owners(_ store: any Store) async throws {
        func owned(_ key: StoreKey, by uids: String...) -> JSONValue {
            var value = specified(key, 1)
            value["metadata"]?["ownerReferences"] = .array(uids.map { ["uid": .string($0)] })
            return value
        }
        let first = policyKey("first")
        let second = policyKey("second")
        _ = try await store.create(first, value: owned(first, by: "a", "b"))
        _ = try await store.create(second, value: owned(second, by: "b"))
        #expect(try await store.dependents(ofOwner: "a").map(\.key) == [first])
        #expect(try await store.dependents(ofOwner: "b").map(\.key) == [first, second])
        _ = try await store.update(first, value: owned(first, by: "c"), expected: nil)
        _ = try await store.delete(second, expected: nil)
        #expect(try await store.dependents(ofOwner: "a").isEmpty)
        #expect(try await store.dependents(ofOwner: "b").isEmpty)
        #expect(try await store.dependents(ofOwner: "c").map(\.key) == [first])
    }

    private static func quietRevisions(_ store: any Store) async throws {
        let start = try await put(store, policyKey("wanted"), 1).revision
        for round in 0..<5 { _ = try await put(store, policyKey("other", namespace: "bank"), Int64(round)) }
        func quiet(_ namespace: String?, after revision: Int64) async throws -> Int64 {
            try await store.quietRevision(resource: policyResource, namespace: namespace, after: revision)
        }
        #expect(try await quiet("shop", after: start) == start + 5)
        #expect(try await quiet("bank", after: start) == start)
        #expect(try await quiet(nil, after: start + 5) == start + 5)
        _ = try await put(store, policyKey("wanted"), 2)
        #expect(try await quiet("shop", after: start) == start + 5)
    }
}
