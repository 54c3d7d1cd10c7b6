import Logging
import Synchronization
import Testing

@testable import ControlPlane

/// Keeps the text of every line.
private final class Lines: Sendable {
    let texts = Mutex<[String]>([])
}

private struct KeepingHandler: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel = Logger.Level.trace

    init(_ lines: Lines) { self.lines = lines }

    func log(event: LogEvent) { lines.texts.withLock { $0.append("\(event.level) \(event.message)") } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}

@Suite struct LibraryLogTests {
    @Test func onlyTheLineThatStoppingMakesIsLeftOut() {
        let lines = Lines()
        var logger = Logger(label: "test") { _ in LibraryLogHandler(KeepingHandler(lines)) }
        let reasons: [any Error] = [CancellationError(), APIServer.StartError.listenAddress("x")]
        for reason in reasons { logger.error("Waiting on child channel: \(reason)") }
        logger.error("Server shutdown error: \(CancellationError())")
        logger.logLevel = .warning
        logger.info("a connection")
        #expect(
            lines.texts.withLock { $0 } == [
                "error Waiting on child channel: \(reasons[1])", "error Server shutdown error: CancellationError()",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func stoppingIsNoError() async throws {
        let lines = Lines()
        try await RunningServer.with(logger: Logger(label: "test") { _ in KeepingHandler(lines) }) { (server) async throws in
            #expect(try await server.send("GET", "/version").status == 200)
        }
        #expect(lines.texts.withLock { $0.filter { $0.hasPrefix("error") } } == [])
    }
}
