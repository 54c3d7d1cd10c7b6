import FlowLogs
import PolicyAnalysis
import PolicyModel

/// What Bulkhead serves beside objects, under `/apis/bulkhead.io/v1alpha1/`. All answers are JSON; failures are a
/// Kubernetes `Status`.
///
/// * `explain?source=&destination=&port=&sport=`: why traffic is allowed or denied. `source` and `destination` are
///   `namespace/name`, an address, or `host`; `port` is `tcp/5432`, `icmp/8/0` or a protocol number; `sport` a source
///   port (default: an ephemeral one); `with` an object that is to count as if it were in force. The answer is that of
///   `bulkhead explain -o json`, with its form for people in `text` and the `revision` of the world that it was made from,
///   which is the one in force. An end on this node says whether its interface is `policed`, and in `message` why not:
///   then its packets pass whatever its verdict is.
/// * `flows?limit=&follow=true`: the newest `limit` flow records (default 1000), oldest first, one JSON object a line; with
///   `follow`, then every later one as it comes, until the client closes the connection. `namespace`, `workload`
///   (`namespace/name`) and `label` (a selector) have to fit one of the ends; `port` (`443`, `tcp`, `tcp/443`) the end that
///   was addressed; `action` is `allow` or `deny`, `policy` a name with or without namespace or tier, `since` a duration or a
///   time.
/// * `status`: what the node polices, revisions, map fill, losses and warnings.
/// * `enforcement?revision=&namespace=&name=&timeout=`: waits until everything up to `revision` (the resourceVersion of a
///   write) is in force and, if named, that endpoint is policed. `timeout` in seconds, default 30. 200 with `revision`
///   and `milliseconds` from commit to enforcement; 504 when the time is up; 409 when it cannot be enforced.
struct BulkheadEndpoints: Sendable {
    static let groupVersion = ResourceCatalog.GroupVersion(group: "bulkhead.io", version: "v1alpha1")

    static let names = ["enforcement", "explain", "flows", "status"]

    let node: any NodeReporting
    let flows: any FlowStore

    func respond(to request: APIRequest, endpoint: String) async throws -> APIResponse {
        switch endpoint {
        case "status": return .json(StatusDocument.value(await node.report()))
        case "enforcement": return try await enforcement(request)
        case "flows": return try await flowLines(request)
        case "explain": return try await explain(request)
        default: throw APIFailure.unknownPath
        }
    }

    // MARK: - Explain

    private func explain(_ request: APIRequest) async throws -> APIResponse {
        let source = try end("source", request)
        let destination = try end("destination", request)
        guard let portText = request.parameter("port") else {
            throw APIFailure.badRequest("port is missing: write tcp/5432, icmp/8/0 or a protocol number")
        }
        var sourcePort: UInt16?
        if let text = request.parameter("sport") {
            guard let number = UInt16(text) else {
                throw APIFailure.badRequest("sport must be a source port from 0 to 65535")
            }
            sourcePort = number
        }
        let enforced = await node.enforcedWorld()
        let hostAddresses = source == .host || destination == .host ? await node.hostAddresses() : []
        var world = enforced.world
        if let text = request.parameter("with") {
            do {
                try world.set(try JSONValue(parsing: text))
            } catch {
                throw APIFailure.badRequest("with is no object that can be: \(error)")
            }
        }
        do {
            let port = try PortSpecification(portText)
            let explanation = try Explain.explain(
                world: world, source: source, destination: destination, transport: port.transport,
                destinationPort: port.destinationPort, sourcePort: sourcePort, hostAddresses: hostAddresses)
            let interfaces = ExplainedInterfaces(await node.report())
            var document = explanation.json
            document["ends"] = .array((document["ends"]?.arrayValue ?? []).map(interfaces.complete))
            if let pending = document["pending"]?["ends"]?.arrayValue {
                document["pending"]?["ends"] = .array(pending.map(interfaces.complete))
            }
            document["text"] = .string(interfaces.complete(explanation.text, ends: explanation.ends.map(\.endpoint)))
            document["revision"] = .integer(enforced.revision)
            return .json(document)
        } catch let error as ExplainError {
            if case .unknownEndpoint = error {
                throw APIFailure(code: 404, reason: "NotFound", message: error.description)
            }
            throw APIFailure.badRequest(error.description)
        } catch let error as PortSpecificationError {
            throw APIFailure.badRequest(error.description)
        }
    }

    private func end(_ parameter: String, _ request: APIRequest) throws(APIFailure) -> ExplainEnd {
        let text = request.parameter(parameter) ?? ""
        guard let end = ExplainEnd(text) else {
            throw .badRequest("\(parameter) \"\(text)\" is neither namespace/name nor an address nor host")
        }
        return end
    }

    // MARK: - Enforcement

    private func enforcement(_ request: APIRequest) async throws -> APIResponse {
        guard let revision = Int64(request.parameter("revision") ?? ""), revision >= 0 else {
            throw APIFailure.badRequest("revision must be the resourceVersion of a write")
        }
        var endpoint: EndpointKey?
        switch (request.parameter("namespace"), request.parameter("name")) {
        case (let namespace?, let name?): endpoint = EndpointKey(namespace: namespace, name: name)
        case (nil, nil): break
        default: throw APIFailure.badRequest("namespace and name go together: they name one workload endpoint")
        }
        let timeout = try seconds(request.parameter("timeout"), default: 30)
        let start = ContinuousClock.now
        let result = await node.waitUntilEnforced(revision: revision, endpoint: endpoint, timeoutSeconds: timeout)
        switch result {
        case .enforced(let revision, let milliseconds):
            return .json(.object(["revision": .integer(revision), "milliseconds": .number(milliseconds)]))
        case .failed(let message):
            // The node says why in words; that the time is up is seen here.
            if ContinuousClock.now - start >= .seconds(timeout) { throw APIFailure.timeout(message) }
            throw APIFailure(code: 409, reason: "Conflict", message: message)
        }
    }

    private func seconds(_ text: String?, default standard: Double) throws(APIFailure) -> Double {
        guard let text else { return standard }
        guard let value = Double(text), value >= 0, value <= Limits.enforcementWaitSeconds else {
            throw .badRequest("timeout must be a number of seconds from 0 to \(Int(Limits.enforcementWaitSeconds))")
        }
        return value
    }

    // MARK: - Flows

    private func flowLines(_ request: APIRequest) async throws -> APIResponse {
        let asked = try FlowRequest(request, now: SQLiteFlowStore.wallClock())
        let filter = asked.filter
        let newest = try await flows.recent(matching: filter, limit: asked.limit)
        guard asked.follows else {
            return APIResponse(contentType: Self.linesContentType, body: .bytes(Self.lines(newest.records)))
        }
        let flows = flows
        return APIResponse(
            contentType: Self.linesContentType,
            body: .stream { sink in
                guard newest.records.isEmpty || sink.send(Self.lines(newest.records)) else { return }
                var cursor = newest.cursor
                while (try? await flows.wait(after: cursor)) != nil {
                    guard let next = try? await flows.records(after: cursor, matching: filter, limit: Self.followBatch)
                    else { return }
                    cursor = next.cursor
                    guard next.records.isEmpty || sink.send(Self.lines(next.records)) else { return }
                }
            })
    }

    private static let linesContentType = "application/x-ndjson"
    private static let followBatch = 1000

    private static func lines(_ records: [FlowRecord]) -> [UInt8] {
        records.flatMap { FlowDocument.value($0).serialized() + [UInt8(ascii: "\n")] }
    }
}
