import PolicyModel

/// A column of `kubectl get`.
struct TableColumn: Sendable {
    var name: String
    /// An OpenAPI type: `string`, `integer`, `number`.
    var type = "string"
    /// `name` marks the column that identifies the row.
    var format = ""
    var description: String
    /// 0: always shown; above: with `-o wide`.
    var priority: Int64 = 0
    /// The cell of one object; `now` is in seconds since 1970.
    var cell: @Sendable (_ object: JSONValue, _ now: Int64) -> JSONValue

    static let missing = JSONValue.string("<none>")

    static let name = TableColumn(name: "Name", format: "name", description: "Name of the object.") { object, _ in
        object["metadata"]?["name"] ?? missing
    }

    static let age = TableColumn(name: "Age", description: "Time since the object was made.") { object, now in
        guard let text = object["metadata"]?["creationTimestamp"]?.stringValue, let created = Timestamps.parse(text) else {
            return .string("<unknown>")
        }
        return .string(HumanDuration.text(seconds: now - created))
    }

    /// A member of spec, as text.
    static func spec(_ name: String, _ member: String, _ description: String, priority: Int64 = 0) -> TableColumn {
        TableColumn(name: name, description: description, priority: priority) { object, _ in
            text(object["spec"]?[member])
        }
    }

    static func text(_ value: JSONValue?) -> JSONValue {
        switch value {
        case nil, .null?: missing
        case .string(let text)?: text.isEmpty ? missing : .string(text)
        case .array(let elements)?:
            elements.isEmpty ? missing : .string(elements.map { $0.stringValue ?? $0.text() }.joined(separator: ","))
        case .number(let number)? where number == number.rounded() && abs(number) < 1e15:
            .string(String(Int64(number)))
        case let other?: .string(other.text())
        }
    }

    /// The columns of a kind.
    static func columns(_ kind: ResourceKind) -> [TableColumn] {
        if kind.isNamespace {
            let status = TableColumn(name: "Status", description: "Phase of the namespace.") { object, _ in
                object["status"]?["phase"] ?? .string("Active")
            }
            return [name, status, age]
        }
        if kind.isTier {
            return [
                name, spec("Order", "order", "Place among the tiers; lower comes first."),
                spec("DefaultAction", "defaultAction", "What happens to traffic that no rule of the tier matched."), age,
            ]
        }
        if kind.isTieredPolicy {
            return [
                name, spec("Tier", "tier", "Tier of the policy."),
                spec("Order", "order", "Place within the tier; lower comes first."),
                spec("Selector", "selector", "Endpoints that the policy applies to."),
                spec("Types", "types", "Directions that the policy applies to."), selected, ruleCount("Ingress"), ruleCount("Egress"),
                inForce, age,
            ]
        }
        if kind.kind == "WorkloadEndpoint" {
            return [
                name, spec("Node", "node", "Node that polices the endpoint."),
                spec("Interface", "interfaceName", "Host side of the endpoint's interface."),
                spec("Addresses", "ipNetworks", "Addresses of the endpoint."),
                spec("Profiles", "profiles", "Profiles of the endpoint.", priority: 1), labels, age,
            ]
        }
        return others(kind)
    }

    /// Of the status that the server writes.
    static let selected = TableColumn(
        name: "Endpoints", description: "Number of endpoints that the policy selects."
    ) { object, _ in
        text(object["status"]?["endpoints"]?["all"])
    }

    static let inForce = TableColumn(
        name: "In-Force", description: "Time since the policy is in force as it is.", priority: 1
    ) { object, now in
        guard let since = object["status"]?["inForceSince"]?.stringValue.flatMap(Timestamps.parse),
            object["status"]?["observedGeneration"] == object["metadata"]?["generation"]
        else { return missing }
        return .string(HumanDuration.text(seconds: now - since))
    }

    private static func ruleCount(_ direction: String) -> TableColumn {
        let member = direction.lowercased()
        return TableColumn(name: direction, type: "integer", description: "Number of \(member) rules.", priority: 1) { object, _ in
            .integer(Int64(object["spec"]?[member]?.arrayValue?.count ?? 0))
        }
    }

    static let labels = TableColumn(name: "Labels", description: "Labels of the object.", priority: 1) { object, _ in
        let pairs = (object["metadata"]?["labels"]?.objectValue ?? [:]).sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value.stringValue ?? "")" }
        return pairs.isEmpty ? missing : .string(pairs.joined(separator: ","))
    }
}
