/// A part of the language that this release knows and refuses: "not enforced yet: PATH".
public struct RefusedFeature: Sendable, Hashable {
    /// The kinds that have it, in the order of `Kinds.all`.
    public var kinds: [String]
    /// As in an error, with `[]` for any element: `spec.ingress[].http`; empty for whole kinds.
    public var path: String
    /// What it would do, or why the kind is refused.
    public var description: String

    /// All of them, from the schemas by which objects are checked, in the order of documentation.
    public static let all: [RefusedFeature] = {
        var features: [RefusedFeature] = []
        for kind in Kinds.all {
            if let refusal = kind.refusal {
                features.append(RefusedFeature(kinds: [kind.kind], path: "", description: refusal))
                continue
            }
            collect(kind.fields, at: "") { path, description in
                if let known = features.firstIndex(where: { $0.path == path && $0.description == description }) {
                    features[known].kinds.append(kind.kind)
                } else {
                    features.append(RefusedFeature(kinds: [kind.kind], path: path, description: description))
                }
            }
        }
        return features
    }()

    private static func collect(_ fields: [Field], at path: String, _ found: (String, String) -> Void) {
        for field in fields {
            let path = path.isEmpty ? field.name : "\(path).\(field.name)"
            if field.enforced { collect(field.schema, at: path, found) } else { found(path, field.description) }
        }
    }

    private static func collect(_ schema: Schema, at path: String, _ found: (String, String) -> Void) {
        switch schema {
        case .object(let fields): collect(fields, at: path, found)
        case .array(let element): collect(element, at: "\(path)[]", found)
        case .map(let element): collect(element, at: "\(path).*", found)
        default: break
        }
    }
}
