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
        var bookmarkSeconds = Limits.bookmarkSeconds
        var form: ObjectForm
    }

    let store: any Store
    let request: Request

    /// Returns when the watch is over; sends the reason as an ERROR event where the client must begin anew.
    func run(into sink: LineSink) async {
        let progress = Progress(sink)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pump(into: progress) }
            group.addTask {
                try? await Task.sleep(for: .seconds(request.timeoutSeconds))
                // The client goes on from here when it begins anew.
                if request.bookmarks, !Task.isCancelled { await sendBookmark(progress) }
            }
            if request.bookmarks {
                group.addTask {
                    // Never ends the watch by itself: only the two tasks above do.
                    while (try? await Task.sleep(for: .seconds(request.bookmarkSeconds))) != nil { await sendBookmark(progress) }
                    await Self.untilCancelled()
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    private static func untilCancelled() async {
        while (try? await Task.sleep(for: .seconds(3600))) != nil {}
    }

    /// What has been sent, and up to which revision that is everything.
    private final class Progress: Sendable {
        private let sink: LineSink
        private let revision = Mutex<Int64?>(nil)

        init(_ sink: LineSink) { self.sink = sink }

        var value: Int64? { revision.withLock { $0 } }

        /// Until the reader has taken what was sent.
        func room() async { await sink.room() }

        func start(at value: Int64) { revision.withLock { $0 = value } }

        /// False when the reader is gone.
        func send(_ chunk: [UInt8], upTo value: Int64?) -> Bool {
            revision.withLock { revision in
                if let value { revision = value }
                return chunk.isEmpty || sink.send(chunk)
            }
        }

        /// Nothing when events behind `value` were sent meanwhile: a bookmark never leads back.
        func sendBookmark(_ chunk: [UInt8], at value: Int64) {
            revision.withLock { revision in
                guard let sent = revision, sent <= value else { return }
                revision = value
                _ = sink.send(chunk)
            }
        }
    }

    private func sendBookmark(_ progress: Progress) async {
        guard let sent = progress.value,
            let quiet = try? await store.quietRevision(
                resource: request.kind.resource, namespace: request.namespace, after: sent)
        else { return }
        progress.sendBookmark(Self.line("BOOKMARK", bookmark(quiet, initialEnd: false)), at: quiet)
    }

    private func pump(into progress: Progress) async {
        var isFirst = true
        do {
            var after = request.after ?? 0
            if request.after == nil {
                let list = try await store.documents(
                    StoreQuery(resource: request.kind.resource, namespace: request.namespace))
                for document in list.documents {
                    guard let line = try firstLine(document, first: &isFirst) else { continue }
                    guard progress.send(line, upTo: nil) else { return }
                    await progress.room()
                }
                after = list.revision
                if request.announceInitialEnd, request.bookmarks {
                    guard progress.send(Self.line("BOOKMARK", bookmark(after, initialEnd: true)), upTo: after) else { return }
                }
            }
            progress.start(at: after)
            for try await batch in store.watch(
                resource: request.kind.resource, namespace: request.namespace, after: after)
            {
                var chunk: [UInt8] = []
                for event in batch {
                    guard let (type, object, json) = told(event) else { continue }
                    if request.form.isStoredText, let json {
                        chunk += Self.line(type, json: json)
                    } else {
                        chunk += Self.line(type, rendered(object, first: &isFirst))
                    }
                    guard chunk.count >= Limits.streamBufferBytes else { continue }
                    guard progress.send(chunk, upTo: event.object.revision) else { return }
                    chunk = []
                    await progress.room()
                }
                guard progress.send(chunk, upTo: batch.last?.object.revision) else { return }
                await progress.room()
            }
        } catch StoreError.compacted(let oldest) {
            let failure = APIFailure.expired("too old resource version (the oldest kept is \(oldest))")
            _ = progress.send(Self.line("ERROR", failure.status), upTo: nil)
        } catch is CancellationError {
            return
        } catch {
            _ = progress.send(Self.line("ERROR", APIFailure.internalError("\(error)").status), upTo: nil)
        }
    }

    /// What there is before the first event; nil where it is not selected. Decoded only where somebody has to look into it.
    private func firstLine(_ document: StoredDocument, first: inout Bool) throws -> [UInt8]? {
        if request.form.isStoredText, request.labels.selectsEverything, request.fields.selectsEverything {
            return Self.line("ADDED", json: document.json)
        }
        let object = try document.decoded()
        return isSelected(object) ? Self.line("ADDED", rendered(object, first: &first)) : nil
    }

    private func isSelected(_ object: StoredObject) -> Bool {
        request.fields.match(object.value, name: object.key.name, namespace: object.key.namespace)
            && (request.labels.selectsEverything
                || request.labels.match(object.value["metadata"]?["labels"]?.objectValue ?? [:]))
    }

    /// What the event is to a client that sees only what is selected: an object that begins to match is ADDED, one that
    /// stops is DELETED. With the object's text, where there is one.
    private func told(_ event: StoreEvent) -> (type: String, object: StoredObject, json: [UInt8]?)? {
        let isNow = event.kind != .deleted && isSelected(event.object)
        // Where the version before is no longer kept, a client may have it, and ignores the deletion of what it never had.
        let wasBefore = event.kind != .added && (event.previous.map(isSelected) ?? true)
        switch (wasBefore, isNow) {
        case (false, false): return nil
        case (false, true): return ("ADDED", event.object, event.json)
        case (true, true): return ("MODIFIED", event.object, event.json)
        case (true, false):
            if event.kind == .deleted { return isSelected(event.object) ? ("DELETED", event.object, event.json) : nil }
            guard var last = event.previous else { return ("DELETED", event.object, event.json) }
            last.revision = event.object.revision
            last.value["metadata"]?["resourceVersion"] = .string(String(event.object.revision))
            return ("DELETED", last, nil)
        }
    }

    private func rendered(_ object: StoredObject, first: inout Bool) -> JSONValue {
        defer { first = false }
        return request.form.one(object.value, withColumns: first)
    }

    private func bookmark(_ revision: Int64, initialEnd: Bool) -> JSONValue {
        request.form.bookmark(revision, annotations: initialEnd ? ["k8s.io/initial-events-end": "true"] : nil)
    }

    static func line(_ type: String, _ object: JSONValue) -> [UInt8] { line(type, json: object.serialized()) }

    /// `json` is the object's text. `type` holds nothing that JSON would escape.
    private static func line(_ type: String, json: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(json.count + 40)
        bytes += "{\"object\":".utf8
        bytes += json
        bytes += ",\"type\":\"".utf8
        bytes += type.utf8
        bytes += "\"}\n".utf8
        return bytes
    }
}
