import PolicyModel

/// The staged policy that would allow denials: a copy of the policy that denies them, with a rule before the one that did.
struct Remedy {
    /// Labels that say which workload it is, the first that it has is taken.
    private static let tellingLabels = ["app.kubernetes.io/name", "app", "k8s-app", "com.docker.compose.service", "name"]
    private static let foreignPrefixes = ["io.bulkhead.", "com.docker.", "io.podman.", "bulkhead.io/"]

    private(set) var object: JSONValue
    private let isNamespaced: Bool
    private let namespace: String

    /// - Parameter policy: as the server holds it.
    /// - Returns: nil for a kind that has no staged form.
    init?(policy: JSONValue) {
        guard let kind = policy["kind"]?.stringValue, ["NetworkPolicy", "GlobalNetworkPolicy"].contains(kind),
            policy["apiVersion"]?.stringValue == "\(Kinds.policyGroup)/\(Kinds.policyVersion)", let spec = policy["spec"]
        else { return nil }
        isNamespaced = kind == "NetworkPolicy"
        namespace = policy["metadata"]?["namespace"]?.stringValue ?? ""
        var metadata: [String: JSONValue] = ["name": policy["metadata"]?["name"] ?? ""]
        if isNamespaced { metadata["namespace"] = .string(namespace) }
        object = .object([
            "apiVersion": policy["apiVersion"] ?? "", "kind": .string("Staged\(kind)"), "metadata": .object(metadata), "spec": spec,
        ])
        object["spec"]?["stagedAction"] = "Set"
    }

    /// - Parameter labels: of the other end, where that is an endpoint.
    mutating func allow(_ denial: Denial, peerLabels labels: [String: String]) {
        let direction = denial.isEgress ? "egress" : "ingress"
        var rules = object["spec"]?[direction]?.arrayValue ?? []
        let rule = self.rule(denial, labels)
        guard !rules.contains(rule) else { return }
        let position = denial.decider?.rule ?? rules.count
        rules.insert(rule, at: min(max(position, 0), rules.count))
        object["spec"]?[direction] = .array(rules)
    }

    private func rule(_ denial: Denial, _ labels: [String: String]) -> JSONValue {
        let peer = denial.isEgress ? denial.destination : denial.source
        var entity: [String: JSONValue] = [:]
        if peer.isEndpoint {
            entity["selector"] = .string(Self.selector(labels))
            if !isNamespaced || peer.namespace != namespace {
                entity["namespaceSelector"] = .string("projectcalico.org/name == '\(peer.namespace)'")
            }
        } else {
            entity["nets"] = [.string(peer.address + (peer.address.contains(":") ? "/128" : "/32"))]
        }
        let source: [String: JSONValue] = denial.isEgress ? [:] : entity
        var destination: [String: JSONValue] = denial.isEgress ? entity : [:]
        if let port = denial.port { destination["ports"] = [.integer(port)] }
        var rule: [String: JSONValue] = ["action": "Allow", "protocol": Int64(denial.transport).map { .integer($0) } ?? .string(denial.transport)]
        if denial.typeAndCode.count == 2 {
            rule["icmp"] = ["type": .integer(denial.typeAndCode[0]), "code": .integer(denial.typeAndCode[1])]
        }
        if !source.isEmpty { rule["source"] = .object(source) }
        if !destination.isEmpty { rule["destination"] = .object(destination) }
        return .object(rule)
    }

    /// The label that tells which workload it is, else all that somebody gave it.
    private static func selector(_ labels: [String: String]) -> String {
        if let key = tellingLabels.first(where: { labels[$0] != nil }), let value = labels[key] { return "\(key) == '\(value)'" }
        let own = labels.filter { label in !foreignPrefixes.contains { label.key.hasPrefix($0) } }.sorted { $0.key < $1.key }
        return own.isEmpty ? "all()" : own.map { "\($0.key) == '\($0.value)'" }.joined(separator: " && ")
    }
}
