import GRDB
import PolicyModel

/// The statements of the embedded store.
enum StoreRows {
    typealias Stamped = (stored: StoredObject, text: String)

    // MARK: Objects

    static func find(_ key: StoreKey, in database: Database) throws -> StoredObject? {
        try document(key, in: database)?.decoded()
    }

    static func document(_ key: StoreKey, in database: Database) throws -> StoredDocument? {
        let statement = try database.cachedStatement(
            sql: """
                SELECT resource, namespace, name, revision, value FROM objects
                WHERE resource = ? AND namespace = ? AND name = ?
                """)
        return try Row.fetchOne(statement, arguments: [key.resource, key.namespace, key.name]).map(document)
    }

    static func revision(of key: StoreKey, in database: Database) throws -> Int64? {
        let statement = try database.cachedStatement(
            sql: "SELECT revision FROM objects WHERE resource = ? AND namespace = ? AND name = ?")
        return try Int64.fetchOne(statement, arguments: [key.resource, key.namespace, key.name])
    }

    /// The object as it is; throws when there is none or it has another revision than expected.
    static func require(_ key: StoreKey, expected: Int64?, in database: Database) throws -> StoredObject {
        guard let current = try find(key, in: database) else { throw StoreError.notFound(key) }
        if let expected, expected != current.revision { throw StoreError.conflict(key, current: current.revision) }
        return current
    }

    static func insert(_ object: Stamped, in database: Database) throws {
        let key = object.stored.key
        try database.cachedStatement(
            sql: "INSERT INTO objects (resource, namespace, name, revision, value) VALUES (?, ?, ?, ?, ?)"
        ).execute(arguments: [key.resource, key.namespace, key.name, object.stored.revision, object.text])
        try writeOwners(of: object.stored, in: database)
    }

    static func overwrite(_ object: Stamped, previous: StoredObject, in database: Database) throws {
        let key = object.stored.key
        try database.cachedStatement(
            sql: "UPDATE objects SET revision = ?, value = ? WHERE resource = ? AND namespace = ? AND name = ?"
        ).execute(arguments: [object.stored.revision, object.text, key.resource, key.namespace, key.name])
        guard owners(object.stored.value) != owners(previous.value) else { return }
        try removeOwners(of: key, in: database)
        try writeOwners(of: object.stored, in: database)
    }

    static func remove(_ object: StoredObject, in database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?")
            .execute(arguments: [object.key.resource, object.key.namespace, object.key.name])
        if !owners(object.value).isEmpty { try removeOwners(of: object.key, in: database) }
    }

    /// Keeps the version that is about to be overwritten or removed.
    static func supersede(_ key: StoreKey, by revision: Int64, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO history (superseded, resource, namespace, name, revision, value)
                SELECT ?, resource, namespace, name, revision, value FROM objects
                WHERE resource = ? AND namespace = ? AND name = ?
                """
        ).execute(arguments: [revision, key.resource, key.namespace, key.name])
    }

    static func stamp(_ key: StoreKey, revision: Int64, value: JSONValue) throws -> Stamped {
        guard case .object(var members) = value else {
            throw StoreError.failed("The value of \(key.resource) \(key.name) is not a JSON object.")
        }
        var metadata = members["metadata"]?.objectValue ?? [:]
        metadata["resourceVersion"] = .string(String(revision))
        members["metadata"] = .object(metadata)
        let stamped = JSONValue.object(members)
        return (StoredObject(key: key, revision: revision, value: stamped), try StoredText.encode(stamped, of: key))
    }

    static func object(_ row: Row) throws -> StoredObject { try document(row).decoded() }

    private static func document(_ row: Row) -> StoredDocument { document(row, at: 0) }

    private static func document(_ row: Row, at column: Int) -> StoredDocument {
        let text: String = row[column + 4]
        return StoredDocument(
            key: StoreKey(resource: row[column], namespace: row[column + 1], name: row[column + 2]),
            revision: row[column + 3], json: Array(text.utf8))
    }

    // MARK: Owners

    static func dependents(ofOwner uid: String, in database: Database) throws -> [StoredObject] {
        let statement = try database.cachedStatement(
            sql: """
                SELECT objects.resource, objects.namespace, objects.name, revision, value FROM owners JOIN objects
                ON objects.resource = owners.resource AND objects.namespace = owners.namespace AND objects.name = owners.name
                WHERE owners.uid = ? ORDER BY objects.resource, objects.namespace, objects.name
                """)
        return try Row.fetchAll(statement, arguments: [uid]).map(object)
    }

    private static func owners(_ value: JSONValue) -> Set<String> {
        Set((value["metadata"]?["ownerReferences"]?.arrayValue ?? []).compactMap { $0["uid"]?.stringValue })
    }

    private static func writeOwners(of object: StoredObject, in database: Database) throws {
        for uid in owners(object.value) {
            try database.cachedStatement(sql: "INSERT INTO owners (uid, resource, namespace, name) VALUES (?, ?, ?, ?)")
                .execute(arguments: [uid, object.key.resource, object.key.namespace, object.key.name])
        }
    }

    private static func removeOwners(of key: StoreKey, in database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM owners WHERE resource = ? AND namespace = ? AND name = ?")
            .execute(arguments: [key.resource, key.namespace, key.name])
    }

    // MARK: Lists

    static func page(_ query: StoreQuery, in database: Database) throws -> StorePage {
        let page = try documents(query, in: database)
        return StorePage(
            objects: try page.documents.map { try $0.decoded() }, revision: page.revision, remaining: page.remaining)
    }

    static func documents(_ query: StoreQuery, in database: Database) throws -> StoreDocumentPage {
        let last = try lastRevision(database)
        let revision = query.revision ?? last
        if revision > last { throw StoreError.tooNew(current: last) }
        let compacted = try compactedRevision(database)
        if revision < compacted { throw StoreError.compacted(oldest: compacted + 1) }

        var conditions: [String] = []
        var arguments: [String: (any DatabaseValueConvertible)?] = [:]
        if let resource = query.resource {
            conditions.append("resource = :resource")
            arguments["resource"] = resource
        }
        if let namespace = query.namespace {
            conditions.append("namespace = :namespace")
            arguments["namespace"] = namespace
        }
        if let after = query.after {
            conditions.append("(resource, namespace, name) > (:afterResource, :afterNamespace, :afterName)")
            arguments["afterResource"] = after.resource
            arguments["afterNamespace"] = after.namespace
            arguments["afterName"] = after.name
        }
        var source = "FROM objects"
        if revision < last {
            // Together the versions that stood at that revision, each object once.
            source = """
                FROM (SELECT resource, namespace, name, revision, value FROM objects WHERE revision <= :revision
                    UNION ALL SELECT resource, namespace, name, revision, value FROM history
                    WHERE superseded > :revision AND revision <= :revision)
                """
            arguments["revision"] = revision
        }
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        let limit = query.limit.map { "LIMIT \(max(0, $0))" } ?? ""
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT resource, namespace, name, revision, value \(source) \(filter)
                    ORDER BY resource, namespace, name \(limit)
                    """), arguments: StatementArguments(arguments))
        var documents: [StoredDocument] = []
        while let row = try rows.next() { documents.append(document(row)) }
        var remaining = 0
        if query.limit == documents.count {
            let count = try Int.fetchOne(
                database.cachedStatement(sql: "SELECT count(*) \(source) \(filter)"), arguments: StatementArguments(arguments))
            remaining = (count ?? documents.count) - documents.count
        }
        return StoreDocumentPage(documents: documents, revision: revision, remaining: remaining)
    }

    // MARK: Log

    static func lastRevision(_ database: Database) throws -> Int64 {
        let logged = try Int64.fetchOne(database.cachedStatement(sql: "SELECT max(revision) FROM events"))
        return try logged ?? compactedRevision(database)
    }

    /// Of this revision and later ones every version is there; events after it can be followed.
    static func compactedRevision(_ database: Database) throws -> Int64 {
        try Int64.fetchOne(database.cachedStatement(sql: "SELECT value FROM bookkeeping WHERE name = 'compacted'")) ?? 0
    }

    static func loggedSizes(_ database: Database) throws -> [Int64] {
        try Int64.fetchAll(database, sql: "SELECT length(CAST(value AS BLOB)) FROM events ORDER BY revision")
    }

    static func log(_ event: StoreEvent, text: String, in database: Database) throws {
        let object = event.object
        try database.cachedStatement(
            sql: "INSERT INTO events (revision, kind, resource, namespace, name, value) VALUES (?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            object.revision, event.kind.rawValue, object.key.resource, object.key.namespace, object.key.name, text,
        ])
    }

    static func compact(upTo revision: Int64, in database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM events WHERE revision <= ?").execute(arguments: [revision])
        try database.cachedStatement(sql: "DELETE FROM history WHERE superseded <= ?").execute(arguments: [revision])
        try database.cachedStatement(sql: "UPDATE bookkeeping SET value = ? WHERE name = 'compacted' AND value < ?")
            .execute(arguments: [revision, revision])
    }

    /// One page of the log, and the revision up to which it was read.
    static func logged(
        after position: Int64, filter: WatchFilter, limit: Int, in database: Database
    ) throws -> (events: [StoreEvent], reached: Int64) {
        let last = try lastRevision(database)
        let compacted = try compactedRevision(database)
        guard position >= compacted else { throw StoreError.compacted(oldest: compacted + 1) }
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT e.resource, e.namespace, e.name, e.revision, e.value, e.kind,
                        h.resource, h.namespace, h.name, h.revision, h.value
                    FROM events e LEFT JOIN history h ON h.superseded = e.revision
                    WHERE e.revision > :position AND (:resource IS NULL OR e.resource = :resource)
                        AND (:namespace IS NULL OR e.namespace = :namespace)
                    ORDER BY e.revision LIMIT :limit
                    """),
            arguments: [
                "position": position, "resource": filter.resource, "namespace": filter.namespace, "limit": limit,
            ])
        var events: [StoreEvent] = []
        var bytes = 0
        while bytes < StoreLimits.bytesPerBatch, let row = try rows.next() {
            guard let kind = StoreEvent.Kind(rawValue: row[5]) else {
                throw StoreError.failed("The store's log holds an event of the unknown kind \(row[5] as String).")
            }
            let now = document(row)
            bytes += now.json.count
            let hasPrevious = (row[9] as Int64?) != nil
            events.append(
                StoreEvent(
                    kind: kind, object: try now.decoded(), previous: hasPrevious ? try document(row, at: 6).decoded() : nil,
                    json: now.json))
        }
        if events.count == limit || bytes >= StoreLimits.bytesPerBatch, let event = events.last { return (events, event.object.revision) }
        return (events, last)
    }
}
