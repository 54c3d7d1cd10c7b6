import Logging
import Synchronization

/// A log that a test can read.
final class LoggedLines: LogHandler, Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: Logger.Metadata
    }

    private let written = Mutex<[Line]>([])

    var lines: [Line] { written.withLock { $0 } }

    func log(event: LogEvent) {
        written.withLock {
            $0.append(Line(level: event.level, message: event.message.description, metadata: event.metadata ?? [:]))
        }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }

    var logLevel: Logger.Level {
        get { .debug }
        set {}
    }
}
