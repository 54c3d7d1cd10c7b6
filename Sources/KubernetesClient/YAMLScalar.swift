import PolicyModel

/// What a scalar of a YAML document means, as kubectl's reader (sigs.k8s.io/yaml, of the YAML 1.1 school) has it.
enum YAMLScalar {
    enum Failure: Error {
        /// `.inf`, `.nan`: JSON has no such number.
        case notFinite
        case tooLarge
    }

    /// The value of an unquoted scalar without a tag.
    static func resolve(_ text: String) throws(Failure) -> JSONValue {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y": return .bool(true)
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N": return .bool(false)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN":
            throw .notFinite
        default: break
        }
        guard let first = text.utf8.first, isDigit(first) || "+-.".utf8.contains(first) else { return .string(text) }
        if let number = try integer(text) { return number }
        if isDecimal(text) {
            guard let value = Double(text), value.isFinite else { throw .tooLarge }
            return .number(value)
        }
        return .string(text)
    }

    /// Whether a text must be quoted so that readers, older ones too, do not take it for something else.
    static func looksLikeAnotherType(_ text: String) -> Bool {
        guard case .string? = try? resolve(text) else { return true }
        if text == "<<" || text == "=" { return true }
        return isSexagesimal(text) || isDate(text)
    }

    /// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`: a number to readers of YAML 1.1.
    private static func isSexagesimal(_ text: String) -> Bool {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 1, var first = parts.first?.utf8, let last = parts.last else { return false }
        if let sign = first.first, "+-".utf8.contains(sign) { first = first.dropFirst() }
        guard let digit = first.first, isDigit(digit), first.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") }) else {
            return false
        }
        if let point = last.firstIndex(of: ".") {
            guard last[point...].utf8.dropFirst().allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") }) else { return false }
            parts[parts.count - 1] = last[..<point]
        }
        return parts.dropFirst().allSatisfy { part in
            (1...2).contains(part.utf8.count) && part.utf8.allSatisfy(isDigit) && (UInt8(part) ?? 60) < 60
        }
    }

    /// What begins as a date of YAML 1.1 does and has nothing else in it than times have.
    private static func isDate(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count >= 8, bytes[..<4].allSatisfy(isDigit), bytes[4] == UInt8(ascii: "-") else { return false }
        return bytes.allSatisfy { isDigit($0) || "-:+.TtZz ".utf8.contains($0) }
    }

    /// Decimal, `0x`, `0o`, `0b` and, as in YAML 1.1, octal with a leading zero; `_` between digits.
    private static func integer(_ text: String) throws(Failure) -> JSONValue? {
        var digits = Substring(text)
        let isNegative = digits.hasPrefix("-")
        if isNegative || digits.hasPrefix("+") { digits.removeFirst() }
        var radix = 10
        for (prefix, value) in [("0x", 16), ("0X", 16), ("0o", 8), ("0b", 2)] where digits.hasPrefix(prefix) {
            digits = digits.dropFirst(2)
            radix = value
        }
        if radix == 10, digits.count > 1, digits.hasPrefix("0") { radix = 8 }
        guard let first = digits.first, let last = digits.last, first != "_", last != "_" else { return nil }
        let plain = digits.filter { $0 != "_" }
        guard plain.allSatisfy({ $0.isASCII && ($0.hexDigitValue ?? 16) < radix }) else { return nil }
        if let value = Int64((isNegative ? "-" : "") + plain, radix: radix) { return .integer(value) }
        // The nearest double, as the reader of JSON has it and as Go has it.
        guard radix == 10, let value = Double((isNegative ? "-" : "") + plain), value.isFinite else { throw .tooLarge }
        return .number(value)
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isDecimal(_ text: String) -> Bool {
        var rest = Substring(text).utf8
        func skipSign() { if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest.removeFirst() } }
        func skipDigits() -> Int {
            let count = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        skipSign()
        let whole = skipDigits()
        var fraction = 0
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            fraction = skipDigits()
        }
        guard whole + fraction > 0 else { return false }
        if let exponent = rest.first, exponent == UInt8(ascii: "e") || exponent == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            skipSign()
            guard skipDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
