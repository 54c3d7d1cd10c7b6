import PolicyModel

/// Rows of documentation, one for each field of each kind, made from the schemas by which objects are checked.
enum FieldReference {
    struct Row {
        /// As in an error, with `[]` for any element and `.*` for any key: `spec.ingress[].source.nets`.
        var path: String
        var field: Field
        /// The field, or one around it, is refused.
        var isRefused: Bool
        /// Where the fields inside are shown, when they are those of another field; nil: here.
        var shownAt: String?

        var name: String { String(path.split(separator: ".").last ?? "") }
    }

    /// All kinds that have documentation.
    static let kinds = Kinds.all + Kinds.offline

    /// Fields inside a field that are the same as those of one before it are left out.
    static func sections() -> [(kind: ResourceKind, rows: [Row])] {
        var known: [String: String] = [:]
        return kinds.map { kind in
            var rows: [Row] = []
            collect(kind.objectFields, at: "", of: kind, isRefused: false, &known, &rows)
            return (kind, rows)
        }
    }

    private static func collect(
        _ fields: [Field], at path: String, of kind: ResourceKind, isRefused: Bool, _ known: inout [String: String], _ rows: inout [Row]
    ) {
        for field in fields {
            let path = path.isEmpty ? field.name : "\(path).\(field.name)"
            let isRefused = isRefused || !field.enforced
            var row = Row(path: path, field: field, isRefused: isRefused)
            guard let (inner, innerPath) = fieldsInside(field.schema, at: path) else {
                rows.append(row)
                continue
            }
            let signature = inner.map { "\($0.name): \($0.description)" }.joined(separator: "\n")
            row.shownAt = known[signature]
            rows.append(row)
            if row.shownAt == nil {
                known[signature] = "\(kind.kind) `\(innerPath)`"
                collect(inner, at: innerPath, of: kind, isRefused: isRefused, &known, &rows)
            }
        }
    }

    private static func fieldsInside(_ schema: Schema, at path: String) -> (fields: [Field], path: String)? {
        switch schema {
        case .object(let fields): (fields, path)
        case .array(let element): fieldsInside(element, at: "\(path)[]")
        case .map(let element): fieldsInside(element, at: "\(path).*")
        default: nil
        }
    }

    // MARK: Text

    static func markdown() -> String {
        sections().map { kind, rows in
            var lines = ["### \(kind.kind) (\(kind.apiVersion))", "", kind.description, ""]
            if let refusal = kind.refusal { lines += ["Not enforced yet: \(refusal).", ""] }
            lines += ["| field | type | default | limit | meaning | example |", "|---|---|---|---|---|---|"]
            lines += rows.map { row in
                let example = FieldExamples.example(of: row.path, row.field.schema).map { "`\($0.text())`" } ?? ""
                let meaning = row.field.description + (row.isRefused ? " **Not enforced yet.**" : "")
                let inside = row.shownAt.map { " Fields inside: as \($0)." } ?? ""
                return "| " + ["`\(row.path)`", type(row.field.schema), defaultText(row), limit(row), meaning + inside, example].map(cell)
                    .joined(separator: " | ") + " |"
            }
            return lines.joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }

    private static func type(_ schema: Schema) -> String {
        switch schema {
        case .object: "object"
        case .map(let element): "map of \(type(element))"
        case .array(let element): "list of \(type(element))"
        case .string, .timestamp: "text"
        case .integer: "whole number"
        case .number: "number"
        case .boolean: "true, false"
        case .integerOrString: "number or text"
        case .any: "any"
        }
    }

    private static func defaultText(_ row: Row) -> String {
        if let text = FieldExamples.defaultText(of: row.path) { return text }
        if row.field.required { return "required" }
        return row.field.description.contains("Set by the server") ? "the server's" : "absent"
    }

    private static func limit(_ row: Row) -> String {
        if let text = FieldExamples.limit(of: row.path) { return text }
        let ofSchema = limit(row.field.schema)
        let ofText = row.field.description.firstMatch(of: /[Aa]t most ([0-9]+)/).map { "at most \($0.1)" } ?? ""
        let both = [ofSchema, ofText].filter { !$0.isEmpty }.joined(separator: "; ")
        return both.isEmpty ? "–" : both
    }

    private static func limit(_ schema: Schema) -> String {
        switch schema {
        case .array(let element), .map(let element): limit(element)
        case .string(let allowed) where !allowed.isEmpty: allowed.map { "`\($0)`" }.joined(separator: ", ")
        case .integer(let minimum, let maximum): maximum == .max ? "\(minimum) or more" : "\(minimum) to \(maximum)"
        case .timestamp: "RFC 3339"
        default: ""
        }
    }
}
