import KubernetesClient
import PolicyModel

/// Follows objects for as long as the command runs: every change once and in order, also over restarts of the server.
struct WatchCommandLoop {
    struct Target {
        var kind: ResourceKind
        /// nil: every namespace.
        var namespace: String?
        /// Which objects: `labelSelector`, `fieldSelector`.
        var query: [String: String]
    }

    /// How long to wait before the server is asked again.
    private static let retryMilliseconds: Int64 = 500

    let client: KubernetesClient
    let target: Target
    var printer: WatchPrinter

    private var accept: String { printer.wantsTables ? ObjectTable.mediaType : "application/json" }

    /// - Throws: what the server refuses; not that it cannot be reached later on.
    func run() async throws {
        var printer = printer
        let path = KubernetesClient.path(target.kind, namespace: target.namespace)
        let list = try await client.request(.GET, path, query: target.query, accept: accept)
        printer.begin(list)
        var revision = list["metadata"]?["resourceVersion"]?.stringValue ?? ""
        var isReachable = true
        while true {
            do {
                var query = target.query
                query["watch"] = "true"
                query["allowWatchBookmarks"] = "true"
                query["resourceVersion"] = revision
                for try await bytes in try await client.lines(path, query: query, accept: accept) {
                    isReachable = true
                    let event = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
                    let type = event["type"]?.stringValue ?? ""
                    let object = event["object"] ?? .null
                    if type == "ERROR" { throw Self.failure(object) }
                    // A table has the object inside its row.
                    let metadata = object["rows"]?.arrayValue?.first?["object"]?["metadata"] ?? object["metadata"]
                    revision = metadata?["resourceVersion"]?.stringValue ?? revision
                    if type != "BOOKMARK" { printer.change(type, object) }
                }
            } catch let error as KubernetesError {
                switch error {
                case .refused(let status) where !error.isGone && status.code < 500: throw error
                case .refused where error.isGone:
                    Output.error("bulkhead: \(error); this is everything there is now:")
                    let fresh = try await client.request(.GET, path, query: target.query, accept: accept)
                    printer.begin(fresh)
                    revision = fresh["metadata"]?["resourceVersion"]?.stringValue ?? ""
                    continue
                default:
                    if isReachable { Output.error("bulkhead: \(error) Waiting for it.") }
                    isReachable = false
                }
            }
            try await Task.sleep(for: .milliseconds(Self.retryMilliseconds))
        }
    }

    private static func failure(_ status: JSONValue) -> KubernetesError {
        .refused(
            KubernetesError.Status(
                code: Int(status["code"]?.integerValue ?? 500), reason: status["reason"]?.stringValue ?? "",
                message: status["message"]?.stringValue ?? "the watch failed"))
    }
}
