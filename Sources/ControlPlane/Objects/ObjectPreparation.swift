import Foundation
import PolicyAnalysis
import PolicyModel

/// Makes of what a client sent what may be stored: shape, defaults, validity. No I/O.
struct ObjectPreparation: Sendable {
    let kind: ResourceKind
    let options: WriteOptions

    struct Result: Sendable {
        var value: JSONValue
        var name: String
        var warnings: [String]
    }

    /// A new object. `namespace` is the one of the request's path; empty for kinds without.
    func create(_ sent: JSONValue, namespace: String, now: Int64) throws(APIFailure) -> Result {
        var result = try shaped(sent, namespace: namespace, name: nil)
        var metadata = result.value["metadata"]?.objectValue ?? [:]
        if result.name.isEmpty, let prefix = metadata["generateName"]?.stringValue, !prefix.isEmpty {
            result.name = prefix.prefix(Self.generatedPrefixLength) + Self.randomSuffix()
        }
        guard metadata["resourceVersion"]?.stringValue ?? "" == "" else {
            throw .badRequest("resourceVersion should not be set on objects to be created")
        }
        for name in ServerOwnedMetadata.names { metadata[name] = nil }
        metadata["name"] = .string(result.name)
        metadata["namespace"] = kind.namespaced ? .string(namespace) : nil
        metadata["uid"] = .string(UUID().uuidString.lowercased())
        metadata["creationTimestamp"] = .string(Timestamps.seconds(now))
        metadata["generation"] = .integer(1)
        result.value["metadata"] = .object(metadata)
        result.value["status"] = nil
        try finish(&result, over: nil, warns: true)
        return result
    }

    /// Another version of `current`. What the server owns is carried over; the generation counts when more than
    /// metadata and status differ.
    ///
    /// `subresource`: only that part of what was sent is taken.
    func update(
        _ sent: JSONValue, current: JSONValue, namespace: String, name: String, subresource: String = ""
    ) throws(APIFailure) -> Result {
        var result = try shaped(sent, namespace: namespace, name: name)
        let currentMetadata = current["metadata"]?.objectValue ?? [:]
        var metadata = result.value["metadata"]?.objectValue ?? [:]
        if let uid = metadata["uid"]?.stringValue, !uid.isEmpty, uid != currentMetadata["uid"]?.stringValue {
            throw .conflict(
                kind, name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(currentMetadata["uid"]?.stringValue ?? "")"
            )
        }
        if let version = metadata["resourceVersion"]?.stringValue, !version.isEmpty,
            version != currentMetadata["resourceVersion"]?.stringValue
        {
            throw .modifiedMeanwhile(kind, name)
        }
        for name in ServerOwnedMetadata.names { metadata[name] = currentMetadata[name] }
        metadata["name"] = .string(name)
        metadata["namespace"] = kind.namespaced ? .string(namespace) : nil
        result.value["metadata"] = .object(metadata)
        if subresource == "status" {
            let status = result.value["status"]
            result.value = current
            result.value["status"] = status
        } else {
            result.value["status"] = current["status"]
        }
        try checkDeleting(result.value, current: current, name: name)
        try finish(&result, over: current, warns: subresource.isEmpty)
        if Self.desired(result.value) != Self.desired(current) {
            let generation = currentMetadata["generation"]?.integerValue ?? 1
            result.value["metadata"]?["generation"] = .integer(generation + 1)
        }
        return result
    }

    /// What is being deleted gets no new reasons to stay.
    private func checkDeleting(_ value: JSONValue, current: JSONValue, name: String) throws(APIFailure) {
        guard current["metadata"]?["deletionTimestamp"] != nil else { return }
        let old = Set(Self.finalizers(current))
        let new = Self.finalizers(value).filter { !old.contains($0) }
        guard new.isEmpty else {
            throw .invalid(
                kind, name,
                [
                    FieldError(
                        path: "metadata.finalizers",
                        message: "no new finalizers can be added if the object is being deleted, found new finalizers "
                            + new.map { "\"\($0)\"" }.joined(separator: ", "))
                ])
        }
    }

    static func finalizers(_ value: JSONValue) -> [String] {
        (value["metadata"]?["finalizers"]?.arrayValue ?? []).compactMap(\.stringValue)
    }

    /// Whether two versions differ in nothing but labels, annotations and what the server keeps of them.
    static func areAlikeButForLabels(_ first: JSONValue, _ second: JSONValue) -> Bool {
        func rest(_ value: JSONValue) -> JSONValue {
            var value = value
            for member in ["labels", "annotations", "managedFields", "resourceVersion"] { value["metadata"]?[member] = nil }
            return value
        }
        return rest(first) == rest(second)
    }

    /// What the object asks for: everything but metadata and status.
    private static func desired(_ value: JSONValue) -> [String: JSONValue] {
        (value.objectValue ?? [:]).filter { $0.key != "metadata" && $0.key != "status" }
    }

    private func shaped(_ sent: JSONValue, namespace: String, name: String?) throws(APIFailure) -> Result {
        guard case .object(var members) = sent else {
            throw .badRequest("the body must be one \(kind.kind) object")
        }
        if let version = members["apiVersion"]?.stringValue, version != kind.apiVersion {
            throw .badRequest(
                "the API version in the data (\(version)) does not match the expected API version (\(kind.apiVersion))")
        }
        if let sentKind = members["kind"]?.stringValue, sentKind != kind.kind {
            throw .badRequest(
                "the kind in the data (\(sentKind)) does not match the kind of the resource (\(kind.kind))")
        }
        members["apiVersion"] = .string(kind.apiVersion)
        members["kind"] = .string(kind.kind)
        if members["metadata"] == nil || members["metadata"] == .null { members["metadata"] = .object([:]) }
        guard case .object(let metadata)? = members["metadata"] else {
            throw .invalid(kind, name ?? "", [FieldError(path: "metadata", message: "must be an object")])
        }
        let sentName = metadata["name"]?.stringValue ?? ""
        if let name, !sentName.isEmpty, sentName != name {
            throw .badRequest("the name of the object (\(sentName)) does not match the name on the URL (\(name))")
        }
        if let sentNamespace = metadata["namespace"]?.stringValue, !sentNamespace.isEmpty, sentNamespace != namespace {
            throw .badRequest(
                kind.namespaced
                    ? "the namespace of the provided object does not match the namespace sent on the request"
                    : "\(kind.kind) has no namespace: remove metadata.namespace")
        }
        return Result(value: .object(members), name: name ?? sentName, warnings: [])
    }

    /// Defaults, then everything that may be wrong with it.
    private func finish(_ result: inout Result, over current: JSONValue?, warns: Bool) throws(APIFailure) {
        Defaulting.apply(to: &result.value, kind: kind)
        let errors = Validator.validate(result.value, replacing: current, kind: kind)
        let unknown = errors.filter { $0.reason == .unknown }
        if !unknown.isEmpty, options.fieldValidation == .strict { throw .strictDecoding(kind, unknown) }
        let refusing = errors.filter { $0.reason != .unknown }
        guard refusing.isEmpty else { throw .invalid(kind, result.name, refusing) }
        if options.fieldValidation == .warn { result.warnings = unknown.map(\.message) }
        // Takes unknown and null members away, so that equal objects compare equal.
        Validator.prune(&result.value, kind: kind)
        for member in Self.droppedWhenEmpty {
            guard let value = result.value["metadata"]?[member], value == .object([:]) || value == .array([]) else { continue }
            result.value["metadata"]?[member] = nil
        }
        if warns { result.warnings += Self.warnings(result.value, kind: kind) }
    }

    private static func warnings(_ object: JSONValue, kind: ResourceKind) -> [String] {
        let found = Lint.findings(alone: object, kind: kind).map { "\($0.path): \($0.message)" }
        guard found.count > Limits.warnings else { return found }
        let shown = Limits.warnings - 1
        return found.prefix(shown) + ["\(found.count - shown) further warnings: bulkhead lint tells all"]
    }

    /// Members of metadata that say as little when they are empty as when they are absent, as in Kubernetes: clients send
    /// both in turn.
    private static let droppedWhenEmpty = ["annotations", "labels", "finalizers", "ownerReferences"]

    /// What is kept of a `generateName`, as in Kubernetes: with its five letters the name is one that every kind takes.
    private static let generatedPrefixLength = 58

    private static func randomSuffix() -> String {
        // Without vowels, as in Kubernetes, so that no words appear.
        let letters = Array("bcdfghjklmnpqrstvwxz2456789")
        return String((0..<5).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }
}
