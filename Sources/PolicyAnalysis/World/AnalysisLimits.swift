import PolicyModel

/// What an analysis goes into at most; what is left out is told.
public enum AnalysisLimits {
    /// Combinations of labels of pods that are not there yet.
    public static let labelClassesOfPods = 512
    /// Combinations of labels of namespaces that are not there yet.
    public static let labelClassesOfNamespaces = 16
    /// Pods that are not there yet, in all namespaces together.
    public static let labelClasses = 4096
    /// Changed policies that are taken back one by one to find those that are responsible for a difference.
    public static let policiesTakenBack = 64

    /// All of them, for people.
    public static let all: [Limit] = [
        limit("combinations of labels of pods that are not there yet", labelClassesOfPods, "combinations of two labels beyond it, and told"),
        limit("combinations of labels of namespaces that are not there yet", labelClassesOfNamespaces, "combinations of two labels beyond it, and told"),
        limit("pods that are not there yet, in all namespaces together", labelClasses, "further ones are left out, and told"),
        limit("changed policies that a difference takes back one by one", policiesTakenBack, "beyond it all that apply are named together"),
    ]

    private static func limit(_ name: String, _ value: Int, _ reason: String) -> Limit {
        Limit("analysis", name, value, unit: "", reason: reason)
    }
}
