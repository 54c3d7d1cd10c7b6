import PolicyModel

/// Puts programs into force on one node.
///
/// `apply` is called from one task at a time and blocks for as long as the kernel needs.
public protocol Dataplane: AnyObject {
    /// When it returns, every packet is decided by `program`, and live connections are decided anew at their next
    /// packet. When it throws, the program before is still wholly in force, except that endpoints named in
    /// the error as not attached drop everything or are not policed, as the error says.
    func apply(_ program: NodeProgram) throws -> ApplyReport
    /// The connections and drops seen since the last call; never blocks, and leaves what would take more than a millisecond
    /// for the next call. Oldest first, but denied packets that are alike come as one event, after the others. Returns whether
    /// there is more.
    @discardableResult
    func drainEvents(_ body: (ConnectionEvent) -> Void) throws -> Bool
    /// The flows that the kernel holds, with their counters; removes those that have expired. A call tells of some thousand and
    /// returns whether there are more; the next one goes on.
    ///
    /// - Parameter includingQuiet: also those that had no packet since an earlier sweep told of them. Asked for at the first
    ///   call of a sweep.
    func sweepFlows(includingQuiet: Bool, _ body: (FlowSnapshot) -> Void) throws -> Bool
    /// Puts back what others took away: a round is to begin about once a second. Looks at what takes about a millisecond, and
    /// returns whether the round goes on. `tell` gets what had happened, each a sentence for a person; nothing when all was in
    /// place.
    func maintain(_ tell: (String) -> Void) -> Bool
    func status() throws -> DataplaneStatus
    /// Somebody asked for the endpoint anew: an interface that was released on its own is policed again by the next
    /// `apply`.
    func request(_ endpoint: EndpointKey, on attachment: NodeProgram.Attachment) throws
}

public struct ApplyReport: Sendable, Hashable {
    /// Map entries written or deleted.
    public var mapWrites: Int
    /// Endpoints whose interface could not be policed, with the reason for a person.
    public var failures: [EndpointKey: String]

    public init(mapWrites: Int, failures: [EndpointKey: String]) {
        self.mapWrites = mapWrites
        self.failures = failures
    }
}

/// Why the kernel decided, when no policy was asked. The raw value is the number in the kernel's decision word
/// (`enum bulkhead_system_reason` in `Kernel/layout.h`).
public enum SystemReason: UInt32, Sendable, Hashable, CaseIterable, Codable {
    case localHost = 1
    case itself = 2
    case control = 3
    /// Our own word to the sender of a rejected packet.
    case answer = 4
    /// A rejected packet that got no such word: too many came, or it is of a kind that is never answered.
    case unanswered = 5
    case unknownInterface = 16
    case unknownFrame = 17
    case tagged = 18
    case malformed = 19
    case spoofedSource = 20
    case notItsAddress = 21
    case spoofedNeighbour = 22
    case routerAdvertisement = 23
    case redirect = 24
    case dhcpServer = 25
    case fragment = 26
    case midStream = 27
    case icmpErrorUnrelated = 28
    case notSynchronised = 29
    case flowTableFull = 30
    case multicast = 31
    case noTable = 32
    case ipOptions = 33
    case tornRead = 34
    case tunnel = 35
}

/// Who decided.
public enum DecisionSource: Sendable, Hashable {
    case policy(Decision)
    case system(Verdict, SystemReason)
    /// The number is known to the kernel but no longer to us (limits are documented in Operations).
    case unknown(UInt32)

    public var verdict: Verdict? {
        switch self {
        case .policy(let decision): decision.verdict
        case .system(let verdict, _): verdict
        case .unknown: nil
        }
    }
}

/// One connection at one policed end. `tuple` is as its initiator sent it.
public struct FlowIdentity: Sendable, Hashable {
    public var endpoint: EndpointKey
    /// `egress` when the endpoint is the initiator.
    public var direction: Direction
    public var tuple: PacketTuple

    public init(endpoint: EndpointKey, direction: Direction, tuple: PacketTuple) {
        self.endpoint = endpoint
        self.direction = direction
        self.tuple = tuple
    }

    /// A tuple has two ends at most: names would add to the cost of a hash, and to nothing else.
    public func hash(into hasher: inout Hasher) { hasher.combine(tuple) }
}

/// One verdict that the kernel reported.
public struct ConnectionEvent: Sendable, Hashable {
    public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        /// A new flow was allowed.
        case opened = 1
        /// Packets were denied.
        case denied = 2
        /// A live flow was decided anew with another decision.
        case redecided = 3
        /// A connection older than our hooks was learnt.
        case adopted = 4
        /// An entry left the table because it was closed, aged or evicted; carries the last counters.
        case closed = 5
    }

    public var kind: Kind
    /// Nanoseconds of CLOCK_BOOTTIME.
    public var timestamp: UInt64
    public var flow: FlowIdentity
    public var decision: DecisionSource
    /// For `denied`: these packets. For `closed`: the flow. `out` is from the initiator.
    public var counters: FlowCounters
    /// True when the verdict was only observed and the packet went on (`--observe`).
    public var observed: Bool
    /// closed: when the entry was made, in nanoseconds of CLOCK_BOOTTIME; else nil.
    public var created: UInt64?
    /// denied: the time of the last packet, where `timestamp` is the first one's; else the same.
    public var until: UInt64
    /// denied: how often the kernel has told of it, which is once for each frame; else 1.
    public var reports: UInt64

    public init(
        kind: Kind, timestamp: UInt64, flow: FlowIdentity, decision: DecisionSource, counters: FlowCounters,
        observed: Bool, created: UInt64? = nil, until: UInt64? = nil, reports: UInt64 = 1
    ) {
        self.kind = kind
        self.timestamp = timestamp
        self.flow = flow
        self.decision = decision
        self.counters = counters
        self.observed = observed
        self.created = created
        self.until = until ?? timestamp
        self.reports = reports
    }
}

/// Packets and layer-3 bytes, as seen from the initiator.
public struct FlowCounters: Sendable, Hashable {
    public var packetsOut: UInt64
    public var bytesOut: UInt64
    public var packetsIn: UInt64
    public var bytesIn: UInt64

    public init(packetsOut: UInt64 = 0, bytesOut: UInt64 = 0, packetsIn: UInt64 = 0, bytesIn: UInt64 = 0) {
        self.packetsOut = packetsOut
        self.bytesOut = bytesOut
        self.packetsIn = packetsIn
        self.bytesIn = bytesIn
    }
}

/// A live entry of the flow table.
public struct FlowSnapshot: Sendable, Hashable {
    public var flow: FlowIdentity
    public var decision: DecisionSource
    /// Since the entry was made.
    public var counters: FlowCounters
    /// Nanoseconds of CLOCK_BOOTTIME.
    public var created: UInt64
    public var lastSeen: UInt64
    /// This is the last that will be told of it: it expired and was removed.
    public var removed: Bool

    public init(
        flow: FlowIdentity, decision: DecisionSource, counters: FlowCounters, created: UInt64, lastSeen: UInt64,
        removed: Bool
    ) {
        self.flow = flow
        self.decision = decision
        self.counters = counters
        self.created = created
        self.lastSeen = lastSeen
        self.removed = removed
    }
}

/// What the dataplane knows of itself.
public struct DataplaneStatus: Sendable, Hashable {
    public struct MapFill: Sendable, Hashable {
        public var name: String
        public var used: Int
        public var capacity: Int

        public init(name: String, used: Int, capacity: Int) {
            self.name = name
            self.used = used
            self.capacity = capacity
        }
    }

    /// nil before the first program.
    public var revision: Int64?
    public var policed: [EndpointKey: NodeProgram.Attachment]
    public var maps: [MapFill]
    /// Packets per system reason.
    public var systemCounts: [SystemReason: UInt64]
    /// Events the ring had no room for.
    public var eventsLost: UInt64
    /// Connections without an answer that made room for others. Their end is told by no event.
    public var flowsForgotten: UInt64
    public var warnings: [String]
    /// Whether packets that would be denied pass; nil where the dataplane does not know.
    public var observing: Bool?

    public init(
        revision: Int64?, policed: [EndpointKey: NodeProgram.Attachment], maps: [MapFill],
        systemCounts: [SystemReason: UInt64], eventsLost: UInt64, flowsForgotten: UInt64 = 0, warnings: [String]
    ) {
        self.revision = revision
        self.policed = policed
        self.maps = maps
        self.systemCounts = systemCounts
        self.eventsLost = eventsLost
        self.flowsForgotten = flowsForgotten
        self.warnings = warnings
    }
}
