import PolicyModel

extension EngineConnection: EngineAccess {
    func engineName() async throws -> String {
        let components = (try await get("/version")["Components"]?.arrayValue ?? []).compactMap { $0["Name"]?.stringValue }
        return components.contains { $0.lowercased().contains("podman") } ? "podman" : "docker"
    }

    func changes() async throws -> AsyncThrowingStream<String, any Error> {
        let events = try await events()
        return AsyncThrowingStream { continuation in
            let reading = Task {
                do {
                    for try await event in events { if let identifier = Self.container(of: event) { continuation.yield(identifier) } }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in reading.cancel() }
        }
    }

    func running() async throws -> [String] {
        (try await get("/containers/json").arrayValue ?? []).compactMap { $0["Id"]?.stringValue }
    }

    func container(_ identifier: String) async throws -> EngineContainer? {
        do {
            return EngineContainer(try await get("/containers/\(identifier)/json"))
        } catch let refusal as Refusal where refusal.status == 404 {
            return nil
        }
    }

    /// Actions that change nothing of what endpoints say.
    private static let idle: Set<String> = ["exec_create", "exec_start", "exec_die", "top", "attach", "resize", "exec"]

    private static func container(of event: JSONValue) -> String? {
        let action = (event["Action"] ?? event["status"])?.stringValue ?? ""
        guard !idle.contains(String(action.prefix { $0 != ":" })) else { return nil }
        switch event["Type"]?.stringValue {
        case "container": return event["Actor"]?["ID"]?.stringValue ?? event["id"]?.stringValue
        case "network": return event["Actor"]?["Attributes"]?["container"]?.stringValue
        default: return nil
        }
    }
}
