import PolicyModel

/// A set of fields of an object, as a tree.
struct FieldSet: Sendable, Hashable {
    /// Whether the place itself belongs to the set, beside what is below it.
    var isMember = false
    var children: [PathElement: FieldSet] = [:]

    static let leaf = FieldSet(isMember: true)

    init(isMember: Bool = false, children: [PathElement: FieldSet] = [:]) {
        self.isMember = isMember
        self.children = children
    }

    var isEmpty: Bool { !isMember && children.isEmpty }

    func union(_ other: FieldSet) -> FieldSet {
        FieldSet(
            isMember: isMember || other.isMember,
            children: children.merging(other.children) { $0.union($1) })
    }

    func subtracting(_ other: FieldSet) -> FieldSet {
        var result = FieldSet(isMember: isMember && !other.isMember)
        for (element, child) in children {
            let rest = other.children[element].map { child.subtracting($0) } ?? child
            if !rest.isEmpty { result.children[element] = rest }
        }
        return result
    }

    func intersection(_ other: FieldSet) -> FieldSet {
        var result = FieldSet(isMember: isMember && other.isMember)
        for (element, child) in children {
            guard let common = other.children[element].map({ child.intersection($0) }), !common.isEmpty else { continue }
            result.children[element] = common
        }
        return result
    }

    /// As people read them, sorted: `.spec.order`.
    var readablePaths: [String] {
        var paths: [String] = []
        collect("", into: &paths)
        return paths.sorted()
    }

    private func collect(_ prefix: String, into paths: inout [String]) {
        if isMember { paths.append(prefix) }
        for (element, child) in children { child.collect(prefix + element.readable, into: &paths) }
    }

    // MARK: - fieldsV1

    /// nil when it is not what a server writes.
    init?(_ json: JSONValue, depth: Int = 0) {
        guard case .object(let members) = json, depth <= JSONLimits.maximumDepth else { return nil }
        // An element without anything below is a field itself.
        isMember = depth > 0 && members.isEmpty
        for (name, value) in members {
            if name == "." {
                isMember = true
                continue
            }
            guard let element = PathElement(name), let child = FieldSet(value, depth: depth + 1) else { return nil }
            children[element] = child
        }
    }

    var json: JSONValue {
        var members: [String: JSONValue] = [:]
        for (element, child) in children { members[element.text] = child.json }
        if isMember, !children.isEmpty { members["."] = .object([:]) }
        return .object(members)
    }
}
