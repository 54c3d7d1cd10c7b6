import PolicyModel

extension StoreLimits {
    /// All of them, for people.
    public static let all: [Limit] = [
        Limit(
            "store", "events kept for watches that resume", loggedEvents,
            reason: "a watch from before gets 410 and lists again"),
        Limit(
            "store", "writes between two cuts of the event log", writesBetweenCompactions,
            reason: "cutting at each write would write one more page"),
        Limit(
            "store", "bytes of events kept for watches that resume", loggedBytes, unit: "bytes",
            reason: "the oldest are forgotten, as beyond their number"),
        Limit(
            "store", "write-ahead log after a checkpoint", writeAheadBytes, unit: "bytes",
            reason: "what is beyond goes back to the file system"),
        Limit(
            "store", "bytes of events in memory", recentBytes, unit: "bytes", reason: "watches that are further behind read the file"),
        Limit(
            "store", "bytes read for a watch at a time", bytesPerBatch, unit: "bytes",
            reason: "a batch ends with the event that passes it; the rest follows"),
        Limit(
            "store", "bytes of single objects in memory", cachedBytes, unit: "bytes",
            reason: "what is asked for seldom is forgotten, and read from the file when it is"),
        Limit("store", "writes that become durable with one commit", writesPerCommit, reason: "the rest goes with the next"),
        Limit(
            "store", "bytes of objects in one commit", bytesPerCommit, unit: "bytes",
            reason: "a commit ends with the write that passes it; the rest goes with the next"),
        Limit(
            "store", "commits until the write-ahead log is carried over into the file", commitsPerCheckpoint,
            reason: "at the next moment without a waiting write"),
        Limit(
            "store", "bytes of objects until it is carried over", bytesPerCheckpoint, unit: "bytes", reason: "whichever comes first"),
        Limit(
            "store", "both, until it is carried over although writes wait", checkpointPatience, unit: "(times)",
            reason: "the log must end"),
        Limit("store", "events in memory", recentEvents, reason: "watches that are further behind read the file"),
        Limit("store", "events given to a watch at a time", eventsPerBatch, reason: "the rest follows"),
    ]
}
