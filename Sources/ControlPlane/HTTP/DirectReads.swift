import Datastore
import NIOHTTP1
import PolicyModel

/// Finds the answer to the most frequent request there is, the get of one object as JSON, where nothing has to be waited for.
///
/// Whatever is not as plain as can be (another form, a query, an object that is not in memory, a user who may not) is left to
/// the router, which also says what is wrong.
struct DirectReads: Sendable {
    private struct Place: Hashable, Sendable {
        var group: Substring
        var version: Substring
        var plural: Substring
    }

    private struct Served: Sendable {
        var resource: String
        var isNamespaced: Bool
        var readers: Set<Role>
    }

    private let store: any Store
    private let access: AccessControl
    private let requests: RequestCounts
    private let served: [Place: Served]

    /// The forms of `Accept` in which clients ask for JSON and nothing else first.
    private static let plainAccepts: Set<String> = [
        "*/*", "application/json", "application/json, */*", "application/json,*/*", "application/json;q=1",
    ]

    init(store: any Store, access: AccessControl, requests: RequestCounts, catalog: ResourceCatalog) {
        self.store = store
        self.access = access
        self.requests = requests
        served = Dictionary(
            catalog.kinds.filter { $0.alias == nil }.map { kind in
                (
                    Place(group: kind.group[...], version: kind.version[...], plural: kind.plural[...]),
                    Served(
                        resource: kind.resource, isNamespaced: kind.namespaced,
                        readers: Set(Role.allCases.filter { AccessRules.verbs($0, AccessRules.Subject(kind)).contains("get") }))
                )
            }) { first, _ in first }
    }

    /// nil: the router is to answer. `certificateDigest`: of the connection's client certificate, where it has one.
    func answer(to head: HTTPRequestHead, certificateDigest: String?) -> StoredDocument? {
        guard head.method == .GET, head.version == .http1_1, let target = target(head.uri) else { return nil }
        var authorization: String?
        for (name, value) in head.headers {
            switch name.lowercased() {
            case "authorization":
                guard authorization == nil else { return nil }
                authorization = value
            case "accept": guard Self.plainAccepts.contains(value) else { return nil }
            case "connection": guard value.lowercased() == "keep-alive" else { return nil }
            case "content-length", "transfer-encoding", "expect", "upgrade": return nil
            case let other where other.hasPrefix(APIRequest.impersonationPrefix): return nil
            default: continue
            }
        }
        guard let user = try? access.directory.user(authorization: authorization, certificateDigest: certificateDigest),
            target.served.readers.contains(user.role)
        else { return nil }
        return store.knownDocument(target.key)
    }

    func answered(after duration: Duration) { requests.answered("GET", code: 200, after: duration) }

    /// `/api/v1/namespaces/NS/PLURAL/NAME`, `/apis/GROUP/VERSION/PLURAL/NAME`; nil for everything else.
    private func target(_ uri: String) -> (served: Served, key: StoreKey)? {
        // What would have to be decoded is not plain; nor is a query.
        guard uri.utf8.allSatisfy({ $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }) else {
            return nil
        }
        let parts = uri.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 4, parts[0].isEmpty, !parts.dropFirst().contains("") else { return nil }
        var place = Place(group: "", version: "", plural: "")
        var rest: ArraySlice<Substring>
        switch parts[1] {
        case "api":
            place.version = parts[2]
            rest = parts[3...]
        case "apis":
            place.group = parts[2]
            place.version = parts[3]
            rest = parts[4...]
        default: return nil
        }
        var namespace = ""
        if rest.count == 4, rest.first == "namespaces" {
            namespace = String(rest[rest.startIndex + 1])
            rest = rest.dropFirst(2)
        }
        guard rest.count == 2, let plural = rest.first, let name = rest.last else { return nil }
        place.plural = plural
        guard let served = served[place], served.isNamespaced != namespace.isEmpty else { return nil }
        return (served, StoreKey(resource: served.resource, namespace: namespace, name: String(name)))
    }
}
