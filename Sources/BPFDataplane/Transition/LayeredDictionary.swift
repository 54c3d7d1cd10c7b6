/// A dictionary of which a copy can be changed at the cost of the changes alone: they stand above what both share, until
/// `flatten` works them in.
struct LayeredDictionary<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var base: [Key: Value]
    /// nil: the key of the base is gone.
    private var changes: [Key: Value?] = [:]
    private(set) var count: Int

    init(_ content: [Key: Value] = [:]) {
        base = content
        count = content.count
    }

    subscript(_ key: Key) -> Value? {
        get {
            if !changes.isEmpty, let change = changes[key] { return change }
            return base[key]
        }
        set { update(newValue, forKey: key) }
    }

    /// Returns the value before.
    @discardableResult
    mutating func update(_ value: Value?, forKey key: Key) -> Value? {
        let before = self[key]
        switch (before == nil, value == nil) {
        case (true, true): return nil
        case (true, false): count += 1
        case (false, true): count -= 1
        case (false, false): break
        }
        changes.updateValue(value, forKey: key)
        return before
    }

    /// O(changes since the last time) where no copy of the dictionary is left, else O(count).
    mutating func flatten() {
        guard !changes.isEmpty else { return }
        if base.isEmpty {
            base = changes.compactMapValues(\.self)
        } else {
            for (key, value) in changes { base[key] = value }
        }
        changes = [:]
    }
}

extension LayeredDictionary: Sequence {
    struct Iterator: IteratorProtocol {
        fileprivate var base: [Key: Value].Iterator
        fileprivate let changes: [Key: Value?]
        fileprivate var above: [Key: Value?].Iterator

        mutating func next() -> (key: Key, value: Value)? {
            while let (key, value) = base.next() {
                if changes.isEmpty || changes[key] == nil { return (key, value) }
            }
            while let (key, value) = above.next() {
                if let value { return (key, value) }
            }
            return nil
        }
    }

    func makeIterator() -> Iterator {
        Iterator(base: base.makeIterator(), changes: changes, above: changes.makeIterator())
    }

    var underestimatedCount: Int { count }
}
