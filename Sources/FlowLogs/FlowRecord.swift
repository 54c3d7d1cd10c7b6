import Dataplane
import PolicyModel

/// What one connection did at one policed end during a window. Names are of the time of the window.
public struct FlowRecord: Sendable, Hashable {
    /// Nanoseconds since 1970.
    public var startTime: Int64
    public var endTime: Int64
    public var verdict: Verdict
    /// `egress`: the endpoint began it (reporter Src); `ingress`: it was addressed (reporter Dst).
    public var direction: Direction
    /// nil where the address belongs to no known endpoint.
    public var source: EndpointKey?
    public var destination: EndpointKey?
    /// What selectors see of them: inherited labels too. nil where no endpoint is known, and in records from before labels
    /// were kept.
    public var sourceLabels: [String: String]?
    public var destinationLabels: [String: String]?
    /// Text forms of the addresses.
    public var sourceAddress: String
    public var destinationAddress: String
    /// A protocol number.
    public var transport: UInt8
    public var sourcePort: UInt16
    /// `type << 8 | code` for ICMP.
    public var destinationPort: UInt16
    /// In this window, from the initiator's side.
    public var packetsOut: UInt64
    public var bytesOut: UInt64
    public var packetsIn: UInt64
    public var bytesIn: UInt64
    /// nil: `systemReason` decided.
    public var reason: Reason?
    public var systemReason: SystemReason?
    /// The verdict was not enforced.
    public var observed: Bool
    /// What the staged policies would have made of it; nil: the same verdict for the same reason.
    public var pending: Decision.Pending?
    /// Set in the last record of a window of a connection that goes on; not shown, and nil in records that were read.
    public var account: FlowAccount?
    /// The connection began in this window, or came under this decision; of a denial always.
    public var begins: Bool

    public init(
        startTime: Int64, endTime: Int64, verdict: Verdict, direction: Direction, source: EndpointKey?,
        destination: EndpointKey?, sourceAddress: String, destinationAddress: String, transport: UInt8,
        sourcePort: UInt16, destinationPort: UInt16, packetsOut: UInt64, bytesOut: UInt64, packetsIn: UInt64,
        bytesIn: UInt64, reason: Reason?, systemReason: SystemReason?, observed: Bool, pending: Decision.Pending? = nil,
        begins: Bool = false
    ) {
        self.startTime = startTime
        self.endTime = endTime
        self.verdict = verdict
        self.direction = direction
        self.source = source
        self.destination = destination
        self.sourceAddress = sourceAddress
        self.destinationAddress = destinationAddress
        self.transport = transport
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.packetsOut = packetsOut
        self.bytesOut = bytesOut
        self.packetsIn = packetsIn
        self.bytesIn = bytesIn
        self.reason = reason
        self.systemReason = systemReason
        self.observed = observed
        self.pending = pending
        self.begins = begins
    }
}

/// Flow history, bounded.
public protocol FlowStore: Sendable {
    /// All of them with their accounts, or none.
    func append(_ records: [FlowRecord]) async throws
    /// What earlier processes recorded of connections since the host's start that `boot` names. Accounts of other starts are
    /// forgotten.
    /// - Parameter now: nanoseconds of CLOCK_BOOTTIME.
    func inheritance(boot: String, now: UInt64) async throws -> FlowInheritance
    /// The newest `limit` records, oldest first, with the cursor after the last.
    func recent(matching filter: FlowFilter, limit: Int) async throws -> (records: [FlowRecord], cursor: Int64)
    /// Records after `cursor` in order of arrival, at most `limit`, with the cursor to go on from.
    func records(
        after cursor: Int64, matching filter: FlowFilter, limit: Int
    ) async throws -> (records: [FlowRecord], cursor: Int64)
    /// Returns as soon as there are records after `cursor`; throws when the task is cancelled.
    func wait(after cursor: Int64) async throws
}

extension FlowStore {
    /// Of all records.
    public func recent(limit: Int) async throws -> (records: [FlowRecord], cursor: Int64) {
        try await recent(matching: FlowFilter(), limit: limit)
    }

    /// Of all records.
    public func records(after cursor: Int64, limit: Int) async throws -> (records: [FlowRecord], cursor: Int64) {
        try await records(after: cursor, matching: FlowFilter(), limit: limit)
    }
}
