import PolicyModel

/// What is known of one label.
struct LabelConstraint {
    private var mustBeThere = false
    private var mustBeAbsent = false
    /// nil: any.
    private var values: Set<String>?
    private var excluded: Set<String> = []
    private var tests: [Selector] = []
    private var refusedTests: [Selector] = []

    /// - Parameter comparison: one with a key, of this label.
    mutating func add(_ comparison: Selector, holds: Bool) {
        switch (comparison, holds) {
        case (.has, true): mustBeThere = true
        case (.has, false): mustBeAbsent = true
        case (.equals(_, let value), true), (.notEquals(_, let value), false): require([value])
        case (.equals(_, let value), false), (.notEquals(_, let value), true): excluded.insert(value)
        case (.isIn(_, let values), true), (.isNotIn(_, let values), false): require(values)
        case (.isIn(_, let values), false), (.isNotIn(_, let values), true): excluded.formUnion(values)
        case (_, true):
            mustBeThere = true
            tests.append(comparison)
        case (_, false): refusedTests.append(comparison)
        }
    }

    private mutating func require(_ wanted: Set<String>) {
        mustBeThere = true
        values = values.map { $0.intersection(wanted) } ?? wanted
    }

    /// Whether a value, or none, meets all of it.
    var isPossible: Bool { !mustBeThere || (!mustBeAbsent && value != nil) }

    /// A value that meets all of it; nil: the label is to be absent. Only where `isPossible`.
    var example: String? { mustBeThere ? value : nil }

    private var value: String? {
        if let values {
            return values.sorted().first { value in
                !excluded.contains(value) && tests.allSatisfy { Self.test($0, value) }
                    && !refusedTests.contains { Self.test($0, value) }
            }
        }
        // Everything that is asked for stands in it once, parted by what stands in no comparison, so that it contains
        // no more than what every fitting value contains.
        var (start, end) = ("", "")
        var parts: [String] = []
        for test in tests {
            switch test {
            case .startsWith(_, let text): if text.utf8.count > start.utf8.count { start = text }
            case .endsWith(_, let text): if text.utf8.count > end.utf8.count { end = text }
            case .contains(_, let text): parts.append(text)
            default: break
            }
        }
        let value = ([start] + parts + [end]).joined(separator: "\u{1}")
        guard tests.allSatisfy({ Self.test($0, value) }), !refusedTests.contains(where: { Self.test($0, value) }) else {
            return nil
        }
        return excluded.contains(value) ? start + "\u{1}" + value : value
    }

    private static func test(_ test: Selector, _ value: String) -> Bool {
        switch test {
        case .contains(_, let text): Self.text(value, contains: text)
        case .startsWith(_, let text): value.utf8.starts(with: text.utf8)
        case .endsWith(_, let text): Self.text(value, endsWith: text)
        default: false
        }
    }

    static func text(_ value: String, contains part: String) -> Bool {
        let (whole, part) = (Array(value.utf8), Array(part.utf8))
        guard part.count <= whole.count else { return false }
        return (0...(whole.count - part.count)).contains { whole[$0...].starts(with: part) }
    }

    static func text(_ value: String, endsWith end: String) -> Bool { value.utf8.reversed().starts(with: end.utf8.reversed()) }
}
