import PolicyModel

extension NodeAgentLimits {
    /// All of them, for people.
    public static let all: [Limit] = [
        Limit(
            "node agent", "revisions whose time to enforcement is remembered", rememberedRevisions,
            reason: "the time of others reads 0"),
        Limit(
            "node agent", "windows of flow records that wait for the disk", waitingFlowWindows,
            reason: "further ones are dropped and counted"),
        Limit(
            "node agent", "problems whose last log line is remembered", rememberedProblems,
            reason: "the oldest is logged again"),
        Limit("node agent", "warnings in one report", reportedWarnings, reason: "the number of further ones is told"),
        Limit(
            "node agent", "time until a problem that goes on is logged again", problemRepeatInterval.components.seconds,
            unit: "seconds", reason: "the log stays readable"),
        Limit(
            "node agent", "longest wait of a caller for enforcement", Int64(longestWaitSeconds), unit: "seconds",
            reason: "the API server's own limit is lower"),
        Limit(
            "node agent", "time until a caller is told of a failure", patience.components.seconds, unit: "seconds",
            reason: "interfaces that are being made need a moment"),
        Limit(
            "node agent", "lines of Log rules at once", Int64(ruleLogBurst), reason: "further ones are counted as left out"),
        Limit(
            "node agent", "lines of Log rules in the long run", Int64(ruleLogLinesPerSecond), unit: "a second",
            reason: "further ones are counted as left out"),
        Limit(
            "node agent", "lines of Log rules that wait for a slow reader of the log", waitingLogLines,
            reason: "further ones are counted as left out"),
        Limit(
            "node agent", "time between two writes into the record of accepted versions",
            acceptedVersionsPause.components.attoseconds / 1_000_000_000_000_000, unit: "milliseconds",
            reason: "versions that come meanwhile are written together"),
        Limit(
            "node agent", "part of the loop's time that reading the flow table may take", sweepShare, unit: "(one part in)",
            reason: "where it takes longer, windows become longer"),
    ]
}
