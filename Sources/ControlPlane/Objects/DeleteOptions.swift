import PolicyModel

/// `metav1.DeleteOptions`. Propagation and grace mean nothing here: nothing depends on objects but what their namespace
/// holds, and that always goes with it.
struct DeleteOptions: Sendable {
    var dryRun = false
    var uid: String?
    var resourceVersion: String?

    init(_ request: APIRequest) throws(APIFailure) {
        dryRun = try WriteOptions(request).dryRun
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
    }
}
