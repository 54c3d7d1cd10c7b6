import PolicyModel

extension Limits {
    /// All of them, for people.
    public static let all: [Limit] = [
        Limit(
            "API server", "body of a request", bodyBytes, unit: "bytes",
            reason: "as the Kubernetes API server; beyond it 413"),
        Limit(
            "API server", "bodies of all requests at a time", bodiesBytes, unit: "bytes", reason: "beyond them 429, and clients try again"),
        Limit("API server", "values in a body of YAML, aliases counted", yamlValues, reason: "beyond them 400"),
        Limit(
            "API server", "time that a body takes to arrive", Int64(bodySeconds), unit: "seconds", reason: "after it 408"),
        Limit(
            "API server", "time that the headers of a request take to arrive", Int64(headSeconds), unit: "seconds",
            reason: "after it 408"),
        Limit("API server", "one header field", headerFieldBytes, unit: "bytes", reason: "beyond it the connection is closed"),
        Limit("API server", "all header fields", headerBytes, unit: "bytes", reason: "beyond it the connection is closed"),
        Limit("API server", "number of header fields", headerCount, reason: "beyond it the connection is closed"),
        Limit(
            "API server", "chunks that wait for a slow reader of a stream", streamBufferChunks,
            reason: "beyond it the reader is cut off"),
        Limit(
            "API server", "time of a reader that fell behind", Int64(slowReaderSeconds), unit: "seconds",
            reason: "after it the reader is cut off"),
        Limit(
            "API server", "length of a watch", Int64(watchSeconds), unit: "seconds", reason: "clients begin anew"),
        Limit(
            "API server", "time between bookmarks", Int64(bookmarkSeconds), unit: "seconds",
            reason: "for watches that ask for them"),
        Limit(
            "API server", "wait for enforcement in a request", Int64(enforcementWaitSeconds), unit: "seconds",
            reason: "longer ones are refused with 400"),
        Limit("API server", "flow records in one answer", flowRecords, reason: "more are refused with 400; follow instead"),
        Limit(
            "API server", "idle connection", idleConnectionSeconds, unit: "seconds", reason: "closed after it"),
        Limit("API server", "warnings of one answer", warnings, reason: "further ones are counted in the last; bulkhead lint tells all"),
        Limit(
            "API server", "attempts at a write when the server writes a status meanwhile", writeAttempts, reason: "then 409"),
        Limit(
            "API server", "bytes that wait for the reader of a watch", streamBufferBytes, unit: "bytes",
            reason: "further events stay in the store until they are taken"),
        Limit(
            "API server", "time until a watch notices that its user may no longer read", Int64(accessCheckSeconds), unit: "seconds",
            reason: "then the watch is ended"),
        Limit(
            "API server", "objects looked at in one step of a list with a selector", selectedPage,
            reason: "further steps follow until the page is full"),
        Limit("API server", "age of an Event", eventSeconds, unit: "seconds", reason: "as in Kubernetes; then it is removed"),
        Limit(
            "API server", "time between two removals of what is past its time", Int64(housekeepingSeconds), unit: "seconds",
            reason: "nothing waits for it"),
    ]
}
