/// Names, labels and annotations, as Kubernetes and Calico demand.
enum MetadataRules {
    static func check(_ metadata: JSONValue?, kind: ResourceKind, into errors: inout [FieldError]) {
        guard let metadata, case .object = metadata else { return }
        checkName(metadata, kind: kind, into: &errors)
        checkNamespace(metadata["namespace"], kind: kind, into: &errors)
        checkLabels(metadata["labels"], path: "metadata.labels", into: &errors)
        if kind.resource == Kinds.networkSet.resource || kind.resource == Kinds.globalNetworkSet.resource,
            metadata["labels"]?[SystemLabels.namespace] != nil
        {
            errors.fail("metadata.labels[\(SystemLabels.namespace)]", "is given by the server: leave it out")
        }
        checkAnnotations(metadata["annotations"], path: "metadata.annotations", into: &errors)
        checkDenyAction(metadata, kind: kind, into: &errors)
        checkAdmittedFrames(metadata, kind: kind, into: &errors)
        checkOwners(metadata, into: &errors)
    }

    /// What this kind can say of how denials look.
    private static func checkDenyAction(_ metadata: JSONValue, kind: ResourceKind, into errors: inout [FieldError]) {
        guard DenyAction.isSaid(by: kind), let text = metadata["annotations"]?[DenyAction.annotation]?.stringValue,
            DenyAction(rawValue: text) == nil
        else { return }
        errors.fail(
            "metadata.annotations[\(DenyAction.annotation)]",
            "\(text.quoted) is not supported: use \(SchemaChecker.choice(DenyAction.allCases.map(\.rawValue)))",
            .notSupported)
    }

    private static func checkAdmittedFrames(_ metadata: JSONValue, kind: ResourceKind, into errors: inout [FieldError]) {
        guard kind.resource == Kinds.workloadEndpoint.resource,
            let text = metadata["annotations"]?[EndpointAdmissions.annotation]?.stringValue, EndpointAdmissions.frames(text) == nil
        else { return }
        errors.fail(
            "metadata.annotations[\(EndpointAdmissions.annotation)]",
            "\(text.quoted) is not supported: use \(SchemaChecker.choice(EndpointAdmissions.Frame.allCases.map(\.rawValue))), or both "
                + "with a comma between them", .notSupported)
    }

    private static func checkOwners(_ metadata: JSONValue, into errors: inout [FieldError]) {
        for (index, finalizer) in (metadata["finalizers"]?.arrayValue ?? []).enumerated() {
            guard let text = finalizer.stringValue, !NameRules.isQualifiedName(text) else { continue }
            errors.fail(
                "metadata.finalizers[\(index)]", "\(text.quoted) is no valid name: \(NameRules.qualifiedNameForm)")
        }
        var controllers = 0
        for (index, owner) in (metadata["ownerReferences"]?.arrayValue ?? []).enumerated() {
            let path = "metadata.ownerReferences[\(index)]"
            for member in ["apiVersion", "kind", "name", "uid"] where owner[member] == .string("") {
                errors.fail("\(path).\(member)", "must not be empty", .required)
            }
            if owner["controller"] == .bool(true) {
                controllers += 1
                if controllers > 1 { errors.fail("\(path).controller", "only one owner can be the controller") }
            }
        }
    }

    private static func checkName(_ metadata: JSONValue, kind: ResourceKind, into errors: inout [FieldError]) {
        let isLabel = [Kinds.namespace, Kinds.tier, Kinds.service].contains { $0.resource == kind.resource }
        let isValid = { (text: String) in isLabel ? NameRules.isLabel(text) : NameRules.isSubdomain(text) }
        let form = isLabel ? NameRules.labelForm : NameRules.subdomainForm
        let name = metadata["name"] ?? .null
        if case .string(let text) = name, !text.isEmpty {
            if !isValid(text) { errors.fail("metadata.name", "\(text.quoted) is no valid name: \(form)") }
            checkReserved(text, path: "metadata.name", kind: kind, into: &errors)
        } else if name.isNull || name == .string("") {
            guard case .string(let prefix)? = metadata["generateName"], !prefix.isEmpty else {
                return errors.fail("metadata.name", "is required: give the object a name, or a generateName", .required)
            }
            // The server appends letters and digits, so the prefix may end with a hyphen or dot.
            if !isValid(prefix + "a") {
                errors.fail("metadata.generateName", "\(prefix.quoted) is no valid beginning of a name: \(form)")
            }
            checkReserved(prefix + "a", path: "metadata.generateName", kind: kind, into: &errors)
        }
    }

    /// Names that the system itself gives.
    private static func checkReserved(
        _ name: String, path: String, kind: ResourceKind, into errors: inout [FieldError]
    ) {
        switch kind.resource {
        case Kinds.networkPolicy.resource, Kinds.globalNetworkPolicy.resource, Kinds.stagedNetworkPolicy.resource,
            Kinds.stagedGlobalNetworkPolicy.resource:
            guard name.hasPrefix("knp.") else { return }
            errors.fail(path, "names that begin with knp. belong to Kubernetes' NetworkPolicies: choose another")
        case Kinds.profile.resource:
            for (prefix, owner) in [
                (Profile.namespacePrefix, "namespaces"), (Profile.serviceAccountPrefix, "service accounts"),
            ] where name.hasPrefix(prefix) {
                errors.fail(path, "names that begin with \(prefix) belong to the profiles of \(owner): choose another")
            }
        default: break
        }
    }

    private static func checkNamespace(_ namespace: JSONValue?, kind: ResourceKind, into errors: inout [FieldError]) {
        let isAbsent = namespace == nil || namespace == .null || namespace == .string("")
        if !kind.namespaced {
            if !isAbsent {
                errors.fail("metadata.namespace", "must be absent: a \(kind.kind) belongs to no namespace", .invalid)
            }
        } else if isAbsent {
            errors.fail("metadata.namespace", "is required: a \(kind.kind) belongs to a namespace", .required)
        } else if let text = namespace?.stringValue, !NameRules.isLabel(text) {
            errors.fail("metadata.namespace", "\(text.quoted) is no valid name: \(NameRules.labelForm)")
        }
    }

    static func checkLabels(_ labels: JSONValue?, path: String, into errors: inout [FieldError]) {
        for (key, value) in (labels?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            if !NameRules.isQualifiedName(key) {
                errors.fail("\(path)[\(key)]", "\(key.quoted) is no valid label key: \(NameRules.qualifiedNameForm)")
            }
            if let text = value.stringValue, !NameRules.isLabelValue(text) {
                errors.fail("\(path)[\(key)]", "\(text.quoted) is no valid label value: \(NameRules.labelValueForm)")
            }
        }
    }

    static func checkAnnotations(_ annotations: JSONValue?, path: String, into errors: inout [FieldError]) {
        var size = 0
        for (key, value) in (annotations?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            size += key.utf8.count + (value.stringValue?.utf8.count ?? 0)
            // Kubernetes allows upper case in the prefix of annotation keys.
            if !NameRules.isQualifiedName(key.lowercased()) {
                errors.fail("\(path)[\(key)]", "\(key.quoted) is no valid annotation key: \(NameRules.qualifiedNameForm)")
            }
        }
        if size > ObjectLimits.annotationBytes {
            errors.fail(path, "the annotations have \(size) bytes, more than the limit of \(ObjectLimits.annotationBytes)")
        }
    }
}
