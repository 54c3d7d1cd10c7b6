import PolicyModel

/// Which fields a value has, and which differ between two.
enum FieldChanges {
    /// What whoever writes this value as a configuration says something about.
    static func fields(of value: JSONValue, _ shape: FieldShape) -> FieldSet {
        var set = FieldSet()
        switch shape.form(of: value) {
        case .leaf: return .leaf
        case .object:
            for (name, member) in value.objectValue ?? [:] where !member.isNull {
                var child = fields(of: member, shape.member(name))
                if member == .object([:]) || !shape.declares(name) { child.isMember = true }
                if !child.isEmpty { set.children[.field(name)] = child }
            }
        case .set:
            for element in value.arrayValue ?? [] { set.children[.value(element)] = .leaf }
        case .list(let keys):
            for element in value.arrayValue ?? [] {
                var child = fields(of: element, shape.element)
                child.isMember = true
                set.children[FieldShape.key(of: element, keys)] = child
            }
        }
        return set
    }

    struct Result {
        /// Added, or with another value.
        var changed = FieldSet()
        var removed = FieldSet()
    }

    static func between(_ old: JSONValue?, _ new: JSONValue?, _ shape: FieldShape) -> Result {
        switch (old, new) {
        case (nil, nil): return Result()
        case (nil, let new?): return Result(changed: whole(new, shape))
        case (let old?, nil): return Result(removed: whole(old, shape))
        case (let old?, let new?):
            if old == new { return Result() }
            switch (shape.form(of: old), shape.form(of: new)) {
            case (.object, .object): return members(old.objectValue ?? [:], new.objectValue ?? [:], shape)
            case (.set, .set):
                let before = fields(of: old, shape)
                let after = fields(of: new, shape)
                return Result(changed: after.subtracting(before), removed: before.subtracting(after))
            case (.list(let keys), .list): return elements(old.arrayValue ?? [], new.arrayValue ?? [], keys, shape)
            default: return Result(changed: .leaf)
            }
        }
    }

    /// With the container itself, which is there now and was not.
    private static func whole(_ value: JSONValue, _ shape: FieldShape) -> FieldSet {
        var set = fields(of: value, shape)
        switch shape.schema {
        case .map?, .array?: set.isMember = true
        default: break
        }
        return set
    }

    private static func members(_ old: [String: JSONValue], _ new: [String: JSONValue], _ shape: FieldShape) -> Result {
        var result = Result()
        for name in Set(old.keys).union(new.keys) {
            var part = between(old[name], new[name], shape.member(name))
            if !shape.declares(name) {
                if old[name] == nil { part.changed.isMember = true }
                if new[name] == nil { part.removed.isMember = true }
            }
            result.add(part, at: .field(name))
        }
        return result
    }

    private static func elements(_ old: [JSONValue], _ new: [JSONValue], _ keys: [ListKey], _ shape: FieldShape) -> Result {
        var result = Result()
        let before = Dictionary(old.map { (FieldShape.key(of: $0, keys), $0) }) { first, _ in first }
        let after = Dictionary(new.map { (FieldShape.key(of: $0, keys), $0) }) { first, _ in first }
        for element in Set(before.keys).union(after.keys) {
            var part = between(before[element], after[element], shape.element)
            if before[element] == nil { part.changed.isMember = true }
            if after[element] == nil { part.removed.isMember = true }
            result.add(part, at: element)
        }
        return result
    }
}

extension FieldChanges.Result {
    fileprivate mutating func add(_ part: Self, at element: PathElement) {
        if !part.changed.isEmpty { changed.children[element] = part.changed }
        if !part.removed.isEmpty { removed.children[element] = part.removed }
    }
}
