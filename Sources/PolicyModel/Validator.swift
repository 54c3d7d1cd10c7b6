/// Decides whether an object may be stored.
public enum Validator {
    /// Everything that is wrong with an object; empty when it may be stored and is enforced as written.
    ///
    /// Errors with the reason `unknown` stand apart: whether they refuse the object is for the client to choose
    /// (Kubernetes' `fieldValidation`); where they do not, `prune` removes those members. The cost grows with the size of
    /// the object only.
    public static func validate(_ object: JSONValue, kind: ResourceKind) -> [FieldError] {
        var schema = SchemaChecker()
        schema.check(object: object, fields: kind.objectFields)
        var rules = ObjectRules()
        rules.check(object, kind: kind)
        return schema.errors + rules.errors
    }

    /// Removes members that the schema does not know, and members that are null.
    public static func prune(_ object: inout JSONValue, kind: ResourceKind) {
        object = pruned(object, .object(kind.objectFields))
    }

    private static func pruned(_ value: JSONValue, _ schema: Schema) -> JSONValue {
        switch (schema, value) {
        case (.object(let fields), .object(let members)):
            var kept: [String: JSONValue] = [:]
            for field in fields {
                guard let member = members[field.name], !member.isNull else { continue }
                kept[field.name] = pruned(member, field.schema)
            }
            return .object(kept)
        case (.array(let element), .array(let elements)):
            return .array(elements.map { pruned($0, element) })
        case (.map(let element), .object(let members)):
            return .object(members.mapValues { pruned($0, element) })
        default:
            return value
        }
    }
}

/// What no schema can say. Values of a wrong type are passed over: the schema has told of them.
struct ObjectRules {
    private(set) var errors: [FieldError] = []

    mutating func check(_ object: JSONValue, kind: ResourceKind) {
        MetadataRules.check(object["metadata"], kind: kind, into: &errors)
        let spec = object["spec"]
        switch kind.kind {
        case Kinds.networkPolicy.kind: PolicyRules.check(spec, path: "spec", into: &errors)
        case Kinds.globalNetworkPolicy.kind:
            PolicyRules.check(spec, path: "spec", into: &errors)
            PolicyRules.checkSelector(spec?["namespaceSelector"], path: "spec.namespaceSelector", into: &errors)
        case Kinds.tier.kind:
            TierRules.check(spec, name: object["metadata"]?["name"]?.stringValue ?? "", into: &errors)
        case Kinds.workloadEndpoint.kind: WorkloadEndpointRules.check(spec, path: "spec", into: &errors)
        default: break
        }
    }
}

extension [FieldError] {
    mutating func fail(_ path: String, _ message: String, _ reason: FieldError.Reason = .invalid) {
        append(FieldError(path: path, message: message, reason: reason))
    }

    mutating func notEnforcedYet(_ path: String) { fail(path, "not enforced yet: \(path)", .notEnforcedYet) }
}
