import Synchronization

/// Objects as they are now, for readers that ask for one.
///
/// It never answers with a version that was overwritten before the question: from before a write's commit until after it,
/// its object is unknown here, and a reader who found it in the file meanwhile may not bring it in.
///
/// Two generations: what was asked for since the last change of generations, and what was before that. When the younger one
/// has half of the bytes it becomes the older one, which is forgotten. So the bytes are bounded, what is asked for often
/// stays, and nothing costs more than a few lookups.
final class DocumentCache: Sendable {
    struct Entry {
        var document: StoredDocument
        /// Where somebody has decoded it.
        var object: StoredObject?

        var bytes: Int {
            // A decoded object takes several times its text.
            document.json.count * (object == nil ? 1 : DocumentCache.decodedFactor) + DocumentCache.entryBytes
        }
    }

    /// Whoever looks something up in the file brings it back, so that it is seen whether a write came in between.
    struct Ticket { fileprivate var writes: Int }

    private struct State {
        var young: [StoreKey: Entry] = [:]
        var old: [StoreKey: Entry] = [:]
        /// Of all entries brought into `young`; what was forgotten of them meanwhile counts on.
        var youngBytes = 0
        /// How many commits have ended, well or badly.
        var writes = 0
        var beingWritten: Set<StoreKey> = []
    }

    static let decodedFactor = 8
    private static let entryBytes = 256

    private let state = Mutex(State())
    private let mostBytes: Int

    /// - Parameter mostBytes: of all entries, estimated.
    init(mostBytes: Int = StoreLimits.cachedBytes) { self.mostBytes = mostBytes }

    func find(_ key: StoreKey) -> (entry: Entry?, ticket: Ticket) {
        state.withLock { state in
            let ticket = Ticket(writes: state.writes)
            if let entry = state.young[key] { return (entry, ticket) }
            guard let entry = state.old[key] else { return (nil, ticket) }
            state.old[key] = nil
            add(entry, to: &state)
            return (entry, ticket)
        }
    }

    /// Does nothing when a commit has ended since the ticket was given, or one that concerns this object is under way.
    func remember(_ entry: Entry, ticket: Ticket) {
        state.withLock { state in
            guard state.writes == ticket.writes, !state.beingWritten.contains(entry.document.key) else { return }
            add(entry, to: &state)
        }
    }

    /// Before a commit. One at a time.
    func begin(_ keys: some Sequence<StoreKey>) {
        state.withLock { state in
            state.beingWritten = Set(keys)
            for key in state.beingWritten {
                state.young[key] = nil
                state.old[key] = nil
            }
        }
    }

    /// After the commit, or after what prevented it: `written` is what the commit left of the objects, in the order of writing; nil
    /// stands for a deletion.
    func end(_ written: [(key: StoreKey, document: StoredDocument?)]) {
        state.withLock { state in
            state.beingWritten = []
            state.writes += 1
            for (key, document) in written {
                state.young[key] = nil
                state.old[key] = nil
                if let document { add(Entry(document: document, object: nil), to: &state) }
            }
        }
    }

    func clear() {
        state.withLock { state in
            state.young = [:]
            state.old = [:]
            state.youngBytes = 0
            state.writes += 1
        }
    }

    /// What the entries take now, by the same estimate; for tests.
    var bytes: Int {
        state.withLock { state in
            (Array(state.young.values) + Array(state.old.values)).reduce(0) { $0 + $1.bytes }
        }
    }

    private func add(_ entry: Entry, to state: inout State) {
        guard entry.bytes <= mostBytes / 64 else { return }
        if state.youngBytes + entry.bytes > mostBytes / 2 {
            state.old = state.young
            state.young = [:]
            state.youngBytes = 0
        }
        state.old[entry.document.key] = nil
        state.youngBytes += entry.bytes
        state.young[entry.document.key] = entry
    }
}
