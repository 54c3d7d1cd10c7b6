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

    /// Records kept on disk; about 300 bytes each.
    public static let storedRecords: Int64 = 2_000_000
    /// Age of the oldest record kept: a week of history.
    public static let storedNanoseconds: Int64 = 7 * 86_400 * 1_000_000_000
    /// Records that are deleted at a time, so that no writer waits long.
    public static let deletedPerTransaction = 20_000
}
