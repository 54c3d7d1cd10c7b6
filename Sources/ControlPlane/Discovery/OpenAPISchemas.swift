import PolicyModel

/// OpenAPI schemas made from the kinds' own description of their fields.
struct OpenAPISchemas: Sendable {
    /// Where references point: `#/components/schemas/` (version 3) or `#/definitions/` (version 2).
    let referencePrefix: String
    /// Version 3 needs `allOf` to put a description beside a reference.
    let wrapsReferences: Bool

    static let objectMetaName = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    static let listMetaName = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
    static let deleteOptionsName = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
    static let statusName = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"

    /// `org.projectcalico.v3.NetworkPolicy`; the kinds that Kubernetes builds in under its own names, as in
    /// `io.k8s.api.networking.v1.NetworkPolicy`: clients know them by these.
    static func name(_ kind: ResourceKind) -> String {
        let parts = kind.group.split(separator: ".")
        if parts.isEmpty || parts.count == 3 && parts.suffix(2) == ["k8s", "io"] {
            return "io.k8s.api.\(parts.first ?? "core").\(kind.version).\(kind.kind)"
        }
        let reversed = parts.reversed().joined(separator: ".")
        return "\(reversed).\(kind.version).\(kind.kind)"
    }

    /// The schemas of `kinds`, of their lists, and of what they share.
    func all(_ kinds: [ResourceKind]) -> [String: JSONValue] {
        var schemas: [String: JSONValue] = [
            Self.objectMetaName: object(Kinds.objectMeta, "Metadata that every object has."),
            Self.listMetaName: object(
                [
                    Field("resourceVersion", .string(allowed: []), "Revision of the store at which the list was made."),
                    Field("continue", .string(allowed: []), "Where the next page begins; absent where this is the last."),
                    Field("remainingItemCount", .integer(minimum: 0, maximum: .max), "How many objects follow, where nothing is selected."),
                    Field("selfLink", .string(allowed: []), "Deprecated; not used."),
                ], "Metadata that every list has."),
            Self.deleteOptionsName: object(
                [
                    Field("apiVersion", .string(allowed: []), "v1."), Field("kind", .string(allowed: []), "DeleteOptions."),
                    Field("gracePeriodSeconds", .integer(minimum: 0, maximum: .max), "Ignored: deletion acts at once."),
                    Field("propagationPolicy", .string(allowed: []), "What becomes of the objects that name this one as their owner: Background, Foreground or Orphan."),
                    Field("dryRun", .array(.string(allowed: ["All"])), "All: check, and change nothing."),
                    Field(
                        "preconditions",
                        .object([
                            Field("uid", .string(allowed: []), "UID that the object must have."),
                            Field("resourceVersion", .string(allowed: []), "Version that the object must have."),
                        ]), "What must hold for the object to be deleted."),
                ], "Options of a deletion."),
            Self.statusName: object(
                [
                    Field("status", .string(allowed: []), "Success or Failure."),
                    Field("message", .string(allowed: []), "What happened, for a person."),
                    Field("reason", .string(allowed: []), "What happened, for a program."),
                    Field("code", .integer(minimum: 0, maximum: 599), "The HTTP status code."), Field("details", .any, "Which object and which fields."),
                ], "The outcome of a request that returns no object."),
        ]
        for kind in kinds {
            schemas[Self.name(kind)] = whole(kind)
            if !kind.isReview { schemas[Self.name(kind) + "List"] = list(kind) }
        }
        return schemas
    }

    static func groupVersionKind(_ kind: ResourceKind, suffix: String = "") -> JSONValue {
        .object([
            "group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind + suffix),
        ])
    }

    private static let typeProperties: [String: JSONValue] = [
        "apiVersion": .object([
            "type": .string("string"),
            "description": .string("APIVersion defines the versioned schema of this representation of an object."),
        ]),
        "kind": .object([
            "type": .string("string"),
            "description": .string("Kind is a string value representing the REST resource this object represents."),
        ]),
    ]

    private func whole(_ kind: ResourceKind) -> JSONValue {
        var properties = Self.typeProperties
        properties["metadata"] = reference(Self.objectMetaName, "Standard object's metadata.")
        for field in kind.fields { properties[field.name] = property(field) }
        return .object([
            "type": .string("object"), "description": .string(kind.description), "properties": .object(properties),
            "x-kubernetes-group-version-kind": .array([Self.groupVersionKind(kind)]),
        ])
    }

    private func list(_ kind: ResourceKind) -> JSONValue {
        var properties = Self.typeProperties
        properties["metadata"] = reference(Self.listMetaName, "Standard list metadata.")
        properties["items"] = .object([
            "type": .string("array"), "description": .string("The objects."),
            "items": reference(Self.name(kind), ""),
        ])
        return .object([
            "type": .string("object"), "description": .string("\(kind.kind)List is a list of \(kind.kind) objects."),
            "required": .array([.string("items")]), "properties": .object(properties),
            "x-kubernetes-group-version-kind": .array([Self.groupVersionKind(kind, suffix: "List")]),
        ])
    }

    private func reference(_ name: String, _ description: String) -> JSONValue {
        let reference = JSONValue.object(["$ref": .string(referencePrefix + name)])
        guard !description.isEmpty else { return reference }
        guard wrapsReferences else {
            return .object(["$ref": .string(referencePrefix + name), "description": .string(description)])
        }
        return .object([
            "allOf": .array([reference]), "description": .string(description), "default": .object([:]),
        ])
    }

    private func description(_ field: Field) -> String {
        field.enforced ? field.description : field.description + " Not enforced yet: refused when set."
    }

    /// With what clients need to merge lists as the server does: kubectl makes its patches of it.
    private func property(_ field: Field) -> JSONValue {
        var property = schema(field.schema, description: description(field))
        guard case .array = field.schema else { return property }
        switch field.listType {
        case .atomic: property["x-kubernetes-list-type"] = "atomic"
        case .set:
            property["x-kubernetes-list-type"] = "set"
            property["x-kubernetes-patch-strategy"] = "merge"
        case .map(let keys):
            property["x-kubernetes-list-type"] = "map"
            property["x-kubernetes-list-map-keys"] = .array(keys.map { .string($0.name) })
            property["x-kubernetes-patch-strategy"] = "merge"
            property["x-kubernetes-patch-merge-key"] = keys.first.map { .string($0.name) }
            for key in keys {
                if let assumed = key.assumed { property["items"]?["properties"]?[key.name]?["default"] = .string(assumed) }
            }
        }
        return property
    }

    private func object(_ fields: [Field], _ description: String) -> JSONValue {
        schema(.object(fields), description: description)
    }

    func schema(_ schema: Schema, description: String = "") -> JSONValue {
        var members: [String: JSONValue] = [:]
        if !description.isEmpty { members["description"] = .string(description) }
        switch schema {
        case .object(let fields):
            members["type"] = .string("object")
            members["properties"] = .object(
                Dictionary(fields.map { ($0.name, property($0)) }) { $1 })
            let required = fields.filter(\.required).map { JSONValue.string($0.name) }
            if !required.isEmpty { members["required"] = .array(required) }
        case .map(let element):
            members["type"] = .string("object")
            members["additionalProperties"] = self.schema(element)
        case .array(let element):
            members["type"] = .string("array")
            members["items"] = self.schema(element)
        case .string(let allowed):
            members["type"] = .string("string")
            if !allowed.isEmpty { members["enum"] = .array(allowed.map { .string($0) }) }
        case .integer(let minimum, let maximum):
            members["type"] = .string("integer")
            members["format"] = .string("int64")
            if minimum > .min { members["minimum"] = .integer(minimum) }
            if maximum < .max { members["maximum"] = .integer(maximum) }
        case .number:
            members["type"] = .string("number")
            members["format"] = .string("double")
        case .boolean:
            members["type"] = .string("boolean")
        case .integerOrString:
            members["type"] = .string("string")
            members["format"] = .string("int-or-string")
            members["x-kubernetes-int-or-string"] = .bool(true)
        case .timestamp:
            members["type"] = .string("string")
            members["format"] = .string("date-time")
        case .any:
            members["type"] = .string("object")
            members["x-kubernetes-preserve-unknown-fields"] = .bool(true)
        }
        return .object(members)
    }
}
