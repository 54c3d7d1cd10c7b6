import FlowLogs
import Synchronization

/// Flow records in an array; the cursor is the number of records before.
final class MemoryFlowStore: FlowStore {
    private let all = Mutex<[FlowRecord]>([])

    func append(_ records: [FlowRecord]) async throws { all.withLock { $0 += records } }

    func recent(limit: Int) async throws -> (records: [FlowRecord], cursor: Int64) {
        all.withLock { (Array($0.suffix(limit)), Int64($0.count)) }
    }

    func records(after cursor: Int64, limit: Int) async throws -> (records: [FlowRecord], cursor: Int64) {
        all.withLock { all in
            let records = Array(all.dropFirst(Int(cursor)).prefix(limit))
            return (records, cursor + Int64(records.count))
        }
    }

    func wait(after cursor: Int64) async throws {
        while all.withLock({ Int64($0.count) <= cursor }) { try await Task.sleep(for: .milliseconds(5)) }
    }
}
