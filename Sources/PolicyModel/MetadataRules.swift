/// Names, labels and annotations, as Kubernetes and Calico demand.
enum MetadataRules {
    static func check(_ metadata: JSONValue?, kind: ResourceKind, into errors: inout [FieldError]) {
        guard let metadata, case .object = metadata else { return }
        checkName(metadata, kind: kind, into: &errors)
        checkNamespace(metadata["namespace"], kind: kind, into: &errors)
        checkLabels(metadata["labels"], path: "metadata.labels", into: &errors)
        checkAnnotations(metadata["annotations"], path: "metadata.annotations", into: &errors)
    }

    private static func checkName(_ metadata: JSONValue, kind: ResourceKind, into errors: inout [FieldError]) {
        let isLabel = kind.kind == Kinds.namespace.kind || kind.kind == Kinds.tier.kind
        let isValid = { (text: String) in isLabel ? NameRules.isLabel(text) : NameRules.isSubdomain(text) }
        let form = isLabel ? NameRules.labelForm : NameRules.subdomainForm
        let name = metadata["name"] ?? .null
        if case .string(let text) = name, !text.isEmpty {
            if !isValid(text) { errors.fail("metadata.name", "\(text.quoted) is no valid name: \(form)") }
        } else if name.isNull || name == .string("") {
            guard case .string(let prefix)? = metadata["generateName"], !prefix.isEmpty else {
                return errors.fail("metadata.name", "is required: give the object a name, or a generateName", .required)
            }
            // The server appends letters and digits, so the prefix may end with a hyphen or dot.
            if !isValid(prefix + "a") {
                errors.fail("metadata.generateName", "\(prefix.quoted) is no valid beginning of a name: \(form)")
            }
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

    private static func checkLabels(_ labels: JSONValue?, path: String, into errors: inout [FieldError]) {
        for (key, value) in (labels?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            if !NameRules.isQualifiedName(key) {
                errors.fail("\(path)[\(key)]", "\(key.quoted) is no valid label key: \(NameRules.qualifiedNameForm)")
            }
            if let text = value.stringValue, !NameRules.isLabelValue(text) {
                errors.fail("\(path)[\(key)]", "\(text.quoted) is no valid label value: \(NameRules.labelValueForm)")
            }
        }
    }

    private static func checkAnnotations(_ annotations: JSONValue?, path: String, into errors: inout [FieldError]) {
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
