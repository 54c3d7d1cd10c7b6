import Datastore
import PolicyModel

/// Reads lists by the rules of the Kubernetes API.
struct ObjectLister: Sendable {
    let store: any Store

    struct Result: Sendable {
        /// Not decoded: most lists are passed on as they are stored.
        var documents: [StoredDocument]
        var revision: Int64
        var next: ContinueToken?
        /// Known where nothing is selected, as in Kubernetes.
        var remaining: Int?

        var metadata: JSONValue {
            var members: [String: JSONValue] = ["resourceVersion": .string(String(revision))]
            if let next { members["continue"] = .string(next.text) }
            if let remaining { members["remainingItemCount"] = .integer(Int64(remaining)) }
            return .object(members)
        }

        func values() throws -> [JSONValue] { try documents.map { try $0.decoded().value } }

        /// The list as Kubernetes writes it, members sorted.
        func json(_ kind: ResourceKind) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(documents.reduce(512) { $0 + $1.json.count + 1 })
            bytes += Array("{\"apiVersion\":\"\(kind.apiVersion)\",\"items\":[".utf8)
            for (index, document) in documents.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes += document.json
            }
            bytes += Array("],\"kind\":\"\(kind.kind)List\",\"metadata\":".utf8)
            bytes += metadata.serialized()
            bytes.append(UInt8(ascii: "}"))
            return bytes
        }
    }

    func list(_ kind: ResourceKind, namespace: String?, _ request: ListRequest) async throws -> Result {
        var query = StoreQuery(resource: kind.resource, namespace: namespace)
        if let place = request.place {
            query.after = StoreKey(resource: kind.resource, namespace: place.namespace, name: place.name)
            query.revision = place.revision
        }
        switch request.version {
        case .latest: break
        case .notOlderThan(let revision): try await requireRevision(revision)
        case .exact(let revision): query.revision = revision
        }
        var found: [StoredDocument] = []
        while true {
            query.limit = request.limit.map { request.selectsEverything ? $0 : max($0 - found.count, Limits.selectedPage) }
            let page: StoreDocumentPage
            do {
                page = try await store.documents(query)
            } catch StoreError.compacted(let oldest) {
                throw expired(request, oldest: oldest)
            } catch StoreError.tooNew(let current) {
                throw APIFailure.tooLargeResourceVersion(query.revision ?? 0, current: current)
            }
            // All pages of one list are of one revision.
            query.revision = page.revision
            query.after = page.documents.last?.key
            for (index, document) in page.documents.enumerated() where try Self.isSelected(document, request) {
                found.append(document)
                guard found.count == request.limit else { continue }
                let remaining = page.remaining + page.documents.count - index - 1
                return result(found, page.revision, remaining: remaining, request)
            }
            if page.remaining == 0 || page.documents.isEmpty {
                return result(found, page.revision, remaining: 0, request)
            }
        }
    }

    private static func isSelected(_ document: StoredDocument, _ request: ListRequest) throws -> Bool {
        if request.selectsEverything { return true }
        return request.match((document.key.name, document.key.namespace), try document.decoded().value)
    }

    /// Throws the 504 that clients know when the store has not reached that revision.
    func requireRevision(_ revision: Int64) async throws {
        let current = try await store.revision()
        if revision > current { throw APIFailure.tooLargeResourceVersion(revision, current: current) }
    }

    private func result(_ documents: [StoredDocument], _ revision: Int64, remaining: Int, _ request: ListRequest) -> Result {
        var result = Result(documents: documents, revision: revision)
        if remaining > 0, let last = documents.last {
            result.next = ContinueToken(revision: revision, namespace: last.key.namespace, name: last.key.name)
            if request.selectsEverything { result.remaining = remaining }
        }
        return result
    }

    private func expired(_ request: ListRequest, oldest: Int64) -> APIFailure {
        guard let place = request.place else {
            return .expired("too old resource version (the oldest kept is \(oldest))")
        }
        var failure = APIFailure.expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list."
        )
        failure.continueToken = ContinueToken(revision: nil, namespace: place.namespace, name: place.name).text
        return failure
    }
}
