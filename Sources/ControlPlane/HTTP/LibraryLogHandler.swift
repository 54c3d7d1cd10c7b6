import Logging

/// The HTTP library's log without what it calls an error and is none: that its task was cancelled, which is how the
/// server is stopped.
struct LibraryLogHandler: LogHandler {
    static let stopped: Logger.Message = "Waiting on child channel: CancellationError()"

    private var handler: any LogHandler

    init(_ handler: any LogHandler) { self.handler = handler }

    func log(event: LogEvent) {
        if event.message == Self.stopped { return }
        handler.log(event: event)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: key] = newValue }
    }

    var metadata: Logger.Metadata {
        get { handler.metadata }
        set { handler.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { handler.metadataProvider }
        set { handler.metadataProvider = newValue }
    }

    var logLevel: Logger.Level {
        get { handler.logLevel }
        set { handler.logLevel = newValue }
    }
}
