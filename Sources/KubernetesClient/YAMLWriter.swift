import PolicyModel

extension YAMLDocuments {
    /// One document in kubectl's style: members sorted by name, lists not indented, texts quoted only where a reader
    /// would take them for something else. Ends with a line feed.
    public static func text(_ value: JSONValue) -> String {
        var writer = YAMLWriter()
        writer.write(value)
        return writer.text
    }
}

private struct YAMLWriter {
    var text = ""

    mutating func write(_ value: JSONValue) {
        switch value {
        case .object(let members) where !members.isEmpty: write(members, indentation: 0, isContinued: false)
        case .array(let elements) where !elements.isEmpty: write(elements, indentation: 0, isContinued: false)
        default: text += scalar(value, indentation: 0) + "\n"
        }
    }

    /// - Parameter isContinued: the first line has begun already, after `- `.
    private mutating func write(_ members: [String: JSONValue], indentation: Int, isContinued: Bool) {
        var isFirst = isContinued
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            if !isFirst { text += String(repeating: " ", count: indentation) }
            isFirst = false
            text += scalar(.string(name), indentation: indentation, isKey: true) + ":"
            switch value {
            case .object(let inner) where !inner.isEmpty:
                text += "\n"
                write(inner, indentation: indentation + 2, isContinued: false)
            case .array(let elements) where !elements.isEmpty:
                text += "\n"
                write(elements, indentation: indentation, isContinued: false)
            default: text += " " + scalar(value, indentation: indentation + 2) + "\n"
            }
        }
    }

    private mutating func write(_ elements: [JSONValue], indentation: Int, isContinued: Bool) {
        var isFirst = isContinued
        for element in elements {
            if !isFirst { text += String(repeating: " ", count: indentation) }
            isFirst = false
            text += "- "
            switch element {
            case .object(let members) where !members.isEmpty:
                write(members, indentation: indentation + 2, isContinued: true)
            case .array(let inner) where !inner.isEmpty:
                write(inner, indentation: indentation + 2, isContinued: true)
            default: text += scalar(element, indentation: indentation + 2) + "\n"
            }
        }
    }

    private func scalar(_ value: JSONValue, indentation: Int, isKey: Bool = false) -> String {
        switch value {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .integer(let integer): String(integer)
        case .number: value.text()
        case .string(let string): self.string(string, indentation: indentation, isKey: isKey)
        case .array: "[]"
        case .object: "{}"
        }
    }

    private func string(_ text: String, indentation: Int, isKey: Bool) -> String {
        if !isKey, let block = block(text, indentation: indentation) { return block }
        guard text.unicodeScalars.allSatisfy(isPrintable), !YAMLScalar.looksLikeAnotherType(text) else {
            return doubleQuoted(text)
        }
        guard mustBeQuoted(text) else { return text }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }

    private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse, .surrogate: false
        default: true
        }
    }

    private func doubleQuoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where isPrintable(scalar): quoted.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                let width = scalar.value > 0xffff ? 8 : 4
                quoted += (width == 8 ? "\\U" : "\\u") + String(repeating: "0", count: width - digits.count) + digits
            }
        }
        return quoted + "\""
    }

    private func mustBeQuoted(_ text: String) -> Bool {
        guard let first = text.first, let last = text.last else { return true }
        if first == " " || last == " " || last == ":" { return true }
        if "-?:".contains(first), text.dropFirst().first.map({ $0 == " " }) ?? true { return true }
        if ",[]{}#&*!|>'\"%@`".contains(first) || text.hasPrefix("---") || text.hasPrefix("...") { return true }
        var before: Character = "x"
        for character in text {
            if (before == ":" && character == " ") || (before == " " && character == "#") { return true }
            before = character
        }
        return false
    }

    /// A text of several lines as a literal block, where that can show it exactly.
    private func block(_ text: String, indentation: Int) -> String? {
        guard text.contains("\n"), text.first.map({ !$0.isWhitespace }) ?? false else { return nil }
        guard text.unicodeScalars.allSatisfy({ $0 == "\n" || isPrintable($0) }) else { return nil }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let trailing = lines.reversed().prefix { $0.isEmpty }.count
        lines.removeLast(trailing)
        guard !lines.isEmpty, lines.allSatisfy({ $0.last != " " }), trailing <= 1 else { return nil }
        let margin = String(repeating: " ", count: max(indentation, 2))
        return (trailing == 0 ? "|-" : "|") + lines.map { $0.isEmpty ? "\n" : "\n" + margin + $0 }.joined()
    }
}
