/// Which objects to read, and as they were when.
public struct StoreQuery: Sendable, Hashable {
    /// nil means every resource.
    public var resource: String?
    /// nil means every namespace.
    public var namespace: String?
    /// Only objects behind this place in the order of resource, namespace and name.
    public var after: StoreKey?
    /// At most so many; nil: all.
    public var limit: Int?
    /// As they were at this revision; nil: as they are now.
    public var revision: Int64?

    public init(
        resource: String?, namespace: String?, after: StoreKey? = nil, limit: Int? = nil, revision: Int64? = nil
    ) {
        self.resource = resource
        self.namespace = namespace
        self.after = after
        self.limit = limit
        self.revision = revision
    }
}

/// A part of a list, all of one revision.
public struct StorePage: Sendable, Hashable {
    /// Sorted by resource, namespace, name.
    public var objects: [StoredObject]
    /// The revision that the objects are of.
    public var revision: Int64
    /// How many more there are behind the last one.
    public var remaining: Int

    public init(objects: [StoredObject], revision: Int64, remaining: Int) {
        self.objects = objects
        self.revision = revision
        self.remaining = remaining
    }
}
