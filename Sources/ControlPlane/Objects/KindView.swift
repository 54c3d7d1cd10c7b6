import PolicyModel

/// How a client that asks for a kind sees what is stored: as it is, or under the names of an alias.
struct KindView: Sendable {
    /// The kind that is stored.
    let kind: ResourceKind
    /// The kind that was asked for, where it is another one.
    private let alias: (kind: ResourceKind, members: [String: String])?

    init(_ asked: ResourceKind) {
        guard let alias = asked.alias, let stored = Kinds.find(resource: alias.resource) else {
            kind = asked
            self.alias = nil
            return
        }
        kind = stored
        self.alias = (asked, alias.members)
    }

    /// Whether objects are seen as they are stored.
    var isPlain: Bool { alias == nil }

    /// The kind as the client knows it.
    var shown: ResourceKind { alias?.kind ?? kind }

    // MARK: - From the client

    /// An object, or a patch of one, in the stored names. Throws 400 for a member that has another name in this view.
    func stored(_ sent: JSONValue) throws(APIFailure) -> JSONValue {
        guard let alias, case .object(let members) = sent else { return sent }
        let foreign = Set(alias.members.values).subtracting(alias.members.keys).intersection(members.keys).sorted()
        guard foreign.isEmpty else {
            // Without a path of its own: that would be taken for a stored name, and translated.
            throw .strictDecoding(
                alias.kind, foreign.map { FieldError(path: "", message: "unknown field \"\($0)\"", reason: .unknown) })
        }
        var result: [String: JSONValue] = [:]
        for (name, value) in members { result[alias.members[name] ?? name] = value }
        if let version = members["apiVersion"] {
            guard version == .string(alias.kind.apiVersion) else {
                throw .badRequest(
                    "the API version in the data (\(version.stringValue ?? version.text())) does not match the expected API version (\(alias.kind.apiVersion))"
                )
            }
            result["apiVersion"] = .string(kind.apiVersion)
        }
        if let owners = members["metadata"]?["managedFields"] {
            result["metadata"]?["managedFields"] = renamedOwners(owners, alias.members, kind)
        }
        return .object(result)
    }

    func stored(_ patch: ObjectPatch) throws(APIFailure) -> ObjectPatch {
        guard let alias else { return patch }
        var patch = patch
        guard case .json = patch.format else {
            patch.patch = try stored(patch.patch)
            return patch
        }
        patch.patch = .array(
            (patch.patch.arrayValue ?? []).map { operation in
                var operation = operation
                for member in ["path", "from"] {
                    guard let pointer = operation[member]?.stringValue else { continue }
                    operation[member] = .string(Self.renamed(pointer, alias.members, after: "/"))
                }
                return operation
            })
        return patch
    }

    /// The query of a request, its field selector in the stored names.
    func stored(_ request: APIRequest) -> APIRequest {
        guard let alias else { return request }
        var request = request
        request.query = request.query.map { parameter in
            guard parameter.name == "fieldSelector" else { return parameter }
            let parts = parameter.value.split(separator: ",").map { Self.renamed(String($0), alias.members) }
            return (parameter.name, parts.joined(separator: ","))
        }
        return request
    }

    // MARK: - To the client

    func shown(_ object: JSONValue) -> JSONValue {
        guard let alias, case .object(let members) = object else { return object }
        let names = Self.inverted(alias.members)
        var result: [String: JSONValue] = [:]
        for (name, value) in members { result[names[name] ?? name] = value }
        result["apiVersion"] = .string(alias.kind.apiVersion)
        result["kind"] = .string(alias.kind.kind)
        if let owners = members["metadata"]?["managedFields"] {
            result["metadata"]?["managedFields"] = renamedOwners(owners, names, alias.kind)
        }
        return .object(result)
    }

    func shown(_ failure: APIFailure) -> APIFailure {
        guard let alias else { return failure }
        let names = Self.inverted(alias.members)
        var failure = failure
        for index in failure.causes.indices {
            let path = failure.causes[index].field
            let shown = Self.renamed(path, names)
            guard shown != path else { continue }
            failure.causes[index].field = shown
            failure.causes[index].message = failure.causes[index].message.replacing(path, with: shown)
            failure.message = failure.message.replacing(path, with: shown)
        }
        if failure.group == kind.group { failure.group = alias.kind.group }
        return failure
    }

    // MARK: - Parts

    private static func inverted(_ members: [String: String]) -> [String: String] {
        Dictionary(members.map { ($1, $0) }) { first, _ in first }
    }

    /// A path whose first member is called otherwise; it begins with `prefix` and ends at whatever no name has in it.
    private static func renamed(_ path: String, _ names: [String: String], after prefix: String = "") -> String {
        guard path.hasPrefix(prefix) else { return path }
        let name = path.dropFirst(prefix.count).prefix { $0.isLetter }
        guard let other = names[String(name)] else { return path }
        return prefix + other + path.dropFirst(prefix.count + name.count)
    }

    /// `metadata.managedFields` in other names and of another API version.
    private func renamedOwners(_ entries: JSONValue, _ names: [String: String], _ kind: ResourceKind) -> JSONValue {
        .array(
            (entries.arrayValue ?? []).map { entry in
                guard let fields = entry["fieldsV1"]?.objectValue else { return entry }
                var entry = entry
                entry["apiVersion"] = .string(kind.apiVersion)
                entry["fieldsV1"] = .object(
                    Dictionary(fields.map { (Self.renamed($0.key, names, after: "f:"), $0.value) }) { first, _ in first })
                return entry
            })
    }
}
