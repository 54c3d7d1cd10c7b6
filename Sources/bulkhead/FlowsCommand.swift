import ArgumentParser
import Foundation
import KubernetesClient
import PolicyModel

struct FlowsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flows",
        abstract: "Show connections, each with the rule that decided it.",
        discussion: """
            With -o json one object a line, with the field names of Calico's flow API. Where staged policies would decide \
            otherwise, a second line says how. Every filter that is given has to hold; the server looks for what fits, in a day of \
            history.

            EXAMPLES
              bulkhead flows --follow
              bulkhead flows --limit 20 -o json
              bulkhead flows --namespace shop --action deny --since 15m
              bulkhead flows --label "app == 'web'" --port tcp/5432 --follow
            """)

    @OptionGroup var server: ServerOptions
    @Option(name: .shortAndLong, help: "table or json.")
    var output: OutputFormat = .table
    @Flag(name: .shortAndLong, help: "Go on with new records as they come.")
    var follow = false
    @Option(help: "At most so many of the newest records.")
    var limit = 1000
    @Option(name: .shortAndLong, help: "Of a workload in this namespace, at either end.")
    var namespace: String?
    @Option(help: "NAMESPACE/NAME of a workload at either end.")
    var workload: String?
    @Option(help: "A selector, as in policies: it matches the labels that a workload at either end had then.")
    var label: String?
    @Option(help: "What was addressed: 443, tcp, tcp/443, icmp/8/0.")
    var port: String?
    @Option(help: "allow or deny.")
    var action: String?
    @Option(help: "NAME, NAMESPACE/NAME or TIER/NAME of a policy that decided, or would if it were not staged.")
    var policy: String?
    @Option(help: "Not before: a duration (90s, 15m, 2h, 1d) or a time (2026-01-31T12:00:00Z).")
    var since: String?

    func validate() throws {
        if output == .yaml { throw ValidationError("flows are shown as table or json") }
        if limit < 0 { throw ValidationError("--limit must not be negative") }
    }

    func run() async throws {
        let client = try server.client()
        var query = ["follow": String(follow), "limit": String(limit)]
        let filters = [
            "namespace": namespace, "workload": workload, "label": label, "port": port, "action": action, "policy": policy,
            "since": since,
        ]
        query.merge(filters.compactMapValues { $0 }) { $1 }
        if output == .table { print(Self.line("TIME", "ACTION", "REP", "SOURCE", "DESTINATION", "PORT", "PKTS", "DECIDED BY")) }
        for try await bytes in try await client.lines("/apis/bulkhead.io/v1alpha1/flows", query: query) {
            let line = String(decoding: bytes, as: UTF8.self)
            if output == .json { print(line) } else { print(Self.rows(try JSONValue(parsing: line))) }
            // A pipe would otherwise hold the line back until a block is full.
            fflush(nil)
        }
    }

    /// The record, and what is pending for it where that differs.
    private static func rows(_ flow: JSONValue) -> String {
        let policies = flow["policies"]
        guard let pending = policies?["pending"], pending != policies?["enforced"] else { return row(flow) }
        let action = pending.arrayValue?.last?["action"]?.stringValue ?? ""
        let sentence = "             pending: \(action) by \(decidedBy(pending))"
        return row(flow) + "\n" + sentence.prefix(100)
    }

    private static func row(_ flow: JSONValue) -> String {
        func text(_ key: String) -> String { flow[key]?.stringValue ?? "" }
        func number(_ key: String) -> Int64 { if case .integer(let value)? = flow[key] { value } else { 0 } }
        func end(_ side: String) -> String {
            let namespace = text("\(side)_namespace")
            return namespace == "-" ? text("\(side)_ip") : "\(namespace)/\(text("\(side)_name"))"
        }
        let port =
            flow["icmp_type"] == nil
            ? "\(text("protocol"))/\(number("dest_port"))" : "\(text("protocol"))/\(number("icmp_type"))/\(number("icmp_code"))"
        return line(
            String(text("start_time").dropFirst(11).prefix(12)), text("action"), text("reporter"), end("source"), end("dest"),
            port, String(number("packets_out") + number("packets_in")), decidedBy(flow["policies"]?["enforced"]))
    }

    private static func decidedBy(_ hits: JSONValue?) -> String {
        guard let hit = hits?.arrayValue?.last else { return "" }
        let name = hit["name"]?.stringValue ?? ""
        let tier = hit["tier"]?.stringValue ?? ""
        guard case .integer(let index)? = hit["rule_index"] else { return name }
        if index >= 0 { return tier.isEmpty ? name : "\(tier)/\(name) rule \(index)" }
        let trigger = hit["trigger"]?["name"]?.stringValue ?? ""
        return tier.isEmpty ? name : "end of \(tier)" + (trigger.isEmpty ? "" : " (\(trigger))")
    }

    private static func line(_ cells: String...) -> String {
        let widths = [12, 6, 3, 16, 16, 9, 5]
        let padded = zip(cells, widths).map { cell, width in
            let short = cell.count > width ? cell.prefix(width - 1) + "…" : cell[...]
            return short + String(repeating: " ", count: width - short.count)
        }
        return padded.joined(separator: " ") + " " + shortened(cells.last ?? "")
    }

    /// What is left of the line's 100 columns. The end has the number of the rule: a long name loses its middle.
    private static func shortened(_ decision: String) -> String {
        guard decision.count > 26 else { return decision }
        return decision.prefix(17) + "…" + decision.suffix(8)
    }
}
