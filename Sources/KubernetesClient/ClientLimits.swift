import PolicyModel

/// The bounds of what a client takes from a server.
public enum ClientLimits {
    public static let all: [Limit] = [
        Limit(
            "client", "one answer of a server", KubernetesClient.maximumAnswerBytes, unit: "bytes",
            reason: "the command fails"),
        Limit(
            "client", "one line of a watch", LineSequence.maximumLineBytes, unit: "bytes", reason: "the command fails"),
        Limit(
            "client", "values in one file of a command, aliases as often as they are used", YAMLLimits.values,
            reason: "the command fails"),
    ]
}
