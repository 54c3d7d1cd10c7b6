import CBPF

/// A walk over the two tables of flows, made in portions.
struct FlowSweep {
    typealias Cursor = HashMapHandle<bulkhead_flow_key, bulkhead_flow>.Cursor

    /// CLOCK_BOOTTIME when it began.
    let began: UInt64
    /// The same of the sweep before that was made to its end; 0: there was none.
    let before: UInt64
    /// Slots whose flows all go.
    let gone: Set<UInt32>
    let includingQuiet: Bool

    var cursor = Cursor()
    private(set) var isAtHalfOpen = false
    /// Entries of the table that is walked which stay, and those that were removed.
    var count = 0
    var removed = 0
    /// Confirmed flows that stay, once those are walked.
    private(set) var confirmed = 0
    /// Beginnings that came and did not leave, before those are walked.
    private(set) var cameAndStayed: Int64 = 0

    /// Until its counters show a packet and its time of that packet is theirs, a program on another processor may take as long.
    private static let settlingNanoseconds: UInt64 = 1_000_000_000

    init(began: UInt64, before: UInt64, gone: Set<UInt32>, includingQuiet: Bool) {
        self.began = began
        self.before = before
        self.gone = gone
        self.includingQuiet = includingQuiet
    }

    mutating func goOnWithHalfOpen(cameAndStayed: Int64) {
        confirmed = count
        self.cameAndStayed = cameAndStayed
        isAtHalfOpen = true
        cursor = Cursor()
        count = 0
        removed = 0
    }

    /// An entry that expired goes when an earlier sweep has told of its last packet: whoever is killed between a sweep and its
    /// record leaves it to the next.
    func isExpired(_ key: bulkhead_flow_key, _ flow: bulkhead_flow, now: UInt64) -> Bool {
        gone.contains(key.slot)
            || flow.last_seen &+ bulkhead_flow_timeout(key.protocol, flow.state) < now && flow.last_seen < before
    }

    /// Whether its last packet may be one of which no sweep has told.
    func isNews(_ flow: bulkhead_flow) -> Bool {
        includingQuiet || flow.last_seen &+ Self.settlingNanoseconds >= before
    }
}
