import PolicyModel

/// A denial in the flow log that touches a workload.
struct Denial: Hashable {
    /// An end of the connection: an endpoint, or an address that no endpoint has.
    struct End: Hashable {
        /// Empty where it is no endpoint.
        var namespace: String
        var name: String
        var address: String

        var isEndpoint: Bool { !namespace.isEmpty }
        var text: String { isEndpoint ? "\(namespace)/\(name)" : address }
    }

    /// The policy whose change would allow it.
    struct Decider: Hashable {
        var kind: String
        var namespace: String
        var name: String
        var tier: String
        /// The rule that denied, from 0; nil: no rule matched, the end of the tier denied.
        var rule: Int?
    }

    var source: End
    var destination: End
    /// As in rules: `TCP`, `ICMP`, or a number.
    var transport: String
    /// nil for protocols without ports.
    var port: Int64?
    /// For ICMP.
    var typeAndCode: [Int64]
    /// Where it was denied: at its source's egress, or its destination's ingress.
    var isEgress: Bool
    /// nil where no policy decided.
    var decider: Decider?
    /// For people: which rule, which end of tier, which system reason.
    var reason: String

    /// nil for a flow that was not denied.
    init?(flow: JSONValue) {
        guard flow["action"]?.stringValue == "Deny" else { return nil }
        source = Self.end(flow, "source")
        destination = Self.end(flow, "dest")
        let name = flow["protocol"]?.stringValue ?? ""
        transport = name.uppercased() == "ICMPV6" ? "ICMPv6" : name.uppercased()
        typeAndCode = [flow["icmp_type"], flow["icmp_code"]].compactMap { $0?.integerValue }
        let number = flow["dest_port"]?.integerValue ?? 0
        port = ["TCP", "UDP", "SCTP", "UDPLITE"].contains(transport) ? number : nil
        isEgress = flow["reporter"]?.stringValue == "Src"
        let hit = flow["policies"]?["enforced"]?.arrayValue?.last ?? .null
        (decider, reason) = Self.decision(hit)
    }

    private static func end(_ flow: JSONValue, _ side: String) -> End {
        let namespace = flow["\(side)_namespace"]?.stringValue ?? "-"
        return End(
            namespace: namespace == "-" ? "" : namespace, name: flow["\(side)_name"]?.stringValue ?? "",
            address: flow["\(side)_ip"]?.stringValue ?? "")
    }

    private static func decision(_ hit: JSONValue) -> (Decider?, String) {
        let tier = hit["tier"]?.stringValue ?? ""
        switch hit["kind"]?.stringValue ?? "" {
        case "EndOfTier":
            guard let found = decider(hit["trigger"] ?? .null, tier: tier, rule: nil) else { return (nil, "the end of tier \(tier)") }
            return (found, "no rule of \(title(found)) matched, and the end of tier \(tier) denies")
        case "Profile": return (nil, "no policy applies and no profile allows it (\(hit["name"]?.stringValue ?? ""))")
        case "System", "": return (nil, "\(hit["name"]?.stringValue ?? "unknown"): no policy decides that")
        default:
            let rule = hit["rule_index"]?.integerValue.map(Int.init)
            guard let found = decider(hit, tier: tier, rule: rule) else { return (nil, "an unknown rule") }
            return (found, "rule \(rule ?? 0) of \(title(found)) in tier \(tier)")
        }
    }

    private static func decider(_ hit: JSONValue, tier: String, rule: Int?) -> Decider? {
        guard let kind = hit["kind"]?.stringValue, let name = hit["name"]?.stringValue, !name.isEmpty else { return nil }
        return Decider(kind: kind, namespace: hit["namespace"]?.stringValue ?? "", name: name, tier: tier, rule: rule)
    }

    static func title(_ decider: Decider) -> String {
        "\(decider.kind) " + (decider.namespace.isEmpty ? decider.name : "\(decider.namespace)/\(decider.name)")
    }

    /// `shop/web -> shop/database, TCP/5432`
    var text: String {
        let detail = port.map { "/\($0)" } ?? typeAndCode.map { "/\($0)" }.joined()
        return "\(source.text) -> \(destination.text), \(transport)\(detail)"
    }
}
