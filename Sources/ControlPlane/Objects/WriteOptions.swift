import PolicyModel

/// What the query of a write asks for.
struct WriteOptions: Sendable {
    enum FieldValidation: String, Sendable {
        case strict = "Strict"
        case warn = "Warn"
        case ignore = "Ignore"
    }

    var dryRun: Bool
    var fieldValidation: FieldValidation

    /// Unknown fields are refused where the client does not say otherwise: a misspelt field of a policy is a hole.
    init(_ request: APIRequest) throws(APIFailure) {
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
    }

    init(dryRun: Bool = false, fieldValidation: FieldValidation = .strict) {
        self.dryRun = dryRun
        self.fieldValidation = fieldValidation
    }
}
