/// Members of `metadata` that only the server sets: what a client sends in them is not taken over.
enum ServerOwnedMetadata {
    static let names: Set<String> = [
        "uid", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink",
        "managedFields", "resourceVersion",
    ]
}
