import PolicyModel

/// What the server says of a policy in its `status`.
struct PolicyStatus: Hashable {
    /// The generation that is in force.
    var generation: Int64
    var endpointsOnNode: Int
    var endpoints: Int
    /// RFC 3339, UTC, milliseconds.
    var inForceSince: String
    /// From the commit of the generation to the last map write; nil where nobody measured it.
    var milliseconds: Double?
    var warnings: [String]

    var value: JSONValue {
        var members: [String: JSONValue] = [
            "observedGeneration": .integer(generation),
            "endpoints": ["node": .integer(Int64(endpointsOnNode)), "all": .integer(Int64(endpoints))],
            "inForceSince": .string(inForceSince), "warnings": .array(warnings.map { .string($0) }),
        ]
        if let milliseconds { members["milliseconds"] = .number((milliseconds * 1_000).rounded() / 1_000) }
        return .object(members)
    }

    /// Since when a generation is in force, as an earlier status says; nil when it speaks of another generation.
    static func inForce(_ status: JSONValue?, generation: Int64) -> (since: String, milliseconds: Double?)? {
        guard let status, status["observedGeneration"]?.integerValue == generation,
            let since = status["inForceSince"]?.stringValue
        else { return nil }
        return (since, status["milliseconds"]?.numberValue)
    }
}
