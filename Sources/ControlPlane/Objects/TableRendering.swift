import PolicyModel

/// `meta.k8s.io/v1` Table: what kubectl asks for to print (kubernetes.io/docs/reference/using-api/api-concepts,
/// "Receiving resources as Tables").
struct TableRendering: Sendable {
    enum IncludeObject: String, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    let columns: [TableColumn]
    let include: IncludeObject
    private let view: KindView
    private let now: @Sendable () -> Int64

    init(view: KindView, request: APIRequest, now: @escaping @Sendable () -> Int64) throws(APIFailure) {
        columns = TableColumn.columns(view.kind)
        self.view = view
        self.now = now
        let wanted = request.parameter("includeObject") ?? ""
        guard let include = wanted.isEmpty ? .metadata : IncludeObject(rawValue: wanted) else {
            throw .badRequest("invalid includeObject value \"\(wanted)\": one of None, Metadata, Object")
        }
        self.include = include
    }

    /// `columnDefinitions` may be left out of all but the first table of a watch.
    func table(_ objects: [JSONValue], metadata: JSONValue, withColumns: Bool = true) -> JSONValue {
        let now = now()
        return .object([
            "kind": .string("Table"), "apiVersion": .string("meta.k8s.io/v1"),
            "metadata": metadata,
            "columnDefinitions": withColumns ? .array(columns.map(definition)) : .null,
            "rows": .array(objects.map { row($0, now: now) }),
        ])
    }

    private func definition(_ column: TableColumn) -> JSONValue {
        .object([
            "name": .string(column.name), "type": .string(column.type), "format": .string(column.format),
            "description": .string(column.description), "priority": .integer(column.priority),
        ])
    }

    private func row(_ object: JSONValue, now: Int64) -> JSONValue {
        var members: [String: JSONValue] = ["cells": .array(columns.map { $0.cell(object, now) })]
        switch include {
        case .none: break
        case .metadata: members["object"] = ObjectForm.metadata(of: view.shown(object))
        case .object: members["object"] = view.shown(object)
        }
        return .object(members)
    }
}
