import Foundation
import Logging
import PolicyModel

/// One JSON object a line on standard error: `time`, `level`, `label`, `message`, and what else is known of it.
struct JSONLogHandler: LogHandler {
    let label: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    init(label: String, logLevel: Logger.Level) {
        self.label = label
        self.logLevel = logLevel
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var members: [String: JSONValue] = [:]
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) { members[key] = Self.value(value) }
        // These have a meaning for whoever reads the log, and win.
        members["time"] = .string(Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
        members["level"] = .string(event.level.rawValue)
        members["label"] = .string(label)
        members["message"] = .string(event.message.description)
        // One write: lines of several threads do not mix.
        FileHandle.standardError.write(Data(JSONValue.object(members).serialized() + [UInt8(ascii: "\n")]))
    }

    private static func value(_ value: Logger.Metadata.Value) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let thing): .string(thing.description)
        case .array(let values): .array(values.map(Self.value))
        case .dictionary(let members): .object(members.mapValues(Self.value))
        }
    }
}
