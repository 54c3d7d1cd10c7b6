import Datastore
import Logging
import PolicyModel

/// What the server does by itself while it runs.
struct Housekeeping: Sendable {
    let writer: ObjectWriter
    let logger: Logger

    /// Until the task is cancelled.
    func run() async {
        do {
            try await writer.resume()
            while !Task.isCancelled {
                try await expireEvents()
                try await Task.sleep(for: .seconds(Limits.housekeepingSeconds))
            }
        } catch is CancellationError {
            return
        } catch {
            logger.error("housekeeping ended: \(error); interrupted deletions go on at the next start")
        }
    }

    /// Events are news: an old one is worth nothing and must not fill the store.
    func expireEvents() async throws {
        let oldest = writer.now() - Limits.eventSeconds
        for object in try await writer.store.list(resource: Kinds.event.resource, namespace: nil).objects {
            let value = object.value
            let seen = [
                value["lastTimestamp"], value["series"]?["lastObservedTime"], value["eventTime"],
                value["metadata"]?["creationTimestamp"],
            ].compactMap { $0?.stringValue.flatMap(Timestamps.parse) }.max()
            guard let seen, seen < oldest else { continue }
            _ = try? await writer.delete(
                kind: Kinds.event, namespace: object.key.namespace, name: object.key.name, options: DeleteOptions())
        }
    }
}
