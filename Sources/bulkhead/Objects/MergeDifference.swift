import PolicyModel

/// The JSON merge patch (RFC 7386) between two objects, and where two of them meet.
enum MergeDifference {
    /// Members that a server changes with every write.
    private static let serverOwned: Set<String> = ["metadata.resourceVersion", "metadata.managedFields", "metadata.generation"]

    /// nil when nothing differs.
    static func patch(from old: JSONValue, to new: JSONValue) -> JSONValue? {
        guard case .object(let before) = old, case .object(let after) = new else { return old == new ? nil : new }
        var members: [String: JSONValue] = [:]
        for (name, value) in after {
            if let former = before[name] {
                if let inner = patch(from: former, to: value) { members[name] = inner }
            } else {
                members[name] = value
            }
        }
        for name in before.keys where after[name] == nil { members[name] = .null }
        return members.isEmpty ? nil : .object(members)
    }

    /// The fields that both patches write, by path, unless the server or nobody means them.
    static func commonFields(_ one: JSONValue, _ other: JSONValue, path: String = "") -> [String] {
        guard case .object(let first) = one, case .object(let second) = other else { return one == other ? [] : [path] }
        return first.keys.sorted().flatMap { name -> [String] in
            let place = path.isEmpty ? name : "\(path).\(name)"
            guard let mine = first[name], let theirs = second[name], !serverOwned.contains(place), place != "status" else { return [] }
            return commonFields(mine, theirs, path: place)
        }
    }

    /// The value at a path of `commonFields`, as text.
    static func value(_ path: String, in object: JSONValue) -> String {
        path.split(separator: ".").reduce(Optional(object)) { $0?[String($1)] }?.text() ?? "nothing"
    }
}
