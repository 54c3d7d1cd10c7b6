import Foundation
import PolicyModel
import Synchronization

/// containerd's API (its services `namespaces`, `containers`, `tasks` and `events`, version 1).
///
/// containerd's namespaces have nothing to do with Bulkhead's.
final class ContainerdConnection: EngineAccess {
    /// What others speak for: Docker's API for its own, and Kubernetes for its pods.
    private static let othersNamespaces: Set<String> = ["moby", "k8s.io"]
    private static let namespaceHeader = "containerd-namespace"
    /// What nerdctl calls a container, and the ports that it published.
    private static let nameLabel = "nerdctl/name"
    private static let portsLabel = "nerdctl/ports"

    private let connection: GRPCConnection
    /// When each was started, as the events said.
    private let startTimes = Mutex<[String: String]>([:])

    init(socketPath: String) async throws { connection = try await GRPCConnection(socketPath: socketPath) }

    func close() { connection.close() }

    func engineName() async throws -> String {
        // Whoever answers this is containerd.
        _ = try await connection.call("containerd.services.version.v1.Version/Version")
        return "containerd"
    }

    func changes() async throws -> AsyncThrowingStream<String, any Error> {
        let envelopes = connection.stream("containerd.services.events.v1.Events/Subscribe")
        return AsyncThrowingStream { continuation in
            let reading = Task { [weak self] in
                do {
                    for try await envelope in envelopes {
                        if let identifier = try self?.container(of: envelope) { continuation.yield(identifier) }
                    }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            // containerd does not say when it has begun to listen to us: what happened until then is looked at once more.
            let second = Task { [weak self] in
                let before = try await self?.running() ?? []
                try await Task.sleep(for: .seconds(1))
                for identifier in Set(before + (try await self?.running() ?? [])) { continuation.yield(identifier) }
            }
            continuation.onTermination = { _ in
                reading.cancel()
                second.cancel()
            }
        }
    }

    func running() async throws -> [String] {
        var found: [String] = []
        for namespace in try await connection.call("containerd.services.namespaces.v1.Namespaces/List").messages(1).map({ $0.text(1) })
        where !Self.othersNamespaces.contains(namespace) {
            let tasks = try await connection.call(
                "containerd.services.tasks.v1.Tasks/List", headers: [Self.namespaceHeader: namespace])
            found += try tasks.messages(1).filter(Self.isRunning).map {
                ContainerdIdentifier(namespace: namespace, name: $0.text(2).isEmpty ? $0.text(1) : $0.text(2)).text
            }
        }
        return found
    }

    func container(_ identifier: String) async throws -> EngineContainer? {
        guard let place = ContainerdIdentifier(identifier) else { return nil }
        let headers = [Self.namespaceHeader: place.namespace]
        let request = ProtobufMessage.encode(place.name, field: 1)
        do {
            let container = try await connection.call("containerd.services.containers.v1.Containers/Get", request, headers: headers).message(1)
            let labels = try container.table(2)
            var found = EngineContainer(
                identifier: identifier,
                identity: ContainerIdentity(name: labels[Self.nameLabel] ?? place.name, labels: labels, image: container.text(3)))
            found.publishedPorts = Self.publishedPorts(labels[Self.portsLabel] ?? "")
            // The container's OCI specification, in JSON.
            let specification = try? JSONValue(parsing: container.message(5).texts[2]?.last ?? [])
            let namespaces = specification?["linux"]?["namespaces"]?.arrayValue ?? []
            let path = namespaces.first { $0["type"]?.stringValue == "network" }?["path"]?.stringValue ?? ""
            // One that is named by a process, not by a file, is another container's.
            if path.hasPrefix("/proc/") { found.networkMode = "container:\(path)" }
            found.startedAt = startTimes.withLock { $0[identifier] } ?? ""
            let task = try? await connection.call("containerd.services.tasks.v1.Tasks/Get", request, headers: headers).message(1)
            if let task, Self.isRunning(task) { found.processID = task.numbers[3].flatMap(Int32.init(exactly:)) }
            return found
        } catch let refusal as GRPCConnection.Refusal where refusal.code == GRPCConnection.Refusal.notFound {
            return nil
        }
    }

    // MARK: Parts

    /// `RUNNING`, `PAUSED`, `PAUSING`: what was created has not begun, and may have no network yet.
    private static func isRunning(_ task: ProtobufMessage) -> Bool { [2, 4, 5].contains(task.numbers[4] ?? 0) }

    private func container(of envelope: ProtobufMessage) throws -> String? {
        let namespace = envelope.text(2)
        let topic = envelope.text(3)
        guard !Self.othersNamespaces.contains(namespace) else { return nil }
        // In each of these the first field is the container's identifier.
        let followed = ["/tasks/start", "/tasks/exit", "/tasks/delete", "/containers/update", "/containers/delete"]
        guard followed.contains(topic) else { return nil }
        let name = try ProtobufMessage(envelope.message(4).texts[2]?.last ?? []).text(1)
        let identifier = ContainerdIdentifier(namespace: namespace, name: name).text
        switch topic {
        case "/tasks/start":
            let time = try envelope.message(1)
            let seconds = Date(timeIntervalSince1970: Double(time.numbers[1] ?? 0))
            let fraction = String(time.numbers[2] ?? 0)
            let text = seconds.formatted(.iso8601).dropLast() + "." + String(repeating: "0", count: max(0, 9 - fraction.count)) + fraction + "Z"
            startTimes.withLock { $0[identifier] = String(text) }
        case "/containers/delete": startTimes.withLock { $0[identifier] = nil }
        default: break
        }
        return identifier
    }

    /// nerdctl's list, as `0.0.0.0:8080 -> 80/tcp`.
    static func publishedPorts(_ label: String) -> [String] {
        ((try? JSONValue(parsing: label))?.arrayValue ?? []).compactMap { entry in
            guard let outer = entry["HostPort"]?.integerValue, let inner = entry["ContainerPort"]?.integerValue else { return nil }
            let address = entry["HostIP"]?.stringValue ?? "0.0.0.0"
            return "\(address.contains(":") ? "[\(address)]" : address):\(outer) -> \(inner)/\(entry["Protocol"]?.stringValue ?? "tcp")"
        }
    }
}
