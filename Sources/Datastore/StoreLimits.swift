/// What the embedded store keeps and how much of it at a time.
public enum StoreLimits {
    /// Events kept for watches that resume. A reader this many writes behind has to list again; at ten changes a
    /// second that is a quarter of an hour, and the log stays in the tens of megabytes.
    public static let loggedEvents: Int64 = 10_000
    /// The bytes of all events kept: a few thousand of the largest objects must not fill the disk. Events and overwritten
    /// versions together take at most about three times as much.
    public static let loggedBytes: Int64 = 256 * 1024 * 1024
    /// The write-ahead log is given back to the file system down to this size, in bytes.
    public static let writeAheadBytes: Int64 = 16 * 1024 * 1024
    /// The log is cut once in so many writes: cutting at each of them would write one more page every time.
    public static let writesBetweenCompactions: Int64 = 256
    /// Events kept decoded, so that watches which keep up never read the database.
    public static let recentEvents = 1_024
    /// The bytes of those, as they stand in the log: a burst of the largest objects must not stay in memory.
    public static let recentBytes = 32 * 1024 * 1024
    /// The bytes after which a batch from the log ends.
    public static let bytesPerBatch = 4 * 1024 * 1024
    /// Single objects kept in memory, in bytes: texts, and those that the server itself asks for decoded. One may take a
    /// sixty-fourth of it.
    public static let cachedBytes = 32 * 1024 * 1024
    /// Writes that become durable with one commit, and the bytes of their objects after which no further one joins: the
    /// last of them waits for the work of all.
    public static let writesPerCommit = 128
    public static let bytesPerCommit = 4 * 1024 * 1024
    /// Commits, and bytes of their objects, after which the write-ahead log is carried over into the file once no write waits.
    public static let commitsPerCheckpoint = 256
    public static let bytesPerCheckpoint = 2 * 1024 * 1024
    /// So many times as much, and it is done although writes wait.
    public static let checkpointPatience = 2
    /// Events given to a reader of a watch at a time.
    public static let eventsPerBatch = 256
}
