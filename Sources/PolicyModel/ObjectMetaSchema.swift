extension Kinds {
    /// The members of `metadata`, for every kind (Kubernetes' ObjectMeta).
    public static let objectMeta: [Field] = [
        Field("annotations", .map(.string(allowed: [])), "Free text that tools attach to the object, under qualified names."),
        Field("creationTimestamp", .timestamp, "When the server created the object. Set by the server."),
        Field(
            "deletionGracePeriodSeconds", .integer(minimum: 0, maximum: .max),
            "Seconds until an object that is being deleted goes away. Set by the server."),
        Field(
            "deletionTimestamp", .timestamp,
            "When deletion was asked for, while finalizers hold the object back. Set by the server."),
        Field(
            "finalizers", .array(.string(allowed: [])),
            "Names of those who must finish before the object goes away; each removes its own.", listType: .set),
        Field(
            "generateName", .string(allowed: []),
            "The beginning of a name that the server completes; used when `name` is absent."),
        Field(
            "generation", .integer(minimum: 0, maximum: .max),
            "Counts the changes of the desired state. Set by the server."),
        Field(
            "labels", .map(.string(allowed: [])),
            "Keys and values by which selectors find the object and what it stands for."),
        Field("managedFields", .any, "Who manages which field. Set by the server."),
        Field("name", .string(allowed: []), "The name, unique for the kind within the namespace. Cannot be changed."),
        Field(
            "namespace", .string(allowed: []),
            "The namespace that holds the object; absent for kinds that belong to the whole cluster."),
        Field(
            "ownerReferences", .array(.object(ownerReference)),
            "Objects whose deletion deletes this one, when the last of them goes.", listType: .map(keys: ["uid"])),
        Field("resourceVersion", .string(allowed: []), "The version of the object in the store. Set by the server."),
        Field("selfLink", .string(allowed: []), "No longer used; kept for old clients."),
        Field("uid", .string(allowed: []), "Unique over time, also among objects of one name. Set by the server."),
    ]

    private static let ownerReference: [Field] = [
        Field("apiVersion", .string(allowed: []), "The API group and version of the owner.", required: true),
        Field("blockOwnerDeletion", .boolean, "Whether the owner waits for this object when it is deleted in the foreground."),
        Field("controller", .boolean, "Whether the owner is the controller that made this object."),
        Field("kind", .string(allowed: []), "The kind of the owner.", required: true),
        Field("name", .string(allowed: []), "The name of the owner.", required: true),
        Field("uid", .string(allowed: []), "The uid of the owner.", required: true),
    ]
}
