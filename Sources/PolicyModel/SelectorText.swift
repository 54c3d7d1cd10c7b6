extension Selector: CustomStringConvertible {
    /// A text that parses to this very value, set members sorted.
    ///
    /// A text that holds both kinds of quotes has no form in the language; the parser never makes one.
    public var description: String {
        switch self {
        case .all: "all()"
        case .global: "global()"
        case .has(let key): "has(\(key))"
        case .equals(let key, let value): "\(key) == \(Self.literal(value))"
        case .notEquals(let key, let value): "\(key) != \(Self.literal(value))"
        case .contains(let key, let value): "\(key) contains \(Self.literal(value))"
        case .startsWith(let key, let value): "\(key) starts with \(Self.literal(value))"
        case .endsWith(let key, let value): "\(key) ends with \(Self.literal(value))"
        case .isIn(let key, let values): "\(key) in \(Self.set(values))"
        case .isNotIn(let key, let values): "\(key) not in \(Self.set(values))"
        case .sameNamespace: "sameNamespace()"
        case .sameLabel(let key): "sameLabel(\(key))"
        case .not(let operand): "!\(operand.negatable)"
        case .and(let operands): operands.map(\.operandOfAnd).joined(separator: " && ")
        case .or(let operands): operands.map(\.operandOfOr).joined(separator: " || ")
        }
    }

    private static func literal(_ value: String) -> String {
        value.utf8.contains(UInt8(ascii: "\"")) ? "'\(value)'" : "\"\(value)\""
    }

    private static func set(_ values: Set<String>) -> String {
        values.isEmpty ? "{}" : "{ " + values.sorted().map(literal).joined(separator: ", ") + " }"
    }

    private var negatable: String {
        switch self {
        case .all, .global, .has, .sameNamespace, .sameLabel: description
        default: "(\(description))"
        }
    }

    // Nested operations of one kind keep their parentheses: without them they would parse to one operation.
    private var operandOfAnd: String {
        switch self {
        case .and, .or: "(\(description))"
        default: description
        }
    }

    private var operandOfOr: String {
        if case .or = self { return "(\(description))" }
        return description
    }
}

extension NamespaceSelector: CustomStringConvertible {
    public var description: String {
        switch self {
        case .global: "global()"
        case .matching(let selector): selector.description
        }
    }
}

extension Selector {
    /// Whether `global()` occurs anywhere in it.
    public var mentionsGlobal: Bool {
        switch self {
        case .global: true
        case .not(let operand): operand.mentionsGlobal
        case .and(let operands), .or(let operands): operands.contains(where: \.mentionsGlobal)
        default: false
        }
    }

    /// The labels of the endpoint that the policy applies to, with which `sameNamespace()` and `sameLabel(KEY)` compare;
    /// empty where neither occurs.
    public var subjectKeys: Set<String> {
        switch self {
        case .sameNamespace: [SystemLabels.namespace]
        case .sameLabel(let key): [key]
        case .not(let operand): operand.subjectKeys
        case .and(let operands), .or(let operands): operands.reduce(into: []) { $0.formUnion($1.subjectKeys) }
        default: []
        }
    }

    /// The label keys that decide it.
    public var keys: Set<String> {
        switch self {
        case .all, .global: []
        case .has(let key), .equals(let key, _), .notEquals(let key, _), .contains(let key, _),
            .startsWith(let key, _), .endsWith(let key, _), .isIn(let key, _), .isNotIn(let key, _), .sameLabel(let key):
            [key]
        case .sameNamespace: [SystemLabels.namespace]
        case .not(let operand): operand.keys
        case .and(let operands), .or(let operands):
            operands.reduce(into: []) { $0.formUnion($1.keys) }
        }
    }

    /// A selector of the same meaning, equal for many spellings of it: nested `&&` and `||` are flattened, operands
    /// sorted and made distinct, negations drawn into comparisons that have a negative form, sets of one made
    /// comparisons, and what is always or never true folded. Never matching is `!all()`.
    public var canonical: Selector {
        switch self {
        case .all, .global, .has, .equals, .notEquals, .sameNamespace, .sameLabel:
            self
        // Every value contains, begins and ends with the empty text.
        case .contains(let key, ""), .startsWith(let key, ""), .endsWith(let key, ""):
            .has(key: key)
        case .contains, .startsWith, .endsWith:
            self
        case .isIn(let key, let values):
            if values.isEmpty { Self.never } else if let value = values.only { .equals(key: key, value: value) } else { self }
        case .isNotIn(let key, let values):
            if values.isEmpty { .all } else if let value = values.only { .notEquals(key: key, value: value) } else { self }
        case .not(let operand):
            operand.canonical.negated
        case .and(let operands):
            Self.combine(operands, absorbing: Self.never, neutral: .all) { selector in
                if case .and(let inner) = selector { inner } else { nil }
            } make: { .and($0) }
        case .or(let operands):
            Self.combine(operands, absorbing: .all, neutral: Self.never) { selector in
                if case .or(let inner) = selector { inner } else { nil }
            } make: { .or($0) }
        }
    }

    private static let never = Selector.not(.all)

    /// The opposite of a canonical selector, canonical too.
    private var negated: Selector {
        switch self {
        case .equals(let key, let value): .notEquals(key: key, value: value)
        case .notEquals(let key, let value): .equals(key: key, value: value)
        case .isIn(let key, let values): .isNotIn(key: key, values: values)
        case .isNotIn(let key, let values): .isIn(key: key, values: values)
        case .not(let operand): operand
        default: .not(self)
        }
    }

    private static func combine(
        _ operands: [Selector], absorbing: Selector, neutral: Selector, flatten: (Selector) -> [Selector]?,
        make: ([Selector]) -> Selector
    ) -> Selector {
        var distinct: Set<Selector> = []
        for operand in operands {
            let canonical = operand.canonical
            for part in flatten(canonical) ?? [canonical] where part != neutral {
                if part == absorbing { return absorbing }
                distinct.insert(part)
            }
        }
        if distinct.isEmpty { return neutral }
        if let single = distinct.only { return single }
        return make(distinct.map { ($0.description, $0) }.sorted { $0.0 < $1.0 }.map(\.1))
    }
}

extension Set {
    fileprivate var only: Element? { count == 1 ? first : nil }
}
