import PolicyModel

/// A `labelSelector` query parameter: requirements that must all hold
/// (Kubernetes documentation, "Labels and Selectors", list and watch filtering).
struct LabelRequirements: Sendable, Hashable {
    enum Requirement: Sendable, Hashable {
        case exists(String)
        case doesNotExist(String)
        case isIn(String, Set<String>)
        /// Also holds when the label is absent.
        case isNotIn(String, Set<String>)
        /// Holds for whole numbers only.
        case isGreater(String, than: Int64)
        case isLess(String, than: Int64)
    }

    let requirements: [Requirement]

    /// `a=b,c!=d,e,!f,g in (x,y),h notin (z),i>1,j<2`; empty text selects everything.
    init(_ text: String) throws(APIFailure) {
        var parsed: [Requirement] = []
        for part in Self.splitOutsideParentheses(text) {
            parsed.append(try Self.requirement(part))
        }
        requirements = parsed
    }

    var selectsEverything: Bool { requirements.isEmpty }

    func match(_ labels: [String: JSONValue]) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .exists(let key): labels[key] != nil
            case .doesNotExist(let key): labels[key] == nil
            case .isIn(let key, let values): labels[key]?.stringValue.map { values.contains($0) } ?? false
            case .isNotIn(let key, let values): labels[key]?.stringValue.map { !values.contains($0) } ?? true
            case .isGreater(let key, let number): labels[key]?.stringValue.flatMap { Int64($0) }.map { $0 > number } ?? false
            case .isLess(let key, let number): labels[key]?.stringValue.flatMap { Int64($0) }.map { $0 < number } ?? false
            }
        }
    }

    private static func requirement(_ text: String) throws(APIFailure) -> Requirement {
        if text.hasPrefix("!"), !text.contains("=") { return .doesNotExist(try key(text.dropFirst(), of: text)) }
        if let range = operatorRange("!=", text) {
            return .isNotIn(
                try key(text[..<range.lowerBound], of: text), [try value(text[range.upperBound...], of: text)])
        }
        if let range = operatorRange("==", text) ?? operatorRange("=", text) {
            return .isIn(try key(text[..<range.lowerBound], of: text), [try value(text[range.upperBound...], of: text)])
        }
        if let range = operatorRange(">", text) {
            return .isGreater(
                try key(text[..<range.lowerBound], of: text), than: try number(text[range.upperBound...], of: text))
        }
        if let range = operatorRange("<", text) {
            return .isLess(
                try key(text[..<range.lowerBound], of: text), than: try number(text[range.upperBound...], of: text))
        }
        if let open = text.firstIndex(of: "("), text.hasSuffix(")") {
            let head = text[..<open].split(separator: " ", omittingEmptySubsequences: true)
            var values: Set<String> = []
            for part in text[text.index(after: open)...].dropLast().split(separator: ",", omittingEmptySubsequences: false) {
                values.insert(try value(part, of: text))
            }
            if head.count == 2, head[1] == "in" { return .isIn(try key(head[0], of: text), values) }
            if head.count == 2, head[1] == "notin" { return .isNotIn(try key(head[0], of: text), values) }
        }
        return .exists(try key(text, of: text))
    }

    private static func key(_ part: some StringProtocol, of text: String) throws(APIFailure) -> String {
        let key = trimmed(part)
        guard NameRules.isQualifiedName(key) else {
            throw .badRequest(
                "unable to parse requirement: \"\(key)\" is no label key in labelSelector part \"\(text)\": \(NameRules.qualifiedNameForm)")
        }
        return key
    }

    private static func value(_ part: some StringProtocol, of text: String) throws(APIFailure) -> String {
        let value = trimmed(part)
        guard NameRules.isLabelValue(value) else {
            throw .badRequest(
                "unable to parse requirement: \"\(value)\" is no label value in labelSelector part \"\(text)\": \(NameRules.labelValueForm)")
        }
        return value
    }

    private static func number(_ part: some StringProtocol, of text: String) throws(APIFailure) -> Int64 {
        guard let number = Int64(trimmed(part)) else {
            throw .badRequest(
                "unable to parse requirement: \"\(trimmed(part))\" in labelSelector part \"\(text)\" is no whole number")
        }
        return number
    }

    private static func operatorRange(_ sign: String, _ text: String) -> Range<String.Index>? {
        guard !text.contains("(") else { return nil }
        return text.firstRange(of: sign)
    }

    private static func splitOutsideParentheses(_ text: String) -> [String] {
        var parts: [String] = []
        var current = ""
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 {
                parts.append(trimmed(current))
                current = ""
            } else {
                current.append(character)
            }
        }
        if !trimmed(current).isEmpty || !parts.isEmpty { parts.append(trimmed(current)) }
        return parts
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
