import KubernetesClient
import PolicyModel

/// Whose an object is, by a label: what `apply --prune` may delete.
enum Ownership {
    static let label = "bulkhead.io/owner"

    /// What may be pruned last: a namespace takes along what is in it.
    private static let lastKinds = ["Tier", "Namespace"]

    static func owner(_ object: JSONValue) -> String? { object["metadata"]?["labels"]?[label]?.stringValue }

    static func claim(_ object: inout JSONValue, for owner: String) {
        if object["metadata"]?["labels"]?.objectValue == nil { object["metadata"]?["labels"] = .object([:]) }
        object["metadata"]?["labels"]?[label] = .string(owner)
    }

    /// Why `owner` may not apply `object`, which the server holds already; nil when it may.
    static func obstacle(_ client: KubernetesClient, _ object: JSONValue, kind: ResourceKind, owner: String) async throws -> String? {
        let name = object["metadata"]?["name"]?.stringValue ?? ""
        let namespace = object["metadata"]?["namespace"]?.stringValue
        do {
            guard let other = Self.owner(try await client.get(kind, namespace: namespace, name: name)), other != owner else { return nil }
            return "belongs to the owner \(other), not to \(owner): apply it with --owner \(other), or take the label \(label) off first"
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }

    /// The objects of the owner that are not among `kept`, in the order in which they can be deleted.
    static func surplus(
        _ client: KubernetesClient, owner: String, kept: Set<ObjectPlace>
    ) async throws -> [(kind: ResourceKind, place: ObjectPlace)] {
        var found: [(kind: ResourceKind, place: ObjectPlace)] = []
        for kind in Kinds.all {
            let list: JSONValue
            do {
                list = try await client.list(kind, query: ["labelSelector": "\(label)=\(owner)"])
            } catch let error as KubernetesError where error.isNotFound || error.status?.code == 405 {
                // A kind that this server does not keep.
                continue
            }
            for object in list["items"]?.arrayValue ?? [] {
                let place = ObjectPlace(object, kind: kind)
                if !kept.contains(place) { found.append((kind, place)) }
            }
        }
        return found.enumerated()
            .sorted { (rank($0.element.kind), $0.offset) < (rank($1.element.kind), $1.offset) }
            .map(\.element)
    }

    private static func rank(_ kind: ResourceKind) -> Int { (lastKinds.firstIndex(of: kind.kind) ?? -1) + 1 }
}

/// Which object, among those of all kinds.
struct ObjectPlace: Hashable {
    var resource: String
    /// Empty for kinds without.
    var namespace: String
    var name: String

    init(_ object: JSONValue, kind: ResourceKind) {
        resource = kind.resource
        namespace = kind.namespaced ? object["metadata"]?["namespace"]?.stringValue ?? "" : ""
        name = object["metadata"]?["name"]?.stringValue ?? ""
    }
}
