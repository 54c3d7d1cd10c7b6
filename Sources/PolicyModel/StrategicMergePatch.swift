/// Kubernetes' strategic merge patch, for the kinds that are built into Kubernetes.
///
/// Differs from a merge patch by lists that are merged by a key or as sets, and by directives: `$patch`, `$retainKeys`,
/// `$deleteFromPrimitiveList/LIST`, `$setElementOrder/LIST`. (Kubernetes' "Update API Objects in Place Using kubectl patch"
/// and the design document "Strategic Merge Patch".)
public enum StrategicMergePatch {
    /// How the lists of an object are merged.
    indirect enum Shape: Sendable {
        /// Members without a shape of their own: objects are merged, lists replaced.
        case object([String: Shape])
        /// A list of objects that `key` tells apart.
        case list(key: String, element: Shape)
        /// A list of scalars, each once.
        case set
    }

    /// As the schema says: a list that several may own parts of is merged by the first of its keys, which is the merge key
    /// of Kubernetes' own types.
    private static func shape(_ schema: Schema, _ list: ListType) -> Shape? {
        switch (schema, list) {
        case (.object(let fields), _):
            return .object(Dictionary(fields.compactMap { field in
                shape(field.schema, field.listType).map { (field.name, $0) }
            }) { first, _ in first })
        case (.array, .set): return .set
        case (.array(let element), .map(let keys)):
            return keys.first.map { .list(key: $0.name, element: shape(element, .atomic) ?? .object([:])) }
        default: return nil
        }
    }

    /// The document after the patch. Throws what is wrong with the patch, by its path; also for kinds that are not built into
    /// Kubernetes, for which the API server answers 415.
    public static func apply(
        _ patch: JSONValue, to document: JSONValue, kind: ResourceKind
    ) throws(PatchError) -> JSONValue {
        guard kind.isBuiltIn else {
            throw PatchError(
                path: "",
                message: "strategic merge patches are for built-in kinds: use a merge patch for \(kind.kind)")
        }
        guard case .object(let changes) = patch else {
            throw PatchError(path: "", message: "a strategic merge patch is an object, not \(patch.typeName)")
        }
        var shape = shape(.object(kind.objectFields), .atomic) ?? .object([:])
        if case .object(var members) = shape, members["status"] == nil {
            // Where the schema leaves status open, it still holds conditions as all kinds do.
            members["status"] = .object(["conditions": .list(key: "type", element: .object([:]))])
            shape = .object(members)
        }
        return .object(try merge(document.objectValue ?? [:], changes, shape, ""))
    }

    private static func merge(
        _ original: [String: JSONValue], _ patch: [String: JSONValue], _ shape: Shape, _ path: String
    ) throws(PatchError) -> [String: JSONValue] {
        var directives = Directives()
        var changes: [String: JSONValue] = [:]
        for (name, value) in patch where try !directives.take(name, value, path) { changes[name] = value }
        var result = original
        switch directives.patch {
        case .delete: return [:]
        case .replace: result = [:]
        case .merge: break
        }
        if let retained = directives.retainedKeys {
            for (name, value) in changes where !value.isNull && !retained.contains(name) {
                throw PatchError(path: child(path, name), message: "is changed, but $retainKeys does not retain it")
            }
            result = result.filter { retained.contains($0.key) }
        }
        for (name, change) in changes {
            result[name] =
                change.isNull ? nil : try mergeValue(result[name], change, member(shape, name), child(path, name))
        }
        for (name, deleted) in directives.deletions {
            guard let elements = result[name]?.arrayValue else { continue }
            result[name] = .array(elements.filter { !deleted.contains($0) })
        }
        for (name, order) in directives.orders {
            guard let elements = result[name]?.arrayValue else { continue }
            let key = Self.key(member(shape, name))
            result[name] = .array(sort(elements, by: order, original: original[name]?.arrayValue ?? [], key: key))
        }
        return result
    }

    private static func mergeValue(
        _ original: JSONValue?, _ change: JSONValue, _ shape: Shape?, _ path: String
    ) throws(PatchError) -> JSONValue {
        switch change {
        case .object(let changes):
            return .object(try merge(original?.objectValue ?? [:], changes, shape ?? .object([:]), path))
        case .array(let changes):
            switch shape {
            case .set:
                return .array(union(original?.arrayValue ?? [], changes))
            case .list(let key, let element):
                return .array(try merge(original?.arrayValue ?? [], changes, key, element, path))
            default:
                return change
            }
        default:
            return change
        }
    }

    private static func union(_ original: [JSONValue], _ changes: [JSONValue]) -> [JSONValue] {
        var seen: Set<JSONValue> = []
        return (original + changes).filter { seen.insert($0).inserted }
    }

    private static func merge(
        _ original: [JSONValue], _ changes: [JSONValue], _ key: String, _ shape: Shape, _ path: String
    ) throws(PatchError) -> [JSONValue] {
        var result = original
        var remaining: [(Int, [String: JSONValue])] = []
        for (index, change) in changes.enumerated() {
            let path = "\(path)[\(index)]"
            guard case .object(var members) = change else {
                throw PatchError(path: path, message: "must be an object, not \(change.typeName)")
            }
            guard let directive = members.removeValue(forKey: Directives.patchName) else {
                remaining.append((index, members))
                continue
            }
            switch try Directives.mode(directive, path) {
            case .delete:
                guard let value = members[key] else {
                    throw PatchError(path: child(path, key), message: "is required: it says which element to delete")
                }
                result.removeAll { $0[key] == value }
            case .replace:
                // The element is a mark that the list as a whole is replaced by the others.
                result = []
                if !members.isEmpty { remaining.append((index, members)) }
            case .merge:
                remaining.append((index, members))
            }
        }
        for (index, members) in remaining {
            let path = "\(path)[\(index)]"
            guard let value = members[key] else {
                throw PatchError(path: child(path, key), message: "is required: it says which element to change")
            }
            if let position = result.firstIndex(where: { $0[key] == value }) {
                result[position] = .object(try merge(result[position].objectValue ?? [:], members, shape, path))
            } else {
                result.append(.object(try merge([:], members, shape, path)))
            }
        }
        return result
    }

    /// Elements that the order names, in that order; the others keep their place among those that were there before.
    private static func sort(
        _ elements: [JSONValue], by order: [JSONValue], original: [JSONValue], key: String?
    ) -> [JSONValue] {
        let identity = { (value: JSONValue) -> JSONValue in key.flatMap { value[$0] } ?? value }
        let ranks = Dictionary(order.enumerated().map { (identity($1), $0) }) { first, _ in first }
        let places = Dictionary(original.enumerated().map { (identity($1), $0) }) { first, _ in first }
        let named = elements.filter { ranks[identity($0)] != nil }
            .sorted { (ranks[identity($0)] ?? 0) < (ranks[identity($1)] ?? 0) }
        var others = elements.filter { ranks[identity($0)] == nil }[...]
        var result: [JSONValue] = []
        for element in named {
            while let other = others.first, let place = places[identity(element)],
                let otherPlace = places[identity(other)], otherPlace < place
            {
                result.append(other)
                others.removeFirst()
            }
            result.append(element)
        }
        return result + others
    }

    private static func member(_ shape: Shape, _ name: String) -> Shape? {
        guard case .object(let members) = shape else { return nil }
        return members[name]
    }

    private static func key(_ shape: Shape?) -> String? {
        guard case .list(let key, _)? = shape else { return nil }
        return key
    }

    private static func child(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}

extension StrategicMergePatch {
    /// The members of a patch that speak of the patch itself.
    struct Directives {
        enum Mode {
            case merge, replace, delete
        }

        static let patchName = "$patch"

        var patch = Mode.merge
        var retainedKeys: Set<String>?
        /// By the name of the list.
        var deletions: [String: Set<JSONValue>] = [:]
        var orders: [String: [JSONValue]] = [:]

        /// Whether the member was a directive.
        mutating func take(_ name: String, _ value: JSONValue, _ path: String) throws(PatchError) -> Bool {
            guard name.utf8.first == UInt8(ascii: "$") else { return false }
            let path = path.isEmpty ? name : "\(path).\(name)"
            switch name {
            case Self.patchName:
                patch = try Self.mode(value, path)
            case "$retainKeys":
                retainedKeys = Set(try Self.list(value, path).compactMap(\.stringValue))
            default:
                let parts = name.split(separator: "/", maxSplits: 1)
                switch (parts.first, parts.count) {
                case ("$deleteFromPrimitiveList", 2): deletions[String(parts[1])] = Set(try Self.list(value, path))
                case ("$setElementOrder", 2): orders[String(parts[1])] = try Self.list(value, path)
                default: throw PatchError(path: path, message: "is no directive of a strategic merge patch")
                }
            }
            return true
        }

        static func mode(_ value: JSONValue, _ path: String) throws(PatchError) -> Mode {
            switch value {
            case "merge": return .merge
            case "replace": return .replace
            case "delete": return .delete
            default: throw PatchError(path: path, message: "\(value) is not supported: use merge, replace or delete")
            }
        }

        private static func list(_ value: JSONValue, _ path: String) throws(PatchError) -> [JSONValue] {
            guard case .array(let elements) = value else {
                throw PatchError(path: path, message: "must be a list, not \(value.typeName)")
            }
            return elements
        }
    }
}
