import KubernetesClient
import PolicyModel
import WorkloadSources

/// The workloads as the API server knows them.
struct APIWorkloadRegistry: WorkloadRegistry {
    let client: KubernetesClient

    func endpoints() async throws -> [JSONValue] {
        try await client.list(Kinds.workloadEndpoint)["items"]?.arrayValue ?? []
    }

    func ensureNamespace(_ name: String) async throws {
        do {
            _ = try await client.get(Kinds.namespace, name: name)
        } catch let error as KubernetesError where error.isNotFound {
            do {
                _ = try await client.create(
                    Kinds.namespace,
                    object: .object([
                        "apiVersion": "v1", "kind": "Namespace", "metadata": .object(["name": .string(name)]),
                    ]))
            } catch let error as KubernetesError where error.alreadyExists {
                // Somebody else was faster.
            }
        }
    }

    func put(_ endpoint: EndpointDescription) async throws -> Int64 {
        let stored: JSONValue
        do {
            stored = try await client.create(
                Kinds.workloadEndpoint, namespace: endpoint.namespace, object: endpoint.object)
        } catch let error as KubernetesError where error.alreadyExists {
            stored = try await client.update(
                Kinds.workloadEndpoint, namespace: endpoint.namespace, name: endpoint.name, object: endpoint.object)
        }
        guard let text = stored["metadata"]?["resourceVersion"]?.stringValue, let revision = Int64(text) else {
            throw WorkloadSourceError("The server answered without a resourceVersion: is it a Bulkhead server?")
        }
        return revision
    }

    func removeEndpoint(_ key: EndpointKey) async throws {
        do {
            try await client.delete(Kinds.workloadEndpoint, namespace: key.namespace, name: key.name)
        } catch let error as KubernetesError where error.isNotFound {
            // That is what was wanted.
        }
    }

    func waitUntilEnforced(revision: Int64, endpoint: EndpointKey, timeoutSeconds: Double) async throws {
        _ = try await Enforcement.wait(client, revision: revision, endpoint: endpoint, seconds: timeoutSeconds)
    }

    func denial(of connection: EstablishedConnection, with endpoint: EndpointDescription) async throws -> String? {
        let own = endpoint.key.description
        let answer = try await client.request(
            .GET, "/apis/bulkhead.io/v1alpha1/explain",
            query: [
                "source": connection.isInbound ? connection.remote.description : own,
                "destination": connection.isInbound ? own : connection.remote.description,
                "port": "tcp/\(connection.isInbound ? connection.localPort : connection.remotePort)",
                "sport": String(connection.isInbound ? connection.remotePort : connection.localPort),
                "with": endpoint.object.text(),
            ])
        let ends = answer["ends"]?.arrayValue ?? []
        guard let end = ends.first(where: { $0["endpoint"]?.stringValue == own && $0["verdict"]?.stringValue == "Deny" }) else {
            return nil
        }
        let tier = end["tier"]?.stringValue ?? ""
        guard let rule = end["rule"]?.integerValue, rule >= 0 else { return "the end of tier \(tier)" }
        return "rule \(rule) of \(end["kind"]?.stringValue ?? "") \(end["policy"]?.stringValue ?? "") in tier \(tier)"
    }
}
