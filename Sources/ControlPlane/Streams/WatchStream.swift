import Datastore
import PolicyModel
import Synchronization

/// A watch: `{"type": ..., "object": ...}` lines until the client goes, the time is up, or the reader falls behind.
struct WatchStream: Sendable {
    struct Request: Sendable {
        var kind: ResourceKind
        /// nil: every namespace.
        var namespace: String?
        var labels: LabelRequirements
        var fields: FieldRequirements
        /// Events after this revision; nil: first everything there is.
        var after: Int64?
        /// After the first objects, a bookmark that says so (`sendInitialEvents`).
        var announceInitialEnd: Bool
        var bookmarks: Bool
        var timeoutSeconds: Double
        /// nil: the objects themselves.
        var table: TableRendering?
    }

    let store: any Store
    let request: Request

    /// Returns when the watch is over; sends the reason as an ERROR event where the client must begin anew.
    func run(into sink: LineSink) async {
        await withTaskGroup(of: Void.self) { group in
            let position = Position()
            group.addTask { await pump(into: sink, position: position) }
            group.addTask { try? await Task.sleep(for: .seconds(request.timeoutSeconds)) }
            if request.bookmarks {
                group.addTask {
                    // Never ends the watch by itself: only the two tasks above do.
                    while !Task.isCancelled {
                        guard (try? await Task.sleep(for: .seconds(Limits.bookmarkSeconds))) != nil else { return }
                        if let revision = position.value { _ = sink.send(Self.line("BOOKMARK", bookmark(revision, initialEnd: false))) }
                    }
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// The last revision that the client has seen everything up to.
    private final class Position: Sendable {
        private let revision = Mutex<Int64?>(nil)
        var value: Int64? { revision.withLock { $0 } }
        func advance(to value: Int64) { revision.withLock { $0 = value } }
    }

    private func pump(into sink: LineSink, position: Position) async {
        // Whether an object matched when it was last sent, where labels decide: what stops matching is DELETED to the
        // client, what begins to match ADDED.
        var matched: [StoreKey: Bool] = [:]
        var isFirst = true
        do {
            var after = request.after ?? 0
            if request.after == nil {
                let list = try await store.list(resource: request.kind.resource, namespace: request.namespace)
                for object in list.objects where isWanted(object.key) {
                    let matches = self.matches(object.value)
                    if !request.labels.selectsEverything { matched[object.key] = matches }
                    guard matches else { continue }
                    guard sink.send(Self.line("ADDED", rendered(object, first: &isFirst))) else { return }
                }
                after = list.revision
                if request.announceInitialEnd {
                    guard sink.send(Self.line("BOOKMARK", bookmark(after, initialEnd: true))) else { return }
                }
                position.advance(to: after)
            }
            for try await batch in store.watch(
                resource: request.kind.resource, namespace: request.namespace, after: after)
            {
                var chunk: [UInt8] = []
                for event in batch where isWanted(event.object.key) {
                    guard let type = type(of: event, matched: &matched) else { continue }
                    chunk += Self.line(type, rendered(event.object, first: &isFirst))
                }
                guard chunk.isEmpty || sink.send(chunk) else { return }
                if let last = batch.last { position.advance(to: last.object.revision) }
            }
        } catch StoreError.compacted(let oldest) {
            let failure = APIFailure.expired("too old resource version (the oldest kept is \(oldest))")
            _ = sink.send(Self.line("ERROR", failure.status))
        } catch is CancellationError {
            return
        } catch {
            _ = sink.send(Self.line("ERROR", APIFailure.internalError("\(error)").status))
        }
    }

    private func isWanted(_ key: StoreKey) -> Bool { request.fields.match(name: key.name, namespace: key.namespace) }

    private func matches(_ value: JSONValue) -> Bool {
        request.labels.selectsEverything
            || request.labels.match(value["metadata"]?["labels"]?.objectValue ?? [:])
    }

    private func type(of event: StoreEvent, matched: inout [StoreKey: Bool]) -> String? {
        guard !request.labels.selectsEverything else { return event.kind.rawValue }
        let before = matched[event.object.key]
        let matches = matches(event.object.value)
        if event.kind == .deleted {
            matched[event.object.key] = nil
            return (before ?? matches) ? event.kind.rawValue : nil
        }
        matched[event.object.key] = matches
        switch (before, matches) {
        case (false?, true): return "ADDED"
        case (_, true): return event.kind.rawValue
        case (false?, false): return nil
        case (true?, false): return "DELETED"
        // Unknown before: a client that never had it ignores the deletion.
        case (nil, false): return event.kind == .added ? nil : "DELETED"
        }
    }

    private func rendered(_ object: StoredObject, first: inout Bool) -> JSONValue {
        guard let table = request.table else { return object.value }
        defer { first = false }
        return table.table([object.value], resourceVersion: String(object.revision), withColumns: first)
    }

    private func bookmark(_ revision: Int64, initialEnd: Bool) -> JSONValue {
        var metadata: [String: JSONValue] = [
            "resourceVersion": .string(String(revision)), "creationTimestamp": .null,
        ]
        if initialEnd { metadata["annotations"] = .object(["k8s.io/initial-events-end": .string("true")]) }
        return .object([
            "kind": .string(request.kind.kind), "apiVersion": .string(request.kind.apiVersion),
            "metadata": .object(metadata),
        ])
    }

    static func line(_ type: String, _ object: JSONValue) -> [UInt8] {
        JSONValue.object(["type": .string(type), "object": object]).serialized() + [UInt8(ascii: "\n")]
    }
}
