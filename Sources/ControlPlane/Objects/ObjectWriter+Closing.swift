import Crypto
import Datastore
import PolicyModel

/// A namespace takes the endpoints of its workloads along, and the workloads go on running. Nobody says any more what they
/// may: they may nothing, until somebody does or lets them go.
extension ObjectWriter {
    /// Puts an endpoint without addresses on the interface, in the namespace that cannot be deleted: all that passes there is
    /// dropped. It stays until the interface is named by another endpoint, or a person removes it.
    func close(_ endpoint: StoredObject) async throws {
        guard let spec = endpoint.value["spec"], let key = Self.closedKey(spec, node: spec["node"]?.stringValue ?? "") else { return }
        var closed: [String: JSONValue] = [:]
        // With its container's name it goes when the container does.
        for member in ["node", "interfaceName", "orchestrator", "containerID"] { closed[member] = spec[member] }
        let object = JSONValue.object([
            "metadata": [
                "name": .string(key.name),
                "annotations": [
                    WorkloadEndpoint.closedAnnotation: .string(
                        "It was \(endpoint.key.namespace)/\(endpoint.key.name), and that namespace was deleted.")
                ],
            ],
            "spec": .object(closed),
        ])
        let options = WriteOptions(fieldManager: "bulkhead")
        do {
            _ = try await create(object, kind: Kinds.workloadEndpoint, namespace: key.namespace, options: options)
        } catch let failure as APIFailure where failure.reason == "AlreadyExists" {
            _ = try await replace(
                object, kind: Kinds.workloadEndpoint, namespace: key.namespace, name: key.name, options: options)
        }
    }

    /// After the write of an endpoint: what closed its interface is in its way.
    func open(_ endpoint: JSONValue) async {
        let metadata = endpoint["metadata"]
        guard let spec = endpoint["spec"], metadata?["annotations"]?[WorkloadEndpoint.closedAnnotation] == nil,
            metadata?["deletionTimestamp"] == nil
        else { return }
        for node in Set([spec["node"]?.stringValue ?? "", ""]) {
            guard let key = Self.closedKey(spec, node: node), let closed = try? await store.get(key) else { continue }
            await deleteQuietly(closed, propagation: .background)
        }
    }

    /// Found by the interface, however many endpoints there are; nil where none is named.
    private static func closedKey(_ spec: JSONValue, node: String) -> StoreKey? {
        guard let interface = spec["interfaceName"]?.stringValue, !interface.isEmpty else { return nil }
        let digest = Hexadecimal.text(SHA256.hash(data: Array("\(node)/\(interface)".utf8)))
        return StoreKey(
            resource: Kinds.workloadEndpoint.resource, namespace: References.defaultNamespace, name: "closed-\(digest.prefix(16))")
    }
}
