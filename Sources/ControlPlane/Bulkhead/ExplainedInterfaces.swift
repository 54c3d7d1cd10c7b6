import PolicyModel

/// Adds to an explanation, which knows policy alone, whether anything enforces it.
struct ExplainedInterfaces {
    private let endpoints: [EndpointKey: NodeReport.Endpoint]
    private let observing: Bool

    init(_ report: NodeReport) {
        endpoints = Dictionary(report.endpoints.map { ($0.key, $0) }) { first, _ in first }
        observing = report.observing
    }

    /// `policed` and `message` for an end on this node; nothing for others.
    func complete(_ end: JSONValue) -> JSONValue {
        guard let text = end["endpoint"]?.stringValue, let separator = text.firstIndex(of: "/") else { return end }
        let key = EndpointKey(namespace: String(text[..<separator]), name: String(text[text.index(after: separator)...]))
        guard let endpoint = endpoints[key] else { return end }
        var completed = end
        completed["policed"] = .bool(endpoint.policed)
        if !endpoint.message.isEmpty { completed["message"] = .string(endpoint.message) }
        return completed
    }

    /// A paragraph behind the text for each end whose verdict is not enforced.
    func complete(_ text: String, ends: [EndpointKey]) -> String {
        var paragraphs = [text]
        var seen: Set<EndpointKey> = []
        for key in ends where seen.insert(key).inserted {
            guard let endpoint = endpoints[key], !endpoint.policed else { continue }
            paragraphs.append("Not enforced: \(key) is not policed.\n  \(endpoint.message)")
        }
        if observing, !ends.isEmpty { paragraphs.append("Not enforced: the node only observes (bulkhead up --observe).") }
        return paragraphs.joined(separator: "\n\n")
    }
}
