import Logging

/// Writes the lines of Log rules without holding the enforcement thread up: who reads the log may be slow.
final class RuleLogWriter: Sendable {
    private let lines: AsyncStream<Logger.Metadata>
    private let continuation: AsyncStream<Logger.Metadata>.Continuation
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
        (lines, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(NodeAgentLimits.waitingLogLines))
    }

    /// False when there is no room.
    func write(_ line: Logger.Metadata) -> Bool {
        if case .dropped = continuation.yield(line) { return false }
        return true
    }

    /// No more lines come; `run` ends when those that wait are written.
    func finish() { continuation.finish() }

    func run() async {
        for await line in lines { logger.info("log rule", metadata: line) }
    }
}
