import ArgumentParser
import KubernetesClient
import PolicyModel

struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Show the last denials that touch a workload and, for each, the object to change.",
        discussion: """
            Each object comes as a staged policy that would allow the denial: it decides nothing until it is enforced. With \
            -o yaml only those, to look at, change and apply. That a denial can be allowed does not say that it should be.

            EXAMPLES
              bulkhead why shop/web
              bulkhead why shop/web --limit 3 -o yaml
            """)

    /// How far back in the flow log.
    private static let records = 10_000

    @OptionGroup var server: ServerOptions
    @OptionGroup var format: OutputOptions
    @Argument(help: "NAMESPACE/NAME of a workload, or an address.")
    var workload: String
    @Option(help: "At most so many different denials, the newest.")
    var limit = 10

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be 1 or more") }
        guard workload.split(separator: "/").count == 2 || IPAddress(workload) != nil else {
            throw ValidationError("\"\(workload)\" is neither NAMESPACE/NAME nor an address")
        }
    }

    func run() async throws {
        let client = try server.client()
        var denials: [(denial: Denial, time: String, count: Int)] = []
        for try await line in try await client.lines("/apis/bulkhead.io/v1alpha1/flows", query: ["limit": String(Self.records), "action": "deny"]) {
            let flow = try JSONValue(parsing: String(decoding: line, as: UTF8.self))
            guard let denial = Denial(flow: flow), touches(denial) else { continue }
            let earlier = denials.firstIndex { $0.denial == denial }
            let count = earlier.map { denials.remove(at: $0).count } ?? 0
            denials.append((denial, flow["end_time"]?.stringValue ?? "", count + 1))
        }
        let newest = denials.suffix(limit).reversed()
        let remedies = try await remedies(newest.map(\.denial), client)
        switch format.output {
        case .yaml: print(remedies.map { YAMLDocuments.text($0.object) }.joined(separator: "---\n"), terminator: "")
        case .json:
            let entries = newest.map { denial, time, count in
                JSONValue.object([
                    "time": .string(time), "connection": .string(denial.text), "reason": .string(denial.reason), "records": .integer(Int64(count)),
                    "change": remedies.first { $0.decider == Self.target(denial) }?.object ?? .null,
                ])
            }
            print(JSONValue.object(["denials": .array(entries)]).text(pretty: true))
        case .table:
            guard !newest.isEmpty else { return print("No denial in the flow log touches \(workload).") }
            var parts = newest.map { denial, time, count in
                Paragraph.wrapped("\(time)  \(denial.text)" + (count > 1 ? " (\(count) records)" : ""), indentation: 2) + "\n"
                    + Paragraph.wrapped("  because: \(denial.reason)", indentation: 4)
            }
            for remedy in remedies {
                parts.append("To allow that, change \(Denial.title(remedy.decider)); staged:\n---\n" + YAMLDocuments.text(remedy.object))
            }
            print(parts.joined(separator: "\n"))
        }
    }

    // MARK: Parts

    private func touches(_ denial: Denial) -> Bool {
        [denial.source, denial.destination].contains { $0.text == workload || $0.address == workload }
    }

    /// The policy without the rule: several rules of one policy are one object to change.
    private static func target(_ denial: Denial) -> Denial.Decider? {
        var target = denial.decider
        target?.rule = nil
        return target
    }

    private func remedies(_ denials: [Denial], _ client: KubernetesClient) async throws -> [(decider: Denial.Decider, object: JSONValue)] {
        var labels: [String: [String: String]] = [:]
        for object in try await client.list(Kinds.workloadEndpoint)["items"]?.arrayValue ?? [] {
            let metadata = object["metadata"]
            labels["\(metadata?["namespace"]?.stringValue ?? "")/\(metadata?["name"]?.stringValue ?? "")"] =
                metadata?["labels"]?.objectValue?.compactMapValues(\.stringValue) ?? [:]
        }
        var found: [(decider: Denial.Decider, object: JSONValue)] = []
        var targets: [Denial.Decider] = []
        for target in denials.compactMap(Self.target) where !targets.contains(target) { targets.append(target) }
        for target in targets {
            guard let kind = Kinds.find(apiVersion: "\(Kinds.policyGroup)/\(Kinds.policyVersion)", kind: target.kind) else { continue }
            let policy: JSONValue
            do {
                policy = try await client.get(kind, namespace: target.namespace, name: target.name)
            } catch let error as KubernetesError where error.isNotFound {
                // It denied, and is gone.
                continue
            }
            guard var remedy = Remedy(policy: policy) else { continue }
            // From the last rule to the first, so that what is inserted moves no rule that is still to be found.
            let own = denials.filter { Self.target($0) == target }.sorted { ($0.decider?.rule ?? .max) > ($1.decider?.rule ?? .max) }
            for denial in own {
                let peer = denial.isEgress ? denial.destination : denial.source
                remedy.allow(denial, peerLabels: labels[peer.text] ?? [:])
            }
            found.append((target, remedy.object))
        }
        return found
    }
}
