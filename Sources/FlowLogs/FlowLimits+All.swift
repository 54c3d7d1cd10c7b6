import PolicyModel

extension FlowLimits {
    /// All of them, for people.
    public static let all: [Limit] = [
        Limit(
            "flow records", "connections that are followed at a time", trackedConnections,
            reason: "about 50 MB; those beyond are counted, and recorded when there is room or when they end"),
        Limit(
            "flow records", "accounts of live connections on disk", accounts,
            reason: "twice the connections followed: those of the process before are kept until they are met"),
        Limit(
            "flow records", "different denials in a window", denialsPerWindow,
            reason: "a port scan makes many; those beyond are counted, not recorded"),
        Limit(
            "flow records", "silence after which a connection is forgotten", forgetAfterNanoseconds / 1_000_000_000,
            unit: "seconds", reason: "a live one is seen in every sweep"),
        Limit(
            "flow records", "the same, if it never was in a sweep", forgetUnseenAfterNanoseconds / 1_000_000_000,
            unit: "seconds", reason: "half-open connections may be evicted without a word"),
        Limit(
            "flow records", "records on disk", storedRecords, reason: "the oldest are deleted"),
        Limit(
            "flow records", "history on disk", storedBytes >> 20, unit: "MiB",
            reason: "about 350 bytes a record; the oldest are deleted"),
        Limit(
            "flow records", "age of a record", storedNanoseconds / 3_600_000_000_000, unit: "hours",
            reason: "older ones are deleted"),
        Limit(
            "flow records", "deciders with counters of their own", countedDecisions,
            reason: "about 1 kB each in /metrics; the rest is counted as one"),
        Limit(
            "flow records", "records deleted at a time", deletedPerTransaction, reason: "no writer waits long"),
        Limit(
            "flow records", "memory for pages of the history's file", cachedKibibytes, unit: "KiB",
            reason: "the writer need not read them again"),
        Limit(
            "flow records", "records deleted between two looks at the size", deletedPerStep, reason: "not many more than needed go"),
        Limit(
            "flow records", "different reasons in the history's file", storedDecisions,
            reason: "with more of them, those that no record names any more go"),
        Limit(
            "flow records", "different sets of labels in the history's file", storedLabelSets,
            reason: "with more of them, those that no record names any more go"),
        Limit(
            "flow records", "windows after which a connection of the process before is gone", inheritingWindows,
            reason: "every sweep tells of all that live"),
        Limit(
            "flow records", "time within which two beginnings of one connection are the same one", sameEntryNanoseconds,
            unit: "nanoseconds", reason: "the event and the table speak of one entry"),
    ]
}
