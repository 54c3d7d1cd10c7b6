import PolicyModel

/// Puts an applied configuration into an object, and takes fields out of it.
enum FieldMerge {
    /// `live` with everything that `applied` says.
    static func merge(_ applied: JSONValue, into live: JSONValue?, _ shape: FieldShape) -> JSONValue {
        guard let live else { return applied }
        switch (shape.form(of: live), shape.form(of: applied)) {
        case (.object, .object):
            var members = live.objectValue ?? [:]
            for (name, value) in applied.objectValue ?? [:] {
                members[name] = merge(value, into: members[name], shape.member(name))
            }
            return .object(members)
        case (.set, .set):
            var seen: Set<JSONValue> = []
            return .array(((live.arrayValue ?? []) + (applied.arrayValue ?? [])).filter { seen.insert($0).inserted })
        case (.list(let keys), .list):
            var elements = live.arrayValue ?? []
            for element in applied.arrayValue ?? [] {
                let key = FieldShape.key(of: element, keys)
                if let place = elements.firstIndex(where: { FieldShape.key(of: $0, keys) == key }) {
                    elements[place] = merge(element, into: elements[place], shape.element)
                } else {
                    elements.append(element)
                }
            }
            return .array(elements)
        default: return applied
        }
    }

    /// The value without `removed`, where `kept` says what below belongs to somebody else; nil when nothing is left that was
    /// there for anything but what is removed.
    static func remove(_ removed: FieldSet, from value: JSONValue, keeping kept: FieldSet, _ shape: FieldShape) -> JSONValue? {
        if removed.isMember, kept.isEmpty { return nil }
        switch shape.form(of: value) {
        case .leaf: return value
        case .object:
            var members = value.objectValue ?? [:]
            for (element, part) in removed.children {
                guard case .field(let name) = element, let member = members[name] else { continue }
                members[name] = remove(part, from: member, keeping: kept.children[element] ?? FieldSet(), shape.member(name))
            }
            return members.isEmpty && kept.isEmpty ? nil : .object(members)
        case .set:
            let elements = (value.arrayValue ?? []).filter { element in
                removed.children[.value(element)] == nil || kept.children[.value(element)] != nil
            }
            return elements.isEmpty && kept.isEmpty ? nil : .array(elements)
        case .list(let keys):
            let elements = (value.arrayValue ?? []).compactMap { element -> JSONValue? in
                let key = FieldShape.key(of: element, keys)
                guard let part = removed.children[key] else { return element }
                return remove(part, from: element, keeping: kept.children[key] ?? FieldSet(), shape.element)
            }
            return elements.isEmpty && kept.isEmpty ? nil : .array(elements)
        }
    }
}
