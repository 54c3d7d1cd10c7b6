/// Running text for people.
enum Paragraph {
    /// Broken between words; lines after the first are indented.
    static func wrapped(_ text: String, indentation: Int, width: Int = Terminal.maximumColumns) -> String {
        var lines: [String] = []
        let lead = String(text.prefix { $0 == " " })
        var line = lead
        for word in text.split(separator: " ") {
            let isBegun = line.contains { $0 != " " }
            if isBegun, line.count + 1 + word.count > width {
                lines.append(line)
                line = String(repeating: " ", count: indentation) + word
            } else {
                line += (isBegun ? " " : "") + word
            }
        }
        return (lines + [line]).joined(separator: "\n")
    }
}
