import PolicyModel

/// Names one stored object.
public struct StoreKey: Sendable, Hashable {
    /// `plural.group`, as in `networkpolicies.projectcalico.org`; the core group has none: `namespaces`.
    public var resource: String
    /// Empty for cluster-wide kinds.
    public var namespace: String
    public var name: String

    public init(resource: String, namespace: String, name: String) {
        self.resource = resource
        self.namespace = namespace
        self.name = name
    }
}

extension StoreKey: CustomStringConvertible {
    public var description: String { namespace.isEmpty ? "\(resource)/\(name)" : "\(resource)/\(name) in namespace \(namespace)" }
}

public struct StoredObject: Sendable, Hashable {
    public var key: StoreKey
    /// The store's revision of the write that made this version. `metadata.resourceVersion` in `value` says the same.
    public var revision: Int64
    public var value: JSONValue

    public init(key: StoreKey, revision: Int64, value: JSONValue) {
        self.key = key
        self.revision = revision
        self.value = value
    }
}

public struct StoreEvent: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable {
        case added = "ADDED"
        case modified = "MODIFIED"
        /// `object.value` is the last version, with the revision of the deletion.
        case deleted = "DELETED"
    }

    public var kind: Kind
    public var object: StoredObject
    /// The version that this event ended: nil for what was added, and where it is no longer kept.
    public var previous: StoredObject?
    /// When the write was committed; nil where the store does not know any more: for events of processes before, and for
    /// those that a watch reads from the store's log.
    public var committed: ContinuousClock.Instant?
    /// The JSON text of `object.value`, where the store has it at hand: whoever passes the object on unchanged need not make
    /// it anew.
    public var json: [UInt8]?

    public init(
        kind: Kind, object: StoredObject, previous: StoredObject? = nil, committed: ContinuousClock.Instant? = nil,
        json: [UInt8]? = nil
    ) {
        self.kind = kind
        self.object = object
        self.previous = previous
        self.committed = committed
        self.json = json
    }
}

public enum StoreError: Error, Sendable, Hashable {
    case notFound(StoreKey)
    case alreadyExists(StoreKey)
    /// The object has another revision than the writer expected.
    case conflict(StoreKey, current: Int64)
    /// A watch asked for events, or a reader for a revision, that are no longer kept.
    case compacted(oldest: Int64)
    /// A reader asked for a revision that is yet to come.
    case tooNew(current: Int64)
    case failed(String)
}

extension StoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notFound(let key): "there is no \(key)"
        case .alreadyExists(let key): "\(key) exists already"
        case .conflict(let key, let current): "\(key) was changed meanwhile: it is at revision \(current) now"
        case .compacted(let oldest): "the events before revision \(oldest) are no longer kept: list again"
        case .tooNew(let current): "the store is at revision \(current), that one is yet to come"
        case .failed(let sentence): sentence
        }
    }
}

/// Objects with one total order of revisions.
public protocol Store: Sendable {
    func get(_ key: StoreKey) async throws -> StoredObject?
    /// As `get`, not decoded.
    func document(_ key: StoreKey) async throws -> StoredDocument?
    /// As `document`, where no file has to be read for it; nil where one has to, or there is none. Never an old version.
    func knownDocument(_ key: StoreKey) -> StoredDocument?
    /// nil means every resource, or every namespace. Sorted by resource, namespace, name. `revision` is the store's.
    func list(resource: String?, namespace: String?) async throws -> (objects: [StoredObject], revision: Int64)
    /// Throws `compacted` or `tooNew` for a revision that cannot be read.
    func page(_ query: StoreQuery) async throws -> StorePage
    /// As `page`, not decoded.
    func documents(_ query: StoreQuery) async throws -> StoreDocumentPage
    /// The revision of the last write.
    func revision() async throws -> Int64
    /// Objects with an owner reference to that uid.
    func dependents(ofOwner uid: String) async throws -> [StoredObject]
    /// A revision R of at least `revision` such that no event in between, R included, concerns the resource and namespace.
    func quietRevision(resource: String?, namespace: String?, after revision: Int64) async throws -> Int64
    func create(_ key: StoreKey, value: JSONValue) async throws -> StoredObject
    /// `expected` nil overwrites whatever is there.
    func update(_ key: StoreKey, value: JSONValue, expected: Int64?) async throws -> StoredObject
    func delete(_ key: StoreKey, expected: Int64?) async throws -> StoredObject
    /// Every event after `revision`, once and in order, in batches; ends with an error when the reader falls too far behind.
    func watch(resource: String?, namespace: String?, after revision: Int64) -> AsyncThrowingStream<[StoreEvent], any Error>
    /// Tells `body` of every event after `revision`, in order and as early as can be, until the task is cancelled; throws when it
    /// cannot go on. What it tells may be lost when this host loses its power, and its revision then be given to something
    /// else: for what is lost at the same time. `body` must not block.
    func follow(after revision: Int64, _ body: @escaping @Sendable ([StoreEvent]) -> Void) async throws
}
