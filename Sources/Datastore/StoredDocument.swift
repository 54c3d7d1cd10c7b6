import PolicyModel

/// A stored object as its text, not decoded: what only passes through needs no more.
public struct StoredDocument: Sendable, Hashable {
    public var key: StoreKey
    public var revision: Int64
    /// JSON in UTF-8, members sorted by name, `metadata.resourceVersion` included: what `JSONValue.serialized()` gives.
    public var json: [UInt8]

    public init(key: StoreKey, revision: Int64, json: [UInt8]) {
        self.key = key
        self.revision = revision
        self.json = json
    }

    public init(_ object: StoredObject) {
        self.init(key: object.key, revision: object.revision, json: object.value.serialized())
    }

    /// - Throws: `StoreError.failed` when the text is no JSON: the store is damaged.
    public func decoded() throws -> StoredObject {
        StoredObject(key: key, revision: revision, value: try StoredText.decode(json, of: key))
    }
}

/// A part of a list, all of one revision, not decoded.
public struct StoreDocumentPage: Sendable, Hashable {
    /// Sorted by resource, namespace, name.
    public var documents: [StoredDocument]
    /// The revision that the documents are of.
    public var revision: Int64
    /// How many more there are behind the last one.
    public var remaining: Int

    public init(documents: [StoredDocument], revision: Int64, remaining: Int) {
        self.documents = documents
        self.revision = revision
        self.remaining = remaining
    }
}
