import FlowLogs
import Synchronization

/// Carries windows of flow records to the flow store without holding the enforcement thread up.
final class FlowWriter: Sendable {
    private let windows: AsyncStream<[FlowRecord]>
    private let continuation: AsyncStream<[FlowRecord]>.Continuation
    private let store: any FlowStore
    private let lostRecords = Atomic<Int>(0)
    private let report: @Sendable (String?) -> Void

    /// - Parameter report: what is wrong with the flow store; nil when it works again.
    init(store: any FlowStore, report: @escaping @Sendable (String?) -> Void) {
        self.store = store
        self.report = report
        (windows, continuation) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingOldest(NodeAgentLimits.waitingFlowWindows))
    }

    func write(_ records: [FlowRecord]) {
        guard case .dropped(let dropped) = continuation.yield(records) else { return }
        lostRecords.add(dropped.count, ordering: .relaxed)
        report("the flow store is too slow: \(lostRecords.load(ordering: .relaxed)) records were dropped")
    }

    /// No more records come; `run` ends when those that wait are written.
    func finish() { continuation.finish() }

    func run() async {
        for await records in windows {
            do {
                try await store.append(records)
                let lost = lostRecords.load(ordering: .relaxed)
                report(lost == 0 ? nil : "\(lost) records were dropped")
            } catch {
                lostRecords.add(records.count, ordering: .relaxed)
                report("\(lostRecords.load(ordering: .relaxed)) records were dropped: \(error)")
            }
        }
    }
}
