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
        Limit("store", "events in memory", recentEvents, reason: "watches that are further behind read the file"),
        Limit("store", "events given to a watch at a time", eventsPerBatch, reason: "the rest follows"),
    ]
}
