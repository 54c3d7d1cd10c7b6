/// What the embedded store keeps and how much of it at a time.
public enum StoreLimits {
    /// Events kept for watches that resume. A reader this many writes behind has to list again; at ten changes a
    /// second that is a quarter of an hour, and the log stays in the tens of megabytes.
    public static let loggedEvents: Int64 = 10_000
    /// The log is cut once in so many writes: cutting at each of them would write one more page every time.
    public static let writesBetweenCompactions: Int64 = 256
    /// Events kept decoded, so that watches which keep up never read the database.
    public static let recentEvents = 1_024
    /// Events given to a reader of a watch at a time.
    public static let eventsPerBatch = 256
}
