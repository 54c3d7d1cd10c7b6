import Dataplane
import FlowLogs
import PolicyModel

/// GET /metrics. The names are documented in Operations.
enum MetricsDocument {
    static func text(_ report: NodeReport, _ requests: RequestCounts.Snapshot) -> String {
        var page = PrometheusText()
        addDecisions(report, to: &page)
        addNode(report, to: &page)
        page.counter(
            "bulkhead_requests_total", "Requests to the API server.",
            requests.requests.sorted { ($0.key.method, $0.key.code) < ($1.key.method, $1.key.code) }.map {
                ([("method", $0.key.method), ("code", String($0.key.code))], $0.value)
            })
        page.histogram(
            "bulkhead_request_duration_seconds", "From the whole request to the first byte of the answer.", requests.durations)
        page.gauge(
            "bulkhead_watchers", "Answers that stream now.",
            RequestCounts.StreamKind.allCases.map { ([("stream", $0.rawValue)], Double(requests.openStreams[$0] ?? 0)) })
        return page.text
    }

    private static func addDecisions(_ report: NodeReport, to page: inout PrometheusText) {
        let decisions = report.decisions.counts.map { (labels: labels($0.key), count: $0.value) }
            .sorted { left, right in left.labels.map(\.1).lexicographicallyPrecedes(right.labels.map(\.1)) }
        page.counter(
            "bulkhead_connections_total", "Connections that began, by what decided them; denied: different attempts a second.",
            decisions.map { ($0.labels, $0.count.connections) })
        page.counter("bulkhead_packets_total", "Packets, by what decided them.", decisions.map { ($0.labels, $0.count.packets) })
        page.counter("bulkhead_bytes_total", "Bytes of layer 3, by what decided them.", decisions.map { ($0.labels, $0.count.bytes) })
        page.counter(
            "bulkhead_system_packets_total", "Packets that were decided without asking policy, as the kernel counts them.",
            report.dataplane.systemCounts.map { (SystemReasonText.words($0.key), $0.value) }.sorted { $0.0 < $1.0 }
                .map { ([("reason", $0.0)], $0.1) })
    }

    /// `rule` is a number, or `end of tier`.
    private static func labels(_ key: DecisionCounts.Key) -> [(String, String)] {
        var (kind, tier, namespace, policy, rule) = ("", "", "", "", "")
        switch key.reason {
        case .rule(let ofTier, let reference, let index)?:
            (kind, tier, namespace, policy, rule) = (reference.kind, ofTier, reference.namespace, reference.name, String(index))
        case .endOfTier(let ofTier, let triggers)?:
            (kind, tier, rule) = (triggers.first?.kind ?? "", ofTier, "end of tier")
            (namespace, policy) = (triggers.first?.namespace ?? "", triggers.first?.name ?? "")
        case .profile(let name, let index)?: (kind, policy, rule) = ("Profile", name, String(index))
        case .noProfile?: kind = "Profile"
        case nil: (kind, policy) = ("System", key.systemReason.map(SystemReasonText.words) ?? "unknown")
        }
        return [
            ("action", key.verdict == .allow ? "allow" : "deny"), ("direction", key.direction == .ingress ? "ingress" : "egress"),
            ("kind", kind), ("tier", tier), ("namespace", namespace), ("policy", policy), ("rule", rule),
        ]
    }

    private static func addNode(_ report: NodeReport, to page: inout PrometheusText) {
        let policed = report.endpoints.filter(\.policed).count
        page.gauge(
            "bulkhead_endpoints", "Workload endpoints of this node.",
            [([("policed", "true")], Double(policed)), ([("policed", "false")], Double(report.endpoints.count - policed))])
        page.gauge("bulkhead_observing", "1 while nothing is enforced (--observe).", report.observing ? 1 : 0)
        page.gauge("bulkhead_warnings", "Warnings that status shows.", (report.warnings + report.dataplane.warnings).count)
        page.gauge("bulkhead_unreadable_objects", "Stored objects that cannot be read.", report.unreadable.count)
        page.gauge("bulkhead_store_revision", "The newest revision that was read from the store.", report.storeRevision)
        page.gauge("bulkhead_enforced_revision", "The revision in force; 0 before the first.", report.kernelRevision ?? 0)
        page.histogram(
            "bulkhead_enforcement_seconds", "From the commit of a revision to its last map write.", report.enforcement)
        page.gauge(
            "bulkhead_map_entries", "Entries of the kernel's maps.",
            report.dataplane.maps.map { ([("map", $0.name)], Double($0.used)) })
        page.gauge(
            "bulkhead_map_capacity", "Room in the kernel's maps.",
            report.dataplane.maps.map { ([("map", $0.name)], Double($0.capacity)) })
        page.counter("bulkhead_events_lost_total", "Reports of the kernel for which there was no room.", report.dataplane.eventsLost)
        page.counter(
            "bulkhead_flows_forgotten_total", "Unanswered beginnings that made room for others.", report.dataplane.flowsForgotten)
        page.counter(
            "bulkhead_rule_log_lines_total", "Lines that Log rules asked for.",
            [([("outcome", "written")], report.ruleLog.written), ([("outcome", "left out")], report.ruleLog.leftOut)])
    }
}
