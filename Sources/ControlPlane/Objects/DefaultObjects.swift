import Datastore
import PolicyModel

/// The objects that exist from the first start: the namespace `default`, and the tiers of every world.
struct DefaultObjects: Sendable {
    let writer: ObjectWriter
    let catalog: ResourceCatalog

    /// Makes those that are missing.
    func ensure() async throws {
        if let kind = catalog.kinds.first(where: \.isNamespace) {
            try await ensure(kind, name: References.defaultNamespace, spec: nil)
        }
        if let kind = catalog.kinds.first(where: \.isTier) {
            // Order and action are what defaulting fills in.
            for tier in Tier.builtIn { try await ensure(kind, name: tier.name, spec: nil) }
        }
    }

    private func ensure(_ kind: ResourceKind, name: String, spec: JSONValue?) async throws {
        var members: [String: JSONValue] = [
            "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind),
            "metadata": .object(["name": .string(name)]),
        ]
        members["spec"] = spec
        do {
            _ = try await writer.create(.object(members), kind: kind, namespace: "", options: WriteOptions(fieldManager: "bulkhead"))
        } catch let failure as APIFailure where failure.reason == "AlreadyExists" {
            return
        }
    }
}
