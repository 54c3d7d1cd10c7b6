import PolicyModel

extension ConnectivityDifference.Line: CustomStringConvertible {
    /// In the grammar of np-guard's analyser, `dir1` the old world and `dir2` the new one, and what is responsible behind it.
    public var description: String {
        var parts = [
            "diff-type: \(change.rawValue)", "source: \(source)", "destination: \(destination)", "dir1: \(old)", "dir2: \(new)",
        ]
        if !workloads.isEmpty { parts.append("workloads-diff-info: \(workloads.joined(separator: "; "))") }
        parts.append("because of: \(cause)")
        return parts.joined(separator: ", ")
    }

    public var json: JSONValue {
        [
            "change": .string(change.rawValue), "src": .string(source), "dst": .string(destination), "old": .string(old),
            "new": .string(new), "workloads": .array(workloads.map { .string($0) }), "newPods": .bool(isOfNewPods),
            "policies": .array(cause.policies.map { .string($0.words) }), "cause": .string(cause.word),
        ]
    }
}

extension ConnectivityDifference.Cause: CustomStringConvertible {
    public var policies: [PolicyReference] {
        switch self {
        case .each(let policies), .together(let policies): policies
        case .otherObjects: []
        }
    }

    /// Taking back `each` alone, or all `together`, makes the difference go away.
    var word: String {
        switch self {
        case .each: "each"
        case .together: "together"
        case .otherObjects: "otherObjects"
        }
    }

    public var description: String {
        let names = policies.map(\.words)
        switch self {
        case .each: return names.joined(separator: " or ")
        case .together: return names.joined(separator: " and ")
        case .otherObjects: return "other objects than policies"
        }
    }
}
