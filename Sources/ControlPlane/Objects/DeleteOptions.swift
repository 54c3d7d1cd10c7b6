import PolicyModel

/// `metav1.DeleteOptions`. The grace period means nothing here: no object stands for a process that has to end.
struct DeleteOptions: Sendable {
    /// What happens to the objects that name this one as their owner.
    enum Propagation: String, Sendable {
        /// They go after it.
        case background = "Background"
        /// They go before it.
        case foreground = "Foreground"
        /// They stay and forget it.
        case orphan = "Orphan"
    }

    var dryRun = false
    var uid: String?
    var resourceVersion: String?
    var propagation = Propagation.background

    init() {}

    init(_ request: APIRequest) throws(APIFailure) {
        dryRun = try WriteOptions(request).dryRun
        if let text = request.parameter("propagationPolicy"), !text.isEmpty { propagation = try Self.propagation(text) }
        guard !request.body.isEmpty else { return }
        let body = try BodyDecoding.decode(request.body, contentType: request.contentType)
        guard case .object = body else { throw .badRequest("the body of a DELETE must be a DeleteOptions object") }
        if let kind = body["kind"]?.stringValue, kind != "DeleteOptions" {
            throw .badRequest("the body of a DELETE must be a DeleteOptions object, not \(kind)")
        }
        uid = body["preconditions"]?["uid"]?.stringValue
        resourceVersion = body["preconditions"]?["resourceVersion"]?.stringValue
        for value in body["dryRun"]?.arrayValue ?? [] {
            guard value.stringValue == "All" else { throw .badRequest("invalid dryRun value: the only one is All") }
            dryRun = true
        }
        if let text = body["propagationPolicy"]?.stringValue {
            propagation = try Self.propagation(text)
        } else if let orphan = body["orphanDependents"]?.boolValue {
            propagation = orphan ? .orphan : .background
        }
    }

    private static func propagation(_ text: String) throws(APIFailure) -> Propagation {
        guard let value = Propagation(rawValue: text) else {
            throw .badRequest("invalid propagationPolicy \"\(text)\": one of Background, Foreground, Orphan")
        }
        return value
    }
}
