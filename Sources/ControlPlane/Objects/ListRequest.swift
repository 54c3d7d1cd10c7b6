import Foundation
import PolicyModel

/// What a list asks for: selectors, pages, and how fresh it must be
/// (kubernetes.io/docs/reference/using-api/api-concepts, "Resource versions" and "Retrieving large results sets in chunks").
struct ListRequest: Sendable {
    enum Version: Sendable, Hashable {
        case latest
        case notOlderThan(Int64)
        case exact(Int64)
    }

    var labels: LabelRequirements
    var fields: FieldRequirements
    /// nil: everything at once.
    var limit: Int?
    var version: Version
    /// Where to go on.
    var place: ContinueToken?

    init(_ request: APIRequest, kind: ResourceKind) throws(APIFailure) {
        labels = try LabelRequirements(request.parameter("labelSelector") ?? "")
        fields = try FieldRequirements(request.parameter("fieldSelector") ?? "", kind: kind)
        if let text = request.parameter("limit"), !text.isEmpty {
            guard let number = Int(text), number >= 0 else {
                throw .badRequest("invalid limit \"\(text)\": a number of objects, or 0 for all")
            }
            if number > 0 { limit = number }
        }
        guard request.parameter("sendInitialEvents") ?? "" == "" else {
            throw .listOptions("sendInitialEvents", "Forbidden", "sendInitialEvents is forbidden for list")
        }
        let match = request.parameter("resourceVersionMatch") ?? ""
        let versionText = request.parameter("resourceVersion") ?? ""
        if let text = request.parameter("continue"), !text.isEmpty {
            place = try ContinueToken(text)
            guard match.isEmpty else {
                throw .listOptions(
                    "resourceVersionMatch", "Forbidden", "resourceVersionMatch is forbidden when continue is provided")
            }
            guard versionText.isEmpty || versionText == "0" else {
                throw .badRequest("specifying resource version is not allowed when using continue")
            }
            version = .latest
            return
        }
        version = try Self.version(versionText, match: match, paged: limit != nil)
    }

    private static func version(_ text: String, match: String, paged: Bool) throws(APIFailure) -> Version {
        guard !text.isEmpty else {
            guard match.isEmpty else {
                throw .listOptions(
                    "resourceVersionMatch", "Forbidden",
                    "resourceVersionMatch is forbidden unless resourceVersion is provided")
            }
            return .latest
        }
        let revision = try revision(text)
        switch match {
        case "": return revision == 0 ? .latest : paged ? .exact(revision) : .notOlderThan(revision)
        case "NotOlderThan": return .notOlderThan(revision)
        case "Exact":
            guard revision != 0 else {
                throw .listOptions(
                    "resourceVersionMatch", "Forbidden", "resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"")
            }
            return .exact(revision)
        default:
            throw .listOptions(
                "resourceVersionMatch", "NotSupported",
                "unsupported value \"\(match)\": supported values: \"Exact\", \"NotOlderThan\"")
        }
    }

    static func revision(_ text: String) throws(APIFailure) -> Int64 {
        guard let revision = Int64(text), revision >= 0 else { throw .badRequest("invalid resource version \"\(text)\"") }
        return revision
    }

    func match(_ key: (name: String, namespace: String), _ value: JSONValue) -> Bool {
        fields.match(value, name: key.name, namespace: key.namespace)
            && (labels.selectsEverything || labels.match(value["metadata"]?["labels"]?.objectValue ?? [:]))
    }

    var selectsEverything: Bool { labels.selectsEverything && fields.selectsEverything }
}

/// Where the next page of a list begins. Opaque to clients.
struct ContinueToken: Sendable, Hashable {
    /// The revision that the whole list is of; nil: the next page may be of another than those before.
    var revision: Int64?
    /// The last object of the page before.
    var namespace: String
    var name: String

    init(revision: Int64?, namespace: String, name: String) {
        self.revision = revision
        self.namespace = namespace
        self.name = name
    }

    init(_ text: String) throws(APIFailure) {
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        let padded = standard + String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: padded), let json = try? JSONValue(parsing: Array(data)),
            json["v"] == "bulkhead/1", let revision = json["rv"]?.integerValue,
            let namespace = json["namespace"]?.stringValue, let name = json["name"]?.stringValue
        else { throw .badRequest("continue key is not valid: use the one of the list before, or start the list again") }
        self.init(revision: revision < 0 ? nil : revision, namespace: namespace, name: name)
    }

    var text: String {
        let json = JSONValue.object([
            "v": "bulkhead/1", "rv": .integer(revision ?? -1), "namespace": .string(namespace), "name": .string(name),
        ])
        return Data(json.serialized()).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }
}
