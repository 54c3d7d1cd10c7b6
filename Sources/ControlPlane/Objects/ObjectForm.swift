import PolicyModel

/// The form in which a client wants objects (kubernetes.io/docs/reference/using-api/api-concepts, "Receiving resources as
/// Tables" and "Alternate representations of resources").
struct ObjectForm: Sendable {
    private enum Shape: Sendable {
        case object
        case table(TableRendering)
        /// `PartialObjectMetadata`: who keeps an eye on everything needs no more.
        case metadata
    }

    private let shape: Shape
    let view: KindView

    private static let metadataVersion = JSONValue.string("meta.k8s.io/v1")
    private static let offered = [AcceptHeader.json] + ["Table", "PartialObjectMetadata", "PartialObjectMetadataList"].map {
        "\(AcceptHeader.json);as=\($0);g=meta.k8s.io;v=v1"
    }

    /// The first form that the client names and the server knows. Throws 406 where there is none.
    ///
    /// - Parameter now: seconds since 1970; asked for each table, since a watch goes on for long.
    init(_ request: APIRequest, view: KindView, now: @escaping @Sendable () -> Int64) throws(APIFailure) {
        self.view = view
        for range in AcceptHeader(request.accept).ranges where range.covers(AcceptHeader.json) {
            guard let form = range["as"] else {
                shape = .object
                return
            }
            guard range["g"] == "meta.k8s.io", range["v"] == "v1" else { continue }
            switch form {
            case "Table": shape = .table(try TableRendering(view: view, request: request, now: now))
            case "PartialObjectMetadata", "PartialObjectMetadataList": shape = .metadata
            default: continue
            }
            return
        }
        throw .notAcceptable(Self.offered)
    }

    /// Every object as it is stored.
    init(plain kind: ResourceKind) {
        shape = .object
        view = KindView(kind)
    }

    /// Whether an object's stored text is what the client gets.
    var isStoredText: Bool {
        if case .object = shape { return view.isPlain }
        return false
    }

    /// One object. `withColumns`: of a watch, only the first table names its columns.
    func one(_ object: JSONValue, withColumns: Bool = true) -> JSONValue {
        switch shape {
        case .object: view.shown(object)
        case .metadata: Self.metadata(of: view.shown(object))
        case .table(let table):
            table.table([object], metadata: version(object["metadata"]?["resourceVersion"]), withColumns: withColumns)
        }
    }

    func list(_ objects: [JSONValue], metadata: JSONValue) -> JSONValue {
        switch shape {
        case .table(let table): table.table(objects, metadata: metadata)
        case .object:
            .object([
                "kind": .string("\(view.shown.kind)List"), "apiVersion": .string(view.shown.apiVersion), "metadata": metadata,
                "items": .array(objects.map(view.shown)),
            ])
        case .metadata:
            .object([
                "kind": "PartialObjectMetadataList", "apiVersion": Self.metadataVersion, "metadata": metadata,
                "items": .array(objects.map { Self.metadata(of: view.shown($0)) }),
            ])
        }
    }

    /// What says no more than a revision, and with `annotations` what that means.
    func bookmark(_ revision: Int64, annotations: JSONValue?) -> JSONValue {
        var metadata = version(.string(String(revision)))
        switch shape {
        // A table of no rows still says the revision.
        case .table(let table): return table.table([], metadata: metadata, withColumns: false)
        case .object, .metadata:
            metadata["creationTimestamp"] = .null
            metadata["annotations"] = annotations
            let object = JSONValue.object([
                "kind": .string(view.shown.kind), "apiVersion": .string(view.shown.apiVersion), "metadata": metadata,
            ])
            if case .metadata = shape { return Self.metadata(of: object) }
            return object
        }
    }

    private func version(_ revision: JSONValue?) -> JSONValue { .object(["resourceVersion": revision ?? ""]) }

    static func metadata(of object: JSONValue) -> JSONValue {
        .object([
            "kind": "PartialObjectMetadata", "apiVersion": metadataVersion, "metadata": object["metadata"] ?? .object([:]),
        ])
    }
}
