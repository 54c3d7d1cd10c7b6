import Foundation
import GRDB
import PolicyModel

/// One part of a filter in the words of SQLite.
struct FlowCondition {
    var sql: String
    var arguments: StatementArguments
    /// Whether an index finds its records without looking at others.
    var isIndexed: Bool

    private init(_ sql: String, _ arguments: StatementArguments, isIndexed: Bool = true) {
        self.sql = sql
        self.arguments = arguments
        self.isIndexed = isIndexed
    }

    /// The parts of a filter; all have to hold.
    static func parts(of filter: FlowFilter, in database: Database) throws -> [FlowCondition] {
        var parts: [FlowCondition] = []
        if let namespace = filter.namespace {
            parts.append(.init("(source_namespace = ? OR destination_namespace = ?)", [namespace, namespace]))
        }
        for workloads in filter.workloads {
            let names = try JSONEncoder().encode(workloads.sorted().map { [$0.namespace, $0.name] })
            let list = "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))"
            let text = String(decoding: names, as: UTF8.self)
            parts.append(
                .init(
                    "((source_namespace, source_name) IN \(list) OR (destination_namespace, destination_name) IN \(list))",
                    [text, text]))
        }
        for selector in filter.labels {
            let list = try FlowLabels.identifiers(matching: selector, in: database).map(String.init).joined(separator: ",")
            parts.append(.init("(source_labels IN (\(list)) OR destination_labels IN (\(list)))", []))
        }
        // Ports of a scan are all over an index: it would cost each record more than a filter saves.
        if let port = filter.destinationPort { parts.append(.init("destination_port = ?", [Int64(port)], isIndexed: false)) }
        if let transport = filter.transport { parts.append(.init("transport = ?", [Int64(transport)], isIndexed: false)) }
        // Literally: the index of denials has this condition.
        switch filter.verdict {
        case .deny?: parts.append(.init("verdict = \(Verdict.deny.rawValue)", []))
        case .allow?: parts.append(.init("verdict = \(Verdict.allow.rawValue)", [], isIndexed: false))
        case nil: break
        }
        if let policy = filter.policy {
            let list = try FlowDecisions.identifiers(of: policy, in: database).map(String.init).joined(separator: ",")
            // The index of pending decisions leaves out what has none.
            parts.append(
                .init("(reason_id IN (\(list)) OR (pending_id IS NOT NULL AND pending_id IN (\(list))))", []))
        }
        if let since = filter.since { parts.append(.init("end_time >= ?", [since])) }
        return parts
    }

    /// The number of records for which it holds, at most `limit`.
    func count(upTo limit: Int, in database: Database) throws -> Int {
        try Int.fetchOne(
            database, sql: "SELECT count(*) FROM (SELECT 1 FROM flows WHERE \(sql) LIMIT \(limit))", arguments: arguments) ?? 0
    }
}

/// Finds records from the newest to the oldest, or on from a cursor.
///
/// A part of the filter that few records fulfil is looked up in its index; where all are frequent, the newest records are
/// gone through until enough are found, which is sooner the more frequent they are.
enum FlowSearch {
    /// Fewer records than this are read one by one, in the order of an index.
    static let fewRecords = 20_000

    /// The newest `limit`, newest first, among those up to `last`.
    static func newest(
        _ filter: FlowFilter, upTo last: Int64, limit: Int, in database: Database
    ) throws -> [(cursor: Int64, record: FlowRecord)] {
        var parts = try FlowCondition.parts(of: filter, in: database)
        var rarest: (index: Int, count: Int)?
        for (index, part) in parts.enumerated() where part.isIndexed {
            let count = try part.count(upTo: min(fewRecords, rarest?.count ?? fewRecords), in: database)
            if count < rarest?.count ?? fewRecords { rarest = (index, count) }
        }
        if let rarest { parts[rarest.index].sql = "flows.id IN (SELECT id FROM flows WHERE \(parts[rarest.index].sql))" }
        return try fetch(parts, range: "flows.id <= ?", last, order: "DESC", limit: limit, in: database)
    }

    /// The oldest `limit` after `cursor`, oldest first.
    static func next(
        _ filter: FlowFilter, after cursor: Int64, limit: Int, in database: Database
    ) throws -> [(cursor: Int64, record: FlowRecord)] {
        let parts = try FlowCondition.parts(of: filter, in: database)
        return try fetch(parts, range: "flows.id > ?", cursor, order: "ASC", limit: limit, in: database)
    }

    private static func fetch(
        _ parts: [FlowCondition], range: String, _ bound: Int64, order: String, limit: Int, in database: Database
    ) throws -> [(cursor: Int64, record: FlowRecord)] {
        let conditions = ([range] + parts.map(\.sql)).joined(separator: " AND ")
        let arguments = parts.reduce(StatementArguments([bound])) { $0 + $1.arguments } + [Int64(max(0, limit))]
        // In the order of the rows: another index would make SQLite sort all that it finds.
        return try FlowTables.fetch(
            database, sql: "\(FlowTables.selection) NOT INDEXED \(FlowTables.joins) WHERE \(conditions) ORDER BY flows.id \(order) LIMIT ?",
            arguments)
    }
}
