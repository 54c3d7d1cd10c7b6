/// The shape of a value in an API object: validation, OpenAPI documents and `explain` are all made from it.
public indirect enum Schema: Sendable {
    /// Members in the order in which documentation shows them.
    case object([Field])
    /// String keys, values of one shape.
    case map(Schema)
    case array(Schema)
    /// Empty `allowed`: any text.
    case string(allowed: [String])
    case integer(minimum: Int64, maximum: Int64)
    case number
    case boolean
    /// A number or a text, as ports and protocols are.
    case integerOrString
    /// RFC 3339.
    case timestamp
    /// Kept as it is, never interpreted (`metadata.managedFields`, `status`).
    case any
}

/// Who may own what of a list, and how two lists are merged (Kubernetes' `x-kubernetes-list-type`).
public enum ListType: Sendable, Hashable {
    /// The list is one value.
    case atomic
    /// Scalars, each once.
    case set
    /// Objects that these members tell apart.
    case map(keys: [ListKey])
}

/// A member that tells the elements of a list apart.
public struct ListKey: Sendable, Hashable, ExpressibleByStringLiteral {
    public var name: String
    /// What it is where an element does not say it: what defaulting will fill in.
    public var assumed: String?

    public init(_ name: String, assumed: String? = nil) {
        self.name = name
        self.assumed = assumed
    }

    public init(stringLiteral value: String) { self.init(value) }
}

public struct Field: Sendable {
    public var name: String
    public var schema: Schema
    /// One or two sentences for `kubectl explain`.
    public var description: String
    public var required: Bool
    /// False: known to the language but refused, "not enforced yet: PATH".
    public var enforced: Bool
    /// Means something for an array only.
    public var listType: ListType

    public init(
        _ name: String, _ schema: Schema, _ description: String, required: Bool = false, enforced: Bool = true,
        listType: ListType = .atomic
    ) {
        self.name = name
        self.schema = schema
        self.description = description
        self.required = required
        self.enforced = enforced
        self.listType = listType
    }
}

/// A kind that the API serves.
public struct ResourceKind: Sendable {
    /// Empty for the core group.
    public var group: String
    public var version: String
    public var kind: String
    public var plural: String
    public var singular: String
    public var shortNames: [String]
    public var namespaced: Bool
    public var description: String
    /// The members beside apiVersion, kind and metadata: `spec`, `status`.
    public var fields: [Field]
    /// Why no object of this kind can be stored, in half a sentence; nil for kinds that are enforced.
    public var refusal: String?
    /// nil for kinds that hold objects of their own.
    public var alias: KindAlias?
    /// Whether an object of this kind is a question: it is answered when it is created, and not stored.
    public var isReview: Bool

    public init(
        group: String, version: String, kind: String, plural: String, singular: String, shortNames: [String],
        namespaced: Bool, description: String, fields: [Field], refusal: String? = nil, alias: KindAlias? = nil,
        isReview: Bool = false
    ) {
        self.group = group
        self.version = version
        self.kind = kind
        self.plural = plural
        self.singular = singular
        self.shortNames = shortNames
        self.namespaced = namespaced
        self.description = description
        self.fields = fields
        self.refusal = refusal
        self.alias = alias
        self.isReview = isReview
    }

    /// `group/version`, or the version alone for the core group.
    public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// The resource name in the store: `plural.group`.
    public var resource: String { group.isEmpty ? plural : "\(plural).\(group)" }

    /// A kind that Kubernetes itself has: kubectl knows its fields and sends strategic merge patches and protobuf.
    public var isBuiltIn: Bool { group.isEmpty || (group.hasSuffix(".k8s.io") && group != Kinds.clusterPolicyGroup) }
}

/// One thing that is wrong with an object.
public struct FieldError: Error, Sendable, Hashable {
    /// As Kubernetes writes it: `spec.ingress[0].source.nets[1]`.
    public var path: String
    /// A sentence without the path: what is wrong and what to do.
    public var message: String
    public var reason: Reason

    /// The `reason` of a Kubernetes status cause.
    public enum Reason: String, Sendable, Hashable {
        case invalid = "FieldValueInvalid"
        case required = "FieldValueRequired"
        case notSupported = "FieldValueNotSupported"
        case unknown = "FieldUnknown"
        /// Known to the language, not enforced by this release: the message is `not enforced yet: PATH`.
        case notEnforcedYet = "FieldValueForbidden"
    }

    public init(path: String, message: String, reason: Reason = .invalid) {
        self.path = path
        self.message = message
        self.reason = reason
    }
}

/// Everything that is wrong with an object; never empty.
public struct ValidationError: Error, Sendable, Hashable {
    public var errors: [FieldError]

    public init(_ errors: [FieldError]) { self.errors = errors }
}
