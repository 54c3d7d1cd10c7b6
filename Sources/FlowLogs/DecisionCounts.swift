import Dataplane
import PolicyModel

/// What was decided since the start, by who decided: the sums over all flow records.
public struct DecisionCounts: Sendable, Hashable {
    /// Who decided what. Without both reasons: unknown, or beyond `FlowLimits.countedDecisions`.
    public struct Key: Sendable, Hashable {
        public var verdict: Verdict
        public var direction: Direction
        public var reason: Reason?
        public var systemReason: SystemReason?
    }

    public struct Count: Sendable, Hashable {
        /// Connections that began; of denials the different attempts of each window.
        public var connections: UInt64 = 0
        public var packets: UInt64 = 0
        /// Of layer 3.
        public var bytes: UInt64 = 0
    }

    public private(set) var counts: [Key: Count] = [:]
    private let limit: Int

    public init(limit: Int = FlowLimits.countedDecisions) { self.limit = limit }

    public mutating func add(_ records: [FlowRecord]) {
        for record in records {
            var key = Key(
                verdict: record.verdict, direction: record.direction, reason: record.reason, systemReason: record.systemReason)
            if counts.count >= limit, counts[key] == nil {
                key.reason = nil
                key.systemReason = nil
            }
            var count = counts[key] ?? Count()
            count.connections &+= record.begins ? 1 : 0
            count.packets &+= record.packetsOut &+ record.packetsIn
            count.bytes &+= record.bytesOut &+ record.bytesIn
            counts[key] = count
        }
    }
}
