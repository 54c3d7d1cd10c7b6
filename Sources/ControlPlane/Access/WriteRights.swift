/// What a user may not do with an object that he may write: the verb alone does not say it.
struct WriteRights: Sendable {
    /// Why he may make none, where server-side apply finds none to change; nil: he may.
    var creation: APIFailure?
    /// Why he may change nothing but labels and annotations; nil: he may.
    var content: APIFailure?
}
