import Dataplane
import Datastore
import Foundation
import GRDB
import PolicyModel
import Testing

@testable import FlowLogs

@Suite final class FlowFilterTests: Sendable {
    private let path = NSTemporaryDirectory() + "flow-filter-tests-" + UUID().uuidString
    private static let web = EndpointKey(namespace: "shop", name: "web")
    private static let database = EndpointKey(namespace: "bank", name: "database")

    deinit { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }

    /// Every filter alone and all pairs of them, against the same question asked of each record.
    @Test func findsWhatFitsAndNothingElse() async throws {
        let store = try SQLiteFlowStore(path: path, now: { 100_000 })
        let records = (0..<2_000).map(Self.record)
        try await store.append(records)
        let filters = Self.filters
        var asked = 0
        for first in filters {
            for second in filters {
                let filter = Self.merged(first, second)
                let expected = records.filter { Self.fits($0, filter) }
                let found = try await store.recent(matching: filter, limit: 10_000).records
                #expect(found == expected, "\(filter)")
                #expect(try await store.recent(matching: filter, limit: 3).records == Array(expected.suffix(3)), "\(filter)")
                let page = try await store.records(after: 500, matching: filter, limit: 10)
                #expect(page.records == Array(records[500...].filter { Self.fits($0, filter) }.prefix(10)), "\(filter)")
                if page.records.count < 10 { #expect(page.cursor == 2_000) }
                asked += expected.isEmpty ? 0 : 1
            }
        }
        #expect(asked > 60, "only \(asked) questions had an answer")
        print("flow filters: \(filters.count * filters.count) questions, \(asked) with records")
    }

    @Test func policiesAreFoundByNameNamespaceAndTier() throws {
        let policy = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "p")
        let rule = Reason.rule(tier: "platform", policy: policy, index: 1)
        func names(_ text: String, _ reason: Reason) -> Bool? { FlowFilter.PolicyName(text)?.isPart(of: reason) }
        for text in ["p", "shop/p", "platform/p"] { #expect(names(text, rule) == true) }
        for text in ["q", "bank/p", "p/shop"] { #expect(names(text, rule) == false) }
        #expect(names("p", .endOfTier(tier: "t", triggers: [PolicyReference(kind: "x", namespace: "", name: "o"), policy])) == true)
        #expect(names("kns.shop", .profile(name: "kns.shop", index: 0)) == true)
        #expect(names("p", .noProfile) == false)
        for text in ["", "/", "a/", "/a", "a/b/c"] { #expect(FlowFilter.PolicyName(text) == nil) }
    }

    @Test func historyIsBoundedBySize() async throws {
        let limit: Int64 = 256 * 1024
        let store = try SQLiteFlowStore(path: path, byteLimit: limit, now: { 100_000 })
        for round in 0..<40 { try await store.append((0..<500).map { Self.record(round * 500 + $0) }) }
        let kept = try await store.records(after: 0, limit: 100_000).records
        #expect(kept.count > 100 && kept.count < 5_000)
        // The newest, without a gap.
        #expect(kept == ((20_000 - kept.count)..<20_000).map(Self.record))
        try store.close()
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64
        // A burst is written before what is too much goes.
        #expect(try #require(size) < 3 * limit)
    }

    @Test func reasonsGoWithTheirRecords() async throws {
        let store = try SQLiteFlowStore(path: path, recordLimit: 100, now: { 100_000 })
        let rounds = FlowLimits.storedDecisions / 1_000 + 3
        for round in 0..<rounds {
            try await store.append(
                (0..<1_000).map { index in
                    var record = Self.record(index)
                    record.reason = .profile(name: "kns.\(round)-\(index)", index: 0)
                    return record
                })
        }
        var filter = FlowFilter()
        filter.policy = FlowFilter.PolicyName("kns.\(rounds - 1)-999")
        #expect(try await store.recent(matching: filter, limit: 10).records.count == 1)
        filter.policy = FlowFilter.PolicyName("kns.0-0")
        #expect(try await store.recent(matching: filter, limit: 10).records.isEmpty)
        try store.close()
        let file = SQLiteFile(path: path, title: "flow history", remedy: "")
        let pool = try file.open(durability: .everyCheckpoint, checked: false, migrator: FlowTables.migrator)
        let stored = try await pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM decisions") }
        #expect(try #require(stored) <= FlowLimits.storedDecisions + 1_000)
        try pool.close()
    }

    @Test func labelsGoWithTheirRecords() async throws {
        let store = try SQLiteFlowStore(path: path, recordLimit: 100, now: { 100_000 })
        let rounds = FlowLimits.storedLabelSets / 1_000 + 3
        for round in 0..<rounds {
            try await store.append(
                (1...1_000).map { index in
                    var record = Self.record(index)
                    record.source = Self.web
                    record.sourceLabels = ["pod": "\(round)-\(index)"]
                    return record
                })
        }
        func found(_ pod: String) async throws -> Int {
            var filter = FlowFilter()
            filter.labels = [Self.selector("pod == '\(pod)'")]
            return try await store.recent(matching: filter, limit: 10).records.count
        }
        #expect(try await found("\(rounds - 1)-1000") == 1)
        #expect(try await found("0-1") == 0)
        try store.close()
        let file = SQLiteFile(path: path, title: "flow history", remedy: "")
        let pool = try file.open(durability: .everyCheckpoint, checked: false, migrator: FlowTables.migrator)
        let stored = try await pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM labels") }
        #expect(try #require(stored) <= FlowLimits.storedLabelSets + 1_010)
        try pool.close()
    }

    @Test func countsAreTheSumsOfTheRecords() {
        var counts = DecisionCounts(limit: 3)
        let records = (0..<500).map(Self.record)
        counts.add(Array(records[..<200]))
        counts.add(Array(records[200...]))
        #expect(counts.counts.count <= 3 + 4)
        #expect(counts.counts.values.reduce(0) { $0 + $1.connections } == UInt64(records.filter(\.begins).count))
        #expect(counts.counts.values.reduce(0) { $0 + $1.packets } == 500 * 4)
        #expect(counts.counts.values.reduce(0) { $0 + $1.bytes } == 500 * 6)
        #expect(counts.counts.contains { $0.key.reason == nil && $0.key.systemReason == nil })
    }

    // MARK: Records and questions

    private static func selector(_ text: String) -> Selector {
        do { return try Selector(text) } catch { preconditionFailure("\(text): \(error)") }
    }

    private static let filters: [FlowFilter] = {
        func filter(_ change: (inout FlowFilter) -> Void) -> FlowFilter {
            var filter = FlowFilter()
            change(&filter)
            return filter
        }
        return [
            filter { _ in }, filter { $0.namespace = "shop" }, filter { $0.namespace = "nowhere" },
            filter { $0.workloads = [[web]] }, filter { $0.workloads = [[database, web], [database]] }, filter { $0.workloads = [[]] },
            filter { $0.transport = 17 }, filter { $0.destinationPort = 80 }, filter { $0.verdict = .deny }, filter { $0.verdict = .allow },
            filter { $0.policy = FlowFilter.PolicyName("shop/p") }, filter { $0.policy = FlowFilter.PolicyName("staged") },
            filter { $0.policy = FlowFilter.PolicyName("none") }, filter { $0.since = 2_500 },
            filter { $0.labels = [selector("app == 'web'")] }, filter { $0.labels = [selector("!has(app)")] },
            filter { $0.labels = [selector("tier in {'1', '2'}"), selector("app == 'database'")] },
            filter { $0.labels = [selector("app == 'nobody'")] },
        ]
    }()

    private static func merged(_ first: FlowFilter, _ second: FlowFilter) -> FlowFilter {
        var filter = first
        filter.namespace = second.namespace ?? first.namespace
        filter.workloads += second.workloads
        filter.labels += second.labels
        filter.transport = second.transport ?? first.transport
        filter.destinationPort = second.destinationPort ?? first.destinationPort
        filter.verdict = second.verdict ?? first.verdict
        filter.policy = second.policy ?? first.policy
        filter.since = second.since ?? first.since
        return filter
    }

    private static func fits(_ record: FlowRecord, _ filter: FlowFilter) -> Bool {
        let ends = [record.source, record.destination].compactMap { $0 }
        if let namespace = filter.namespace, !ends.contains(where: { $0.namespace == namespace }) { return false }
        for workloads in filter.workloads where workloads.isDisjoint(with: ends) { return false }
        for selector in filter.labels {
            guard [record.sourceLabels, record.destinationLabels].contains(where: { $0.map { matches(selector, $0) } ?? false })
            else { return false }
        }
        if let transport = filter.transport, record.transport != transport { return false }
        if let port = filter.destinationPort, record.destinationPort != port { return false }
        if let verdict = filter.verdict, record.verdict != verdict { return false }
        if let since = filter.since, record.endTime < since { return false }
        guard let policy = filter.policy else { return true }
        return [record.reason, record.pending?.reason].contains { $0.map(policy.isPart) ?? false }
    }

    /// The selectors of this test, said in other words.
    private static func matches(_ selector: Selector, _ labels: [String: String]) -> Bool {
        if selector == Self.selector("app == 'web'") { return labels["app"] == "web" }
        if selector == Self.selector("!has(app)") { return labels["app"] == nil }
        if selector == Self.selector("app == 'database'") { return labels["app"] == "database" }
        if selector == Self.selector("app == 'nobody'") { return false }
        return labels["tier"] == "1" || labels["tier"] == "2"
    }

    private static func record(_ index: Int) -> FlowRecord {
        let policy = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: index % 3 == 0 ? "p" : "q")
        var record = FlowRecord(
            startTime: Int64(900 + index), endTime: Int64(1_000 + index), verdict: index % 5 == 0 ? .deny : .allow, direction: .ingress,
            source: index % 4 == 0 ? nil : web, destination: index % 7 == 0 ? web : database, sourceAddress: "10.0.0.1",
            destinationAddress: "10.0.0.2", transport: index % 2 == 0 ? 6 : 17, sourcePort: UInt16(truncatingIfNeeded: index),
            destinationPort: index % 11 == 0 ? 80 : 443, packetsOut: 1, bytesOut: 2, packetsIn: 3, bytesIn: 4,
            reason: index % 13 == 0 ? nil : .rule(tier: "t", policy: policy, index: index % 4), systemReason: nil, observed: false,
            begins: index % 6 == 0)
        if index % 13 == 0 { record.systemReason = .localHost }
        // Labels of an end change from record to record; some records have none.
        if index % 19 != 0 {
            record.sourceLabels = record.source.map { _ in ["app": "web", "tier": "\(index % 4)"] }
            record.destinationLabels = index % 7 == 0 ? ["tier": "\(index % 3)", "a\"b": "'"] : ["app": "database"]
        }
        if index % 17 == 0 {
            record.pending = Decision.Pending(
                .deny, .endOfTier(tier: "t", triggers: [PolicyReference(kind: "StagedNetworkPolicy", namespace: "shop", name: "staged")]))
        }
        return record
    }
}
