import PolicyModel

/// What the query of a write asks for, and who writes.
struct WriteOptions: Sendable {
    enum FieldValidation: String, Sendable {
        case strict = "Strict"
        case warn = "Warn"
        case ignore = "Ignore"
    }

    var dryRun: Bool
    var fieldValidation: FieldValidation
    /// Who owns what is written; nil where the client does not say.
    var fieldManager: String?
    /// Takes over what others own; for server-side apply.
    var force: Bool
    var rights: WriteRights
    private var userAgent = ""

    /// The longest name of a field manager.
    static let managerNameLength = 128

    /// Unknown fields are refused where the client does not say otherwise: a misspelt field of a policy is a hole.
    init(_ request: APIRequest, rights: WriteRights = WriteRights()) throws(APIFailure) {
        self.rights = rights
        dryRun = false
        for parameter in request.query where parameter.name == "dryRun" && !parameter.value.isEmpty {
            guard parameter.value == "All" else {
                throw .badRequest("invalid dryRun value \"\(parameter.value)\": the only one is All")
            }
            dryRun = true
        }
        switch request.parameter("fieldValidation") ?? "" {
        case "", FieldValidation.strict.rawValue: fieldValidation = .strict
        case FieldValidation.warn.rawValue: fieldValidation = .warn
        case FieldValidation.ignore.rawValue: fieldValidation = .ignore
        case let other:
            throw .badRequest("invalid fieldValidation value \"\(other)\": one of Strict, Warn, Ignore")
        }
        if let name = request.parameter("fieldManager"), !name.isEmpty {
            guard name.unicodeScalars.count <= Self.managerNameLength,
                name.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 })
            else {
                throw .badRequest(
                    "invalid fieldManager: at most \(Self.managerNameLength) printable characters")
            }
            fieldManager = name
        }
        force = request.flag("force")
        userAgent = request.userAgent
    }

    init(dryRun: Bool = false, fieldValidation: FieldValidation = .strict, fieldManager: String? = nil) {
        self.dryRun = dryRun
        self.fieldValidation = fieldValidation
        self.fieldManager = fieldManager
        force = false
        rights = WriteRights()
    }

    /// The program's name as it presents itself, where it names no manager.
    func manager(_ operation: ManagedFields.Operation, _ kind: ResourceKind, subresource: String) -> ManagedFields.Manager {
        let program = userAgent.prefix { $0 != "/" }.unicodeScalars.prefix(Self.managerNameLength)
            .filter { $0.value >= 32 && $0.value != 127 }
        let name = String(String.UnicodeScalarView(program))
        return ManagedFields.Manager(
            name: fieldManager ?? (name.isEmpty ? "unknown" : name), operation: operation, apiVersion: kind.apiVersion,
            subresource: subresource)
    }
}
