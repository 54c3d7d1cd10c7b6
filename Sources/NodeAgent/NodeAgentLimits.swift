/// The bounds of what an agent keeps. All are about diagnosis: none of them changes a verdict.
public enum NodeAgentLimits {
    /// Revisions whose time to enforcement is remembered.
    static let rememberedRevisions = 4096
    /// Windows of flow records that wait for the flow store; further ones are dropped and counted.
    static let waitingFlowWindows = 64
    /// Distinct problems whose last log line is remembered.
    static let rememberedProblems = 1024
    /// Warnings in one report.
    static let reportedWarnings = 100
    /// A problem that goes on is logged again after this long.
    static let problemRepeatInterval = Duration.seconds(300)
    /// The longest time that a caller may wait for enforcement, in seconds.
    static let longestWaitSeconds = 3600.0
    /// Who waits for an endpoint is told of a failure that lasts so long: interfaces that are being made need a moment.
    static let patience = Duration.seconds(1)
    /// Lines of Log rules: so many at once, and so many a second in the long run; further ones are counted.
    static let ruleLogBurst = 500.0
    static let ruleLogLinesPerSecond = 100.0
    /// Lines of Log rules that wait for a slow reader of the log; further ones are counted as left out.
    static let waitingLogLines = 1024
    /// Between two writes into the record of accepted versions.
    static let acceptedVersionsPause = Duration.milliseconds(100)
    /// Reading the flow table may take this part of the loop's time; where it takes longer, windows become longer.
    static let sweepShare = 10
}
