import Dataplane

/// How much of a live connection's counters the history holds once a record is in it: where a process after this one goes on.
public struct FlowAccount: Sendable, Hashable {
    /// Below `FlowLimits.accounts`. Another connection gets it when this one has ended, so that accounts need no removal.
    public var number: Int32
    /// When the kernel made the connection's entry; nanoseconds of CLOCK_BOOTTIME.
    public var created: UInt64
    /// The part of the entry's counters that is in records.
    public var counted: FlowCounters

    public init(number: Int32, created: UInt64, counted: FlowCounters) {
        self.number = number
        self.created = created
        self.counted = counted
    }
}

/// What the history holds of connections that may be live still.
public struct FlowInheritance: Sendable {
    /// Nanoseconds of CLOCK_BOOTTIME. A connection that began later and has no account is in no record.
    public var since: UInt64
    public var accounts: [FlowIdentity: [FlowAccount]]

    public init(since: UInt64, accounts: [FlowIdentity: [FlowAccount]] = [:]) {
        self.since = since
        self.accounts = accounts
    }
}
