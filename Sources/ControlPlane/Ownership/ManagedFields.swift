import PolicyModel

/// Who owns which fields of one object: `metadata.managedFields`.
struct ManagedFields: Sendable, Equatable {
    enum Operation: String, Sendable {
        case apply = "Apply"
        case update = "Update"
    }

    struct Manager: Sendable, Hashable {
        var name: String
        var operation: Operation
        var apiVersion: String
        /// Empty for the object itself.
        var subresource = ""
    }

    struct Entry: Sendable, Equatable {
        var manager: Manager
        var fields: FieldSet
        /// When the set last changed; RFC 3339.
        var time: String?
    }

    /// Of updates; older ones become one entry, as in Kubernetes.
    static let maximumUpdateEntries = 10
    static let ancientName = "ancient-changes"

    private(set) var entries: [Entry]

    init() { entries = [] }

    /// Empty for what no server wrote.
    init(object: JSONValue) {
        entries = (object["metadata"]?["managedFields"]?.arrayValue ?? []).compactMap { entry in
            guard let name = entry["manager"]?.stringValue,
                let operation = entry["operation"]?.stringValue.flatMap(Operation.init(rawValue:)),
                entry["fieldsType"]?.stringValue == "FieldsV1", let fields = entry["fieldsV1"].flatMap({ FieldSet($0) })
            else { return nil }
            return Entry(
                manager: Manager(
                    name: name, operation: operation, apiVersion: entry["apiVersion"]?.stringValue ?? "",
                    subresource: entry["subresource"]?.stringValue ?? ""),
                fields: fields, time: entry["time"]?.stringValue)
        }
    }

    var json: JSONValue? {
        guard !entries.isEmpty else { return nil }
        return .array(
            entries.map { entry in
                var members: [String: JSONValue] = [
                    "manager": .string(entry.manager.name), "operation": .string(entry.manager.operation.rawValue),
                    "apiVersion": .string(entry.manager.apiVersion), "fieldsType": "FieldsV1",
                    "fieldsV1": entry.fields.json,
                ]
                if let time = entry.time { members["time"] = .string(time) }
                if !entry.manager.subresource.isEmpty { members["subresource"] = .string(entry.manager.subresource) }
                return .object(members)
            })
    }

    func fields(of manager: Manager) -> FieldSet? { entries.first { $0.manager == manager }?.fields }

    /// Everything that others than `manager` own.
    func others(than manager: Manager) -> FieldSet {
        entries.filter { $0.manager != manager }.reduce(FieldSet()) { $0.union($1.fields) }
    }

    /// What a write of `manager` takes from others: by them, in their order.
    func conflicts(of manager: Manager, with changed: FieldSet) -> [(entry: Entry, fields: FieldSet)] {
        entries.filter { $0.manager != manager }.compactMap { entry in
            let common = entry.fields.intersection(changed)
            return common.isEmpty ? nil : (entry, common)
        }
    }

    /// Takes from everybody but `manager`.
    mutating func take(_ fields: FieldSet, except manager: Manager) {
        for index in entries.indices where entries[index].manager != manager {
            entries[index].fields = entries[index].fields.subtracting(fields)
        }
        entries.removeAll { $0.fields.isEmpty }
    }

    /// Gives `manager` exactly these; an empty set ends its entry.
    mutating func set(_ fields: FieldSet, of manager: Manager, time: String) {
        if let index = entries.firstIndex(where: { $0.manager == manager }) {
            if fields.isEmpty {
                entries.remove(at: index)
            } else if entries[index].fields != fields {
                entries[index].fields = fields
                entries[index].time = time
            }
        } else if !fields.isEmpty {
            entries.append(Entry(manager: manager, fields: fields, time: time))
        }
        order()
    }

    private mutating func order() {
        entries.sort { first, second in
            func rank(_ entry: Entry) -> (String, String, String, String) {
                (entry.manager.operation.rawValue, entry.time ?? "", entry.manager.name, entry.manager.subresource)
            }
            return rank(first) < rank(second)
        }
        let updates = entries.filter { $0.manager.operation == .update }
        guard updates.count > Self.maximumUpdateEntries else { return }
        var ancient = updates.first { $0.manager.name == Self.ancientName }
        for entry in updates where entry.manager.name != Self.ancientName {
            guard entries.filter({ $0.manager.operation == .update }).count > Self.maximumUpdateEntries else { break }
            entries.removeAll { $0 == entry }
            let fields = ancient?.fields.union(entry.fields) ?? entry.fields
            entries.removeAll { $0.manager.name == Self.ancientName && $0.manager.operation == .update }
            let merged = Entry(
                manager: Manager(name: Self.ancientName, operation: .update, apiVersion: entry.manager.apiVersion),
                fields: fields, time: entry.time)
            entries.append(merged)
            ancient = merged
        }
    }
}
