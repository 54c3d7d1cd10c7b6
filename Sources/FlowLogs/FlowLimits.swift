/// What flow logging keeps in memory and on disk.
public enum FlowLimits {
    /// Live connections followed at a time; about 50 MB. Those beyond are counted and logged as soon as there is room,
    /// or in one record when they end.
    public static let trackedConnections = 131_072
    /// Accounts on disk of connections that live for longer than a window; those that a process before this one left need
    /// room beside as many of this one's.
    public static let accounts = 2 * trackedConnections
    /// Windows after which connections of a process before that no sweep has met are gone.
    public static let inheritingWindows: UInt64 = 3
    /// Different denials (endpoint, direction, tuple, reason) told apart in one window: a port scan makes many.
    public static let denialsPerWindow = 65_536
    /// How long a connection stays known that no event and no snapshot speaks of. Live ones are in every sweep, so only
    /// those are affected that left the kernel's table without a word.
    public static let forgetAfterNanoseconds: UInt64 = 3_600_000_000_000
    /// The same for a connection that never was in a sweep: half-open ones may be evicted silently.
    public static let forgetUnseenAfterNanoseconds: UInt64 = 60_000_000_000
    /// A tuple cannot end and begin again within this time, so an `opened` event this close to the creation of a known
    /// entry speaks of that entry.
    public static let sameEntryNanoseconds: UInt64 = 1_000_000

    /// Records kept on disk.
    public static let storedRecords: Int64 = 2_000_000
    /// Age of the oldest record kept: a day of history.
    public static let storedNanoseconds: Int64 = 86_400 * 1_000_000_000
    /// What the records and their indexes take on disk; about 350 bytes each.
    public static let storedBytes: Int64 = 1 << 30
    /// Records that are deleted at a time, so that no writer waits long; twice what was added if that is more, so that
    /// no burst outgrows the bounds for long.
    public static let deletedPerTransaction = 20_000
    /// Pages that the writer keeps in memory.
    static let cachedKibibytes = 32 * 1024
    /// Between two looks at the size.
    static let deletedPerStep = 200
    /// Different reasons in the history, before those are looked for that no record names any more.
    static let storedDecisions = 10_000
    /// Different sets of labels in the history, before those are looked for that no record names any more.
    static let storedLabelSets = 10_000
    /// Different deciders that are counted apart; the rest is counted as one.
    public static let countedDecisions = 10_000
}
