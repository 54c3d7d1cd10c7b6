import PolicyModel

/// A patch as its content type says.
struct ObjectPatch: Sendable {
    enum Format: Sendable {
        case merge
        case strategicMerge
        case json
        /// Server-side apply: the patch is a configuration.
        case apply
    }

    var format: Format
    var patch: JSONValue

    init(_ request: APIRequest, kind: ResourceKind) throws(APIFailure) {
        switch request.contentType {
        case "application/merge-patch+json": format = .merge
        case "application/json-patch+json": format = .json
        case "application/strategic-merge-patch+json" where kind.isBuiltIn: format = .strategicMerge
        case "application/apply-patch+yaml": format = .apply
        default:
            let strategic = kind.isBuiltIn ? ", application/strategic-merge-patch+json" : ""
            throw .unsupportedMediaType(
                "the body of the request was in an unknown format (\(request.contentType)) - accepted media types include: application/json-patch+json, application/merge-patch+json\(strategic), application/apply-patch+yaml"
            )
        }
        if case .apply = format, request.body.first != UInt8(ascii: "{") {
            patch = try BodyDecoding.yaml(request.body)
        } else {
            patch = try BodyDecoding.json(request.body)
        }
        if case .json = format {
            guard patch.arrayValue != nil else { throw .badRequest("a JSON patch is a list of operations") }
        } else if patch.objectValue == nil {
            throw .badRequest("the patch must be an object")
        }
    }

    /// The patched object, not yet checked.
    func apply(to value: JSONValue, kind: ResourceKind, name: String) throws(APIFailure) -> JSONValue {
        do {
            switch format {
            case .merge: return JSONMergePatch.apply(patch, to: value)
            case .strategicMerge: return try StrategicMergePatch.apply(patch, to: value, kind: kind)
            case .json: return try JSONPatch.apply(patch, to: value)
            // Not a change of one value alone: `FieldOwnership` applies it.
            case .apply: return patch
            }
        } catch {
            throw APIFailure(
                code: 422, reason: "Invalid", message: "the patch cannot be applied to \(kind.resource) \"\(name)\": \(error)",
                group: kind.group, kind: kind.kind, name: name,
                // kubectl shows of a refusal with a kind no more than its causes.
                causes: [.init(field: error.path.isEmpty ? "patch" : error.path, reason: "FieldValueInvalid", message: error.message)])
        }
    }
}
