/// The limits of the API server, one place for all. Each is checked at the border.
public enum Limits {
    /// The largest request body, in bytes: as in the Kubernetes API server, twice what etcd takes for one object.
    public static let bodyBytes = 3 * 1024 * 1024
    /// The bodies of all requests that are being read or answered, in bytes; further ones are asked to come again.
    public static let bodiesBytes = 64 * 1024 * 1024
    /// Values in a body of YAML, aliases counted as often as they are used: a small text can stand for a huge document
    /// ("billion laughs"), and no real object comes near this.
    public static let yamlValues = 500_000
    /// How long the request line and the headers may take to arrive, from their first byte, in seconds.
    public static let headSeconds: Double = 30
    /// How long the body of a request may take to arrive, in seconds.
    public static let bodySeconds: Double = 60
    /// The largest single header field and the sum of all, in bytes: room for a long token, no more.
    public static let headerFieldBytes = 16 * 1024
    public static let headerBytes = 64 * 1024
    public static let headerCount = 100
    /// Chunks that wait for a slow reader of a stream before it is cut off.
    public static let streamBufferChunks = 1024
    /// A watch goes on when less than this, in bytes, waits for its reader: what a slow reader misses stays in the store.
    public static let streamBufferBytes = 64 * 1024
    /// How long a reader that fell behind has to take what is buffered, in seconds.
    public static let slowReaderSeconds: Double = 10
    /// A watch without `timeoutSeconds` ends after this; clients begin anew.
    public static let watchSeconds: Double = 3600
    /// Between bookmarks of a watch that asked for them.
    public static let bookmarkSeconds: Double = 60
    /// How often an open watch asks whether its user may still read, in seconds.
    public static let accessCheckSeconds: Double = 5
    /// Objects looked at a time for a page of a list that selects by labels or fields.
    public static let selectedPage = 500
    /// How long Events are kept, in seconds: as in Kubernetes.
    public static let eventSeconds: Int64 = 3600
    /// How often what is past its time is removed, in seconds.
    public static let housekeepingSeconds: Double = 60
    /// The longest that a client may wait for enforcement in one request, in seconds.
    public static let enforcementWaitSeconds: Double = 300
    /// The most flow records one request returns before it follows.
    public static let flowRecords = 100_000
    /// Open connections from idle clients are closed after this, in seconds.
    public static let idleConnectionSeconds: Int64 = 600
    /// How often a write is tried when the server's own writes were faster.
    public static let writeAttempts = 8
    /// Warnings of one answer: each is a header, and clients take few.
    public static let warnings = 16
}
