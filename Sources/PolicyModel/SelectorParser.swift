/// Why a text is no selector.
public struct SelectorParseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong and what was expected.
    public var message: String
    /// In bytes, from 1: where it was noticed.
    public var position: Int

    public init(message: String, position: Int) {
        self.message = message
        self.position = position
    }

    public var description: String { "\(message) at position \(position)" }
}

extension Selector {
    /// Parses Calico's selector language (libcalico-go `lib/selector`).
    ///
    /// Blanks are spaces and tabs. An empty text is `all()`. `!` binds to one comparison, `has()`, `all()`, `global()` or
    /// pair of parentheses; `&&` binds more strongly than `||`. Texts stand in double or single quotes and know no
    /// escapes. Other than Calico we refuse texts beyond ASCII: no label has one, so such a comparison is a mistake; and we know
    /// `sameNamespace()` and `sameLabel(KEY)`, which Calico's parser refuses.
    public init(_ text: String) throws(SelectorParseError) {
        var parser = SelectorParser(bytes: Array(text.utf8))
        self = try parser.parse()
    }
}

extension NamespaceSelector {
    /// Parses the `namespaceSelector` of a rule: `global()` alone, or a selector over the labels of namespaces.
    public init(_ text: String) throws(SelectorParseError) {
        let selector = try Selector(text)
        if selector == .global {
            // Calico takes it alone only, not even in parentheses.
            guard !text.utf8.contains(UInt8(ascii: "!")), text.utf8.count(where: { $0 == UInt8(ascii: "(") }) == 1
            else { throw SelectorParseError(message: "global() must stand alone", position: 1) }
            self = .global
        } else if selector.mentionsGlobal {
            throw SelectorParseError(message: "global() cannot be combined with other selectors", position: 1)
        } else {
            self = .matching(selector)
        }
    }
}

struct SelectorParser {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func parse() throws(SelectorParseError) -> Selector {
        guard bytes.count <= SelectorLimits.maximumBytes else {
            throw SelectorParseError(
                message: "the selector has \(bytes.count) bytes, more than the limit of \(SelectorLimits.maximumBytes)",
                position: SelectorLimits.maximumBytes + 1)
        }
        skipBlanks()
        if position == bytes.count { return .all }
        let selector = try disjunction()
        guard position == bytes.count else {
            throw failure(bytes[position] == UInt8(ascii: ")") ? "unexpected ')'" : "expected && or || or the end")
        }
        return selector
    }

    private mutating func disjunction() throws(SelectorParseError) -> Selector {
        var operands = [try conjunction()]
        while try takeDoubled(UInt8(ascii: "|"), "||") { operands.append(try conjunction()) }
        return operands.count == 1 ? operands[0] : .or(operands)
    }

    private mutating func conjunction() throws(SelectorParseError) -> Selector {
        var operands = [try operation()]
        while try takeDoubled(UInt8(ascii: "&"), "&&") { operands.append(try operation()) }
        return operands.count == 1 ? operands[0] : .and(operands)
    }

    private mutating func operation() throws(SelectorParseError) -> Selector {
        var negated = false
        skipBlanks()
        while take(UInt8(ascii: "!")) {
            negated.toggle()
            skipBlanks()
        }
        let selector = try primary()
        skipBlanks()
        return negated ? .not(selector) : selector
    }

    private mutating func primary() throws(SelectorParseError) -> Selector {
        guard position < bytes.count else { throw failure("unexpected end, a comparison was expected") }
        if take(UInt8(ascii: "(")) {
            depth += 1
            defer { depth -= 1 }
            guard depth <= SelectorLimits.maximumDepth else {
                throw failure("more than \(SelectorLimits.maximumDepth) parentheses are inside each other")
            }
            let selector = try disjunction()
            guard take(UInt8(ascii: ")")) else { throw failure("expected ')'") }
            return selector
        }
        if takeWord("has(") { return .has(key: try closedKey("has(")) }
        if takeWord("sameLabel(") { return .sameLabel(key: try closedKey("sameLabel(")) }
        if takeWord("sameNamespace(") { return try closed(.sameNamespace, "sameNamespace(") }
        if takeWord("all(") { return try closed(.all, "all(") }
        if takeWord("global(") { return try closed(.global, "global(") }
        return try comparison(key: try key())
    }

    private mutating func closed(_ selector: Selector, _ name: String) throws(SelectorParseError) -> Selector {
        skipBlanks()
        guard take(UInt8(ascii: ")")) else { throw failure("expected ')' after \(name)") }
        return selector
    }

    private mutating func closedKey(_ name: String) throws(SelectorParseError) -> String {
        skipBlanks()
        let key = try key()
        skipBlanks()
        guard take(UInt8(ascii: ")")) else { throw failure("expected ')' after \(name)\(key)") }
        return key
    }

    private mutating func comparison(key: String) throws(SelectorParseError) -> Selector {
        skipBlanks()
        if takeWord("==") { return .equals(key: key, value: try literal()) }
        if takeWord("!=") { return .notEquals(key: key, value: try literal()) }
        if takeWord("contains") { return .contains(key: key, value: try literal()) }
        if takeWords("starts", "with") { return .startsWith(key: key, value: try literal()) }
        if takeWords("ends", "with") { return .endsWith(key: key, value: try literal()) }
        if takeWords("not", "in") { return .isNotIn(key: key, values: try set()) }
        if takeWord("in") { return .isIn(key: key, values: try set()) }
        throw failure(
            "expected ==, !=, in, not in, contains, starts with or ends with after the label \(key)")
    }

    private mutating func set() throws(SelectorParseError) -> Set<String> {
        skipBlanks()
        guard take(UInt8(ascii: "{")) else { throw failure("expected '{'") }
        var values: Set<String> = []
        while true {
            skipBlanks()
            if take(UInt8(ascii: "}")) { return values }
            values.insert(try literal())
            skipBlanks()
            if take(UInt8(ascii: "}")) { return values }
            guard take(UInt8(ascii: ",")) else { throw failure("expected ',' or '}'") }
        }
    }

    private mutating func literal() throws(SelectorParseError) -> String {
        skipBlanks()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") || bytes[position] == UInt8(ascii: "'")
        else { throw failure("expected a text in quotes") }
        let quote = bytes[position]
        guard let end = bytes[(position + 1)...].firstIndex(of: quote) else { throw failure("the text is not closed") }
        if let foreign = bytes[position..<end].firstIndex(where: { $0 >= 0x80 }) {
            position = foreign
            throw failure("label values hold only ASCII, so this text can never match")
        }
        let value = String(decoding: bytes[(position + 1)..<end], as: UTF8.self)
        position = end + 1
        return value
    }

    private mutating func key() throws(SelectorParseError) -> String {
        let start = position
        while position < bytes.count, Self.isKeyByte(bytes[position]) { position += 1 }
        guard position > start else { throw failure("unexpected character, a label was expected") }
        guard position - start <= SelectorLimits.maximumKeyBytes else {
            position = start
            throw failure("the label is longer than \(SelectorLimits.maximumKeyBytes) bytes")
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        NameRules.isAlphanumeric(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "-")
    }

    private mutating func takeDoubled(_ byte: UInt8, _ name: String) throws(SelectorParseError) -> Bool {
        skipBlanks()
        guard take(byte) else { return false }
        guard take(byte) else { throw failure("expected \(name)") }
        return true
    }

    /// Calico wants no blank after an operator that is a word: `a in{"b"}` is as good as `a in {"b"}`.
    private mutating func takeWord(_ word: String) -> Bool {
        guard bytes[position...].starts(with: word.utf8) else { return false }
        position += word.utf8.count
        return true
    }

    private mutating func takeWords(_ first: String, _ second: String) -> Bool {
        let start = position
        guard takeWord(first) else { return false }
        skipBlanks()
        if takeWord(second) { return true }
        position = start
        return false
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipBlanks() {
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
    }

    private func failure(_ message: String) -> SelectorParseError {
        SelectorParseError(message: message, position: position + 1)
    }
}
