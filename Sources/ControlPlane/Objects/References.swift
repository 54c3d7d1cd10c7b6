import Datastore
import PolicyModel

/// What objects of different kinds demand of each other. Called with the write gate held for what they name.
struct References: Sendable {
    let store: any Store
    let catalog: ResourceCatalog

    static let defaultNamespace = "default"

    /// For a write of `value`: its namespace and its tier must exist. What is fixed of the tiers of every world is for validation.
    func checkWrite(_ value: JSONValue, kind: ResourceKind, namespace: String, name: String, creating: Bool) async throws {
        if creating, kind.namespaced { try await requireNamespace(namespace, for: kind, name) }
        if kind.namesTier { try await requireTier(of: value, kind: kind, name: name) }
    }

    /// Refuses the deletion of what others stand on.
    func checkDelete(kind: ResourceKind, name: String) async throws {
        if kind.isNamespace, name == Self.defaultNamespace {
            throw APIFailure.forbidden(kind, name, "this namespace may not be deleted")
        }
        guard kind.isTier else { return }
        if Tier.builtIn.contains(where: { $0.name == name }) {
            throw APIFailure.forbidden(kind, name, "the \(name) tier may not be deleted")
        }
        var holders: [String] = []
        for policyKind in catalog.kinds where policyKind.namesTier {
            for object in try await store.list(resource: policyKind.resource, namespace: nil).objects
            where Self.tier(of: object.value) == name {
                let path = object.key.namespace.isEmpty ? object.key.name : "\(object.key.namespace)/\(object.key.name)"
                holders.append("\(policyKind.kind) \(path)")
            }
        }
        guard holders.isEmpty else {
            let shown = holders.prefix(5).joined(separator: ", ") + (holders.count > 5 ? ", ..." : "")
            throw APIFailure.conflict(
                kind, name,
                "the tier still holds \(holders.count) \(holders.count == 1 ? "policy" : "policies") (\(shown)); move or delete \(holders.count == 1 ? "it" : "them") first"
            )
        }
    }

    /// Where the tier that a policy names is.
    func tierKey(of value: JSONValue) -> StoreKey? {
        catalog.tierKind.map { StoreKey(resource: $0.resource, namespace: "", name: Self.tier(of: value)) }
    }

    static func tier(of value: JSONValue) -> String {
        let text = value["spec"]?["tier"]?.stringValue ?? ""
        return text.isEmpty ? Tier.defaultName : text
    }

    private func requireNamespace(_ namespace: String, for writtenKind: ResourceKind, _ name: String) async throws {
        guard let kind = catalog.namespaceKind else { return }
        guard let found = try await store.get(WriteGate.namespace(namespace)) else {
            throw APIFailure.notFound(kind, namespace)
        }
        guard found.value["metadata"]?["deletionTimestamp"] != nil else { return }
        var failure = APIFailure.forbidden(
            writtenKind, name, "unable to create new content in namespace \(namespace) because it is being terminated")
        failure.causes = [
            .init(field: "metadata.namespace", reason: "NamespaceTerminating", message: "namespace \(namespace) is being terminated")
        ]
        throw failure
    }

    private func requireTier(of value: JSONValue, kind: ResourceKind, name: String) async throws {
        guard let key = tierKey(of: value) else { return }
        guard try await store.get(key) != nil else {
            throw APIFailure.invalid(
                kind, name,
                [FieldError(path: "spec.tier", message: "there is no tier \"\(key.name)\"; create the tier first")])
        }
    }
}
