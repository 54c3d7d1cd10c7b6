/// What makes a kind another view of one that is stored: the same objects, under the names of another API group.
public struct KindAlias: Sendable, Hashable {
    /// The `resource` of the kind that is stored.
    public var resource: String
    /// The stored names of the members that are called otherwise here, by their name here.
    public var members: [String: String]

    public init(resource: String, members: [String: String]) {
        self.resource = resource
        self.members = members
    }
}

extension Kinds {
    /// Kinds that are served beside `all` and hold no objects of their own.
    public static let aliases: [ResourceKind] = [groupedEvent]

    /// Events as newer clients write and read them.
    public static let groupedEvent = ResourceKind(
        group: "events.k8s.io", version: "v1", kind: "Event", plural: "events", singular: "event", shortNames: ["ev"],
        namespaced: true,
        description: "Something that happened to an object: the Events of the core group under other names. Stored; it says "
            + "nothing of policy.",
        fields: KubernetesSchema.groupedEvent,
        alias: KindAlias(
            resource: event.resource,
            members: [
                "regarding": "involvedObject", "note": "message", "reportingController": "reportingComponent",
                "deprecatedSource": "source", "deprecatedFirstTimestamp": "firstTimestamp",
                "deprecatedLastTimestamp": "lastTimestamp", "deprecatedCount": "count",
            ]))
}

extension KubernetesSchema {
    fileprivate static let groupedEvent: [Field] = [
        Field("regarding", .object(reference), "What it happened to.", required: true),
        Field("reason", .text, "What happened, in one word."),
        Field("note", .text, "What happened, in a sentence."),
        Field("type", .text, "Normal or Warning."),
        Field("action", .text, "What was done."),
        Field("reportingController", .text, "The part of the system that tells of it."),
        Field("reportingInstance", .text, "Which of several such parts."),
        Field("related", .object(reference), "A further object that it concerns."),
        Field("eventTime", .timestamp, "When it happened."),
        eventSeries,
        Field("deprecatedSource", .object(eventSource), "Who tells of it, as older clients say it."),
        Field("deprecatedFirstTimestamp", .timestamp, "When it was first seen, as older clients say it."),
        Field("deprecatedLastTimestamp", .timestamp, "When it was last seen, as older clients say it."),
        Field("deprecatedCount", .integer(minimum: 0, maximum: .max), "How often it was seen, as older clients say it."),
    ]
}
