/// What an object of Kubernetes' own kinds may not change once it is made, as Kubernetes' validator has it.
enum UpdateRules {
    /// Both versions with their defaults filled in.
    static func check(_ object: JSONValue, over old: JSONValue, kind: ResourceKind, into errors: inout [FieldError]) {
        switch kind.resource {
        case Kinds.secret.resource:
            requireSame("type", object, old, into: &errors)
            checkImmutable(["data"], object, old, into: &errors)
        case Kinds.configMap.resource: checkImmutable(["data", "binaryData"], object, old, into: &errors)
        case Kinds.endpointSlice.resource: requireSame("addressType", object, old, into: &errors)
        default: break
        }
    }

    /// Data that its owner has declared fixed stays as it is, and so does the declaration.
    private static func checkImmutable(
        _ members: [String], _ object: JSONValue, _ old: JSONValue, into errors: inout [FieldError]
    ) {
        guard old["immutable"] == true else { return }
        if object["immutable"] != true {
            errors.fail("immutable", "cannot be taken back: delete the object and make it anew")
        }
        for member in members where (object[member]?.objectValue ?? [:]) != (old[member]?.objectValue ?? [:]) {
            errors.fail(member, "cannot be changed where `immutable` is set: delete the object and make it anew")
        }
    }

    private static func requireSame(_ member: String, _ object: JSONValue, _ old: JSONValue, into errors: inout [FieldError]) {
        guard object[member] != old[member] else { return }
        errors.fail(member, "cannot be changed: delete the object and make it anew")
    }
}
