import ArgumentParser
import Logging

/// How much a daemon says on standard error, and in which form.
struct LogOptions: ParsableArguments {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text
        case json
    }

    @Option(help: ArgumentHelp("The least that is logged: \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "level"))
    var logLevel: Logger.Level = .info
    @Option(help: "text, or json: one object a line.")
    var logFormat: Format = .text

    /// Once a process.
    func bootstrap() {
        LoggingSystem.bootstrap { [logLevel, logFormat] label in
            switch logFormat {
            case .text:
                var handler = StreamLogHandler.standardError(label: label)
                handler.logLevel = logLevel
                return handler
            case .json: return JSONLogHandler(label: label, logLevel: logLevel)
            }
        }
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
