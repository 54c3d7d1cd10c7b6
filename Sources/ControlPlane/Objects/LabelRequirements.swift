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
    }

    let requirements: [Requirement]

    /// `a=b,c!=d,e,!f,g in (x,y),h notin (z)`; empty text selects everything.
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
            }
        }
    }

    private static func requirement(_ text: String) throws(APIFailure) -> Requirement {
        func checked(_ key: some StringProtocol) throws(APIFailure) -> String {
            let key = trimmed(key)
            guard !key.isEmpty, !key.contains(where: { "(),=! ".contains($0) }) else {
                throw .badRequest("unable to parse requirement: \"\(key)\" is no label key in labelSelector part \"\(text)\"")
            }
            return key
        }
        if text.hasPrefix("!"), !text.contains("=") { return .doesNotExist(try checked(text.dropFirst())) }
        if let range = operatorRange("!=", text) {
            return .isNotIn(try checked(text[..<range.lowerBound]), [trimmed(text[range.upperBound...])])
        }
        if let range = operatorRange("==", text) ?? operatorRange("=", text) {
            return .isIn(try checked(text[..<range.lowerBound]), [trimmed(text[range.upperBound...])])
        }
        if let open = text.firstIndex(of: "("), text.hasSuffix(")") {
            let head = text[..<open].split(separator: " ", omittingEmptySubsequences: true)
            let values = Set(text[text.index(after: open)...].dropLast().split(separator: ",", omittingEmptySubsequences: false).map { trimmed($0) })
            if head.count == 2, head[1] == "in" { return .isIn(try checked(head[0]), values) }
            if head.count == 2, head[1] == "notin" { return .isNotIn(try checked(head[0]), values) }
        }
        return .exists(try checked(text))
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
