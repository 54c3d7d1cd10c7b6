/// Help as ArgumentParser writes it, with its long lines wrapped: usage comes as one line, however long.
enum HelpText {
    static func wrapped(_ text: String, width: Int = Terminal.maximumColumns) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { line -> String in
                let isUsage = line.hasPrefix("USAGE: ") || line.hasPrefix("Usage: ")
                guard line.count > width else { return String(line) }
                return isUsage
                    ? wrapped(usage: String(line), width: width) : Paragraph.wrapped(String(line), indentation: 7, width: width)
            }
            .joined(separator: "\n")
    }

    /// Between arguments, never inside `[--option <value>]`.
    private static func wrapped(usage: String, width: Int) -> String {
        var lines: [String] = []
        var line = ""
        for argument in arguments(usage) {
            if line.isEmpty {
                line = argument
            } else if line.count + 1 + argument.count <= width {
                line += " " + argument
            } else {
                lines.append(line)
                line = String(repeating: " ", count: "USAGE: bulkhead ".count) + argument
            }
        }
        return (lines + [line]).joined(separator: "\n")
    }

    private static func arguments(_ usage: String) -> [String] {
        var found: [String] = []
        var current = ""
        var depth = 0
        var isValueNext = false
        for word in usage.split(separator: " ") {
            depth += word.reduce(0) { $0 + ($1 == "[" || $1 == "(" ? 1 : $1 == "]" || $1 == ")" ? -1 : 0) }
            // `--port <port>`: an option that must be given keeps its value.
            current += (current.isEmpty ? "" : " ") + word
            isValueNext = depth == 0 && word.hasPrefix("-") && !word.hasSuffix(">")
            guard depth == 0, !isValueNext else { continue }
            found.append(current)
            current = ""
        }
        return current.isEmpty ? found : found + [current]
    }
}
