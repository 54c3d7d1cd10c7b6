import PolicyModel

/// The columns of kinds beside those that every installation has.
extension TableColumn {
    static func others(_ kind: ResourceKind) -> [TableColumn] {
        switch kind.kind {
        case "NetworkPolicy":
            return [
                name, selector("Pod-Selector", "podSelector", "Pods that the policy applies to."), selected,
                spec("Types", "policyTypes", "Directions that the policy applies to.", priority: 1), inForce, age,
            ]
        case "StagedNetworkPolicy", "StagedGlobalNetworkPolicy":
            return [
                name, spec("Action", "stagedAction", "What enforcing it would do: Set, Delete, Learn or Ignore."),
                spec("Tier", "tier", "Tier of the policy."),
                spec("Order", "order", "Place within the tier; lower comes first."),
                spec("Selector", "selector", "Endpoints that the policy would apply to."),
                spec("Types", "types", "Directions that the policy would apply to.", priority: 1), selected, age,
            ]
        case "StagedKubernetesNetworkPolicy":
            return [
                name, spec("Action", "stagedAction", "What enforcing it would do: Set, Delete, Learn or Ignore."),
                selector("Pod-Selector", "podSelector", "Pods that the policy would apply to."), selected, age,
            ]
        case "ClusterNetworkPolicy":
            return [
                name, spec("Tier", "tier", "Admin or Baseline."),
                spec("Priority", "priority", "Place within the tier; lower comes first."), selected, inForce, age,
            ]
        case "AdminNetworkPolicy":
            return [name, spec("Priority", "priority", "Place within the tier; lower comes first."), selected, inForce, age]
        case "NetworkSet", "GlobalNetworkSet": return [name, count("Nets", "nets"), nets, labels, age]
        case "Profile":
            return [
                name, spec("Labels", "labelsToApply", "Labels that endpoints inherit.", priority: 1),
                count("Ingress", "ingress"), count("Egress", "egress"), age,
            ]
        case "Service":
            return [
                name, spec("Type", "type", "How the service is reached."),
                spec("Cluster-IP", "clusterIP", "The service's own address."), ports,
                pairs("Selector", ["spec", "selector"], "Pods behind the service.", priority: 1), age,
            ]
        case "EndpointSlice": return [name, top("AddressType", "addressType", "What the addresses are."), endpoints, age]
        case "ServiceAccount": return [name, labels, age]
        case "Secret": return [name, top("Type", "type", "What the data is for."), keys, age]
        case "ConfigMap": return [name, keys, age]
        case "Event": return eventColumns
        default: return [name, age]
        }
    }

    private static func top(_ name: String, _ member: String, _ description: String, priority: Int64 = 0) -> TableColumn {
        TableColumn(name: name, description: description, priority: priority) { object, _ in text(object[member]) }
    }

    private static func count(_ name: String, _ member: String) -> TableColumn {
        TableColumn(name: name, type: "integer", description: "Number of \(member).") { object, _ in
            .integer(Int64(object["spec"]?[member]?.arrayValue?.count ?? 0))
        }
    }

    private static let nets = TableColumn(name: "Addresses", description: "Blocks of addresses.", priority: 1) { object, _ in
        text(object["spec"]?["nets"])
    }

    private static let keys = TableColumn(name: "Data", type: "integer", description: "Number of keys.") { object, _ in
        .integer(Int64((object["data"]?.objectValue?.count ?? 0) + (object["binaryData"]?.objectValue?.count ?? 0)))
    }

    private static let ports = TableColumn(name: "Port(s)", description: "Ports that the service offers.") { object, _ in
        let ports = (object["spec"]?["ports"]?.arrayValue ?? []).map { port in
            "\(port["port"]?.integerValue ?? 0)/\(port["protocol"]?.stringValue ?? "TCP")"
        }
        return ports.isEmpty ? missing : .string(ports.joined(separator: ","))
    }

    private static let endpoints = TableColumn(name: "Endpoints", description: "Addresses of the endpoints.") { object, _ in
        let addresses = (object["endpoints"]?.arrayValue ?? []).flatMap { $0["addresses"]?.arrayValue ?? [] }
            .compactMap(\.stringValue)
        if addresses.isEmpty { return .string("<unset>") }
        let more = addresses.count > 3 ? " + \(addresses.count - 3) more..." : ""
        return .string(addresses.prefix(3).joined(separator: ",") + more)
    }

    private static func pairs(_ name: String, _ path: [String], _ description: String, priority: Int64 = 0) -> TableColumn {
        TableColumn(name: name, description: description, priority: priority) { object, _ in
            let members = path.reduce(Optional(object)) { $0?[$1] }?.objectValue ?? [:]
            let pairs = members.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.stringValue ?? "")" }
            return pairs.isEmpty ? missing : .string(pairs.joined(separator: ","))
        }
    }

    /// A Kubernetes label selector as kubectl writes it.
    private static func selector(_ name: String, _ member: String, _ description: String) -> TableColumn {
        TableColumn(name: name, description: description) { object, _ in
            let selector = object["spec"]?[member]
            var parts = (selector?["matchLabels"]?.objectValue ?? [:]).sorted { $0.key < $1.key }
                .map { "\($0.key)=\($0.value.stringValue ?? "")" }
            for expression in selector?["matchExpressions"]?.arrayValue ?? [] {
                let key = expression["key"]?.stringValue ?? ""
                let values = (expression["values"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ",")
                switch expression["operator"]?.stringValue {
                case "In": parts.append("\(key) in (\(values))")
                case "NotIn": parts.append("\(key) notin (\(values))")
                case "DoesNotExist": parts.append("!\(key)")
                default: parts.append(key)
                }
            }
            return parts.isEmpty ? missing : .string(parts.joined(separator: ","))
        }
    }

    private static let eventColumns: [TableColumn] = [
        TableColumn(name: "Last Seen", description: "Time since it last happened.") { object, now in
            let seen = [object["lastTimestamp"], object["eventTime"], object["metadata"]?["creationTimestamp"]]
                .compactMap { $0?.stringValue.flatMap(Timestamps.parse) }.first
            return .string(seen.map { HumanDuration.text(seconds: now - $0) } ?? "<unknown>")
        },
        top("Type", "type", "Normal or Warning."), top("Reason", "reason", "What happened, in a word."),
        TableColumn(name: "Object", description: "To which object.") { object, _ in
            let reference = object["involvedObject"]
            return .string(
                "\(reference?["kind"]?.stringValue?.lowercased() ?? "")/\(reference?["name"]?.stringValue ?? "")")
        },
        top("Message", "message", "What happened."),
        TableColumn(name: "Name", format: "name", description: "Name of the event.", priority: 1) { object, _ in
            object["metadata"]?["name"] ?? missing
        },
    ]
}
