import FlowLogs
import PolicyAnalysis
import PolicyModel

/// What a request for flow records asks for.
struct FlowRequest: Sendable {
    var limit = 1000
    var follows = false
    private(set) var filter = FlowFilter()

    private static let parameters: Set<String> = [
        "limit", "follow", "namespace", "workload", "label", "port", "action", "policy", "since",
    ]

    /// - Parameter now: nanoseconds since 1970.
    init(_ request: APIRequest, now: Int64) throws(APIFailure) {
        // A filter that is misspelt must not show everything.
        if let unknown = request.query.first(where: { !Self.parameters.contains($0.name) }) {
            throw .badRequest("flows know no parameter \(unknown.name): write \(Self.parameters.sorted().joined(separator: ", "))")
        }
        if let text = request.parameter("limit") {
            guard let value = Int(text), (0...Limits.flowRecords).contains(value) else {
                throw .badRequest("limit must be a number from 0 to \(Limits.flowRecords)")
            }
            limit = value
        }
        follows = request.flag("follow")
        filter.namespace = request.parameter("namespace")
        if let text = request.parameter("workload") {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts.contains("") else {
                throw .badRequest("workload \"\(text)\" is not NAMESPACE/NAME")
            }
            filter.workloads.append([EndpointKey(namespace: parts[0], name: parts[1])])
        }
        if let text = request.parameter("label") {
            do throws(SelectorParseError) {
                filter.labels.append(try Selector(text))
            } catch {
                throw .badRequest("label \"\(text)\" is no selector: \(error); write it as in policies: app == 'web'")
            }
            if filter.labels.contains(where: { !$0.subjectKeys.isEmpty }) {
                throw .badRequest("label \"\(text)\": sameNamespace() and sameLabel() compare with the endpoint that a policy applies to, and here is none")
            }
        }
        switch request.parameter("action")?.lowercased() {
        case "allow"?: filter.verdict = .allow
        case "deny"?: filter.verdict = .deny
        case nil: break
        case let other?: throw .badRequest("action \"\(other)\" is neither allow nor deny")
        }
        if let text = request.parameter("policy") {
            guard let policy = FlowFilter.PolicyName(text) else {
                throw .badRequest("policy \"\(text)\" is neither NAME nor NAMESPACE/NAME nor TIER/NAME")
            }
            filter.policy = policy
        }
        if let text = request.parameter("since") {
            guard let since = Self.time(text, now: now) else {
                throw .badRequest("since \"\(text)\" is neither a duration (90s, 15m, 2h, 1d) nor a time (2026-01-31T12:00:00Z)")
            }
            filter.since = since
        }
        if let text = request.parameter("port") { try setPort(text) }
    }

    /// `443` is that port of any protocol, `tcp` any port, else as `explain` reads it.
    private mutating func setPort(_ text: String) throws(APIFailure) {
        if let port = UInt16(text) {
            filter.destinationPort = port
        } else if let transport = TransportProtocol(name: text) {
            filter.transport = transport.number
        } else {
            do throws(PortSpecificationError) {
                let port = try PortSpecification(text)
                filter.transport = port.transport.number
                filter.destinationPort = port.destinationPort
            } catch {
                throw .badRequest("\(error)")
            }
        }
    }

    private static func time(_ text: String, now: Int64) -> Int64? {
        if let seconds = Timestamps.parse(text) { return seconds * 1_000_000_000 }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), (0...100_000_000).contains(count)
        else { return nil }
        return now - count * unit * 1_000_000_000
    }
}
