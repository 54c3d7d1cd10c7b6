import PolicyModel

/// Texts of labels as numbers. Numbers are internal and live until the table is made anew.
struct LabelTexts: Sendable {
    private var numbers: [String: Int32] = [:]
    private(set) var texts: [String] = []

    mutating func intern(_ text: String) -> Int32 {
        if let known = numbers[text] { return known }
        let number = Int32(texts.count)
        numbers[text] = number
        texts.append(text)
        return number
    }

    /// nil: no label has it, nor a selector.
    func number(of text: String) -> Int32? { numbers[text] }
}

struct LabelPair: Hashable, Sendable {
    var key: Int32
    var value: Int32

    /// No text's number: stands for the key with whatever value.
    static let anyValue: Int32 = -1
}

/// Labels as sorted numbers.
struct LabelSet: Hashable, Sendable {
    private(set) var keys: [Int32] = []
    private(set) var values: [Int32] = []

    init(_ labels: [String: String], texts: inout LabelTexts) {
        let pairs = labels.map { (key: texts.intern($0.key), value: texts.intern($0.value)) }
            .sorted { $0.key < $1.key }
        keys = pairs.map(\.key)
        values = pairs.map(\.value)
    }

    /// Each label, and each key with any value.
    var anchors: [LabelPair] {
        zip(keys, values).map { LabelPair(key: $0, value: $1) }
            + keys.map { LabelPair(key: $0, value: LabelPair.anyValue) }
    }

    /// nil when the label is absent.
    func value(of key: Int32) -> Int32? {
        let index = keys.firstIndex(notBelow: key)
        return index < keys.count && keys[index] == key ? values[index] : nil
    }
}

extension Array where Element: Comparable {
    /// The first index whose element is not below `element`, in a sorted array.
    func firstIndex(notBelow element: Element) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Whether a sorted array holds `element`.
    func sortedContains(_ element: Element) -> Bool {
        let index = firstIndex(notBelow: element)
        return index < count && self[index] == element
    }
}

/// A selector over interned labels.
indirect enum CompiledSelector: Sendable {
    case all
    case has(Int32)
    case equals(Int32, Int32)
    case notEquals(Int32, Int32)
    case contains(Int32, [UInt8])
    case startsWith(Int32, [UInt8])
    case endsWith(Int32, [UInt8])
    case isIn(Int32, [Int32])
    case isNotIn(Int32, [Int32])
    case not(CompiledSelector)
    case and([CompiledSelector])
    case or([CompiledSelector])

    init(_ selector: Selector, texts: inout LabelTexts) {
        switch selector {
        // As in Calico, `global()` is a word of namespace selectors and true elsewhere; `PeerSelector` has replaced it there.
        case .all, .global: self = .all
        case .has(let key): self = .has(texts.intern(key))
        case .equals(let key, let value): self = .equals(texts.intern(key), texts.intern(value))
        case .notEquals(let key, let value): self = .notEquals(texts.intern(key), texts.intern(value))
        case .contains(let key, let value): self = .contains(texts.intern(key), Array(value.utf8))
        case .startsWith(let key, let value): self = .startsWith(texts.intern(key), Array(value.utf8))
        case .endsWith(let key, let value): self = .endsWith(texts.intern(key), Array(value.utf8))
        case .isIn(let key, let values): self = .isIn(texts.intern(key), values.map { texts.intern($0) }.sorted())
        case .isNotIn(let key, let values): self = .isNotIn(texts.intern(key), values.map { texts.intern($0) }.sorted())
        // `SubjectComparison` has replaced these where there is an endpoint to compare with.
        case .sameNamespace, .sameLabel: self = .not(.all)
        case .not(let inner): self = .not(CompiledSelector(inner, texts: &texts))
        case .and(let parts): self = .and(parts.map { CompiledSelector($0, texts: &texts) })
        case .or(let parts): self = .or(parts.map { CompiledSelector($0, texts: &texts) })
        }
    }

    /// Labels that everything that matches has, one with any value by `LabelPair.anyValue`. Empty when there are none or
    /// they are not easily seen.
    var requiredLabels: [LabelPair] {
        switch self {
        case .equals(let key, let value): [LabelPair(key: key, value: value)]
        case .isIn(let key, let values) where values.count == 1: [LabelPair(key: key, value: values[0])]
        case .has(let key), .contains(let key, _), .startsWith(let key, _), .endsWith(let key, _), .isIn(let key, _):
            [LabelPair(key: key, value: LabelPair.anyValue)]
        case .and(let parts): parts.flatMap(\.requiredLabels)
        default: []
        }
    }

    func matches(_ labels: LabelSet, texts: LabelTexts) -> Bool {
        switch self {
        case .all: return true
        case .has(let key): return labels.value(of: key) != nil
        case .equals(let key, let value): return labels.value(of: key) == value
        case .notEquals(let key, let value): return labels.value(of: key) != value
        case .isIn(let key, let values): return labels.value(of: key).map { values.sortedContains($0) } ?? false
        case .isNotIn(let key, let values): return labels.value(of: key).map { !values.sortedContains($0) } ?? true
        case .startsWith(let key, let part):
            return labels.value(of: key).map { texts.texts[Int($0)].utf8.starts(with: part) } ?? false
        case .endsWith(let key, let part):
            return labels.value(of: key).map { texts.texts[Int($0)].utf8.reversed().starts(with: part.reversed()) } ?? false
        case .contains(let key, let part):
            return labels.value(of: key).map { Self.bytes(Array(texts.texts[Int($0)].utf8), contain: part) } ?? false
        case .not(let inner): return !inner.matches(labels, texts: texts)
        case .and(let parts): return parts.allSatisfy { $0.matches(labels, texts: texts) }
        case .or(let parts): return parts.contains { $0.matches(labels, texts: texts) }
        }
    }

    private static func bytes(_ text: [UInt8], contain part: [UInt8]) -> Bool {
        guard part.count <= text.count else { return false }
        return (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
    }
}
