import PolicyModel

/// What Kubernetes demands of names, labels and annotations (`apimachinery/pkg/util/validation`).
enum ObjectMetaValidation {
    /// Everything wrong with `metadata` of an object to be stored under `name`.
    static func errors(_ metadata: JSONValue, kind: ResourceKind, name: String) -> [FieldError] {
        var errors: [FieldError] = []
        guard case .object(let members) = metadata else {
            return [FieldError(path: "metadata", message: "must be an object")]
        }
        if name.isEmpty {
            errors.append(
                FieldError(path: "metadata.name", message: "name or generateName is required", reason: .required))
        } else if let message = nameProblem(name, kind: kind) {
            errors.append(FieldError(path: "metadata.name", message: message))
        }
        if let labels = members["labels"], labels != .null {
            errors += keyErrors(labels, path: "metadata.labels", labelValues: true)
        }
        if let annotations = members["annotations"], annotations != .null {
            errors += keyErrors(annotations, path: "metadata.annotations", labelValues: false)
            let total = (annotations.objectValue ?? [:]).reduce(0) {
                $0 + $1.key.utf8.count + ($1.value.stringValue?.utf8.count ?? 0)
            }
            if total > Limits.annotationBytes {
                errors.append(
                    FieldError(
                        path: "metadata.annotations",
                        message: "must have at most \(Limits.annotationBytes) bytes in all"))
            }
        }
        return errors
    }

    /// DNS label for namespaces, DNS subdomain for the rest; nil when the name is good.
    static func nameProblem(_ name: String, kind: ResourceKind) -> String? {
        let isNamespace = kind.group.isEmpty && kind.kind == "Namespace"
        let limit = isNamespace ? 63 : 253
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let good = parts.allSatisfy { part in
            guard let first = part.utf8.first, let last = part.utf8.last else { return false }
            return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
                && part.utf8.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
        if good, name.utf8.count <= limit, !isNamespace || parts.count == 1 { return nil }
        return isNamespace
            ? "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', must start and end with an alphanumeric character, and have at most 63 characters"
            : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', must start and end with an alphanumeric character, and have at most 253 characters"
    }

    private static func keyErrors(_ value: JSONValue, path: String, labelValues: Bool) -> [FieldError] {
        guard case .object(let members) = value else { return [FieldError(path: path, message: "must be a map of texts")] }
        var errors: [FieldError] = []
        for (key, member) in members.sorted(by: { $0.key < $1.key }) {
            let memberPath = "\(path)[\(key)]"
            if !isQualifiedName(key) {
                errors.append(
                    FieldError(
                        path: memberPath,
                        message:
                            "the key must be a qualified name: an optional DNS subdomain and '/', then at most 63 alphanumeric characters, '-', '_' or '.', starting and ending with an alphanumeric character"
                    ))
            }
            guard case .string(let text) = member else {
                errors.append(FieldError(path: memberPath, message: "must be a text; put it in quotes"))
                continue
            }
            if labelValues, !isLabelValue(text) {
                errors.append(
                    FieldError(
                        path: memberPath,
                        message:
                            "a label's value must be empty or at most 63 alphanumeric characters, '-', '_' or '.', starting and ending with an alphanumeric character"
                    ))
            }
        }
        return errors
    }

    static func isQualifiedName(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return !text.isEmpty && isLabelValue(text)
        case 2:
            let prefix = parts[0].split(separator: ".", omittingEmptySubsequences: false)
            return !parts[1].isEmpty && isLabelValue(String(parts[1])) && parts[0].utf8.count <= 253
                && prefix.allSatisfy { part in
                    guard let first = part.utf8.first, let last = part.utf8.last else { return false }
                    return isAlphanumeric(first) && isAlphanumeric(last)
                        && part.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
                }
        default: return false
        }
    }

    static func isLabelValue(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return true }
        return text.utf8.count <= 63 && isAlphanumeric(first) && isAlphanumeric(last)
            && text.utf8.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
            }
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}
