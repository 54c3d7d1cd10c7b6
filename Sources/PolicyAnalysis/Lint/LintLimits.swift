import PolicyModel

/// What a rule may cost to be examined. Beyond these `lint` says that it does not know.
public enum LintLimits {
    /// Parts of the space of packets that are looked at for one rule.
    static let searchSteps = 4_000
    /// Choices between parts of selectors that are tried for one rule.
    static let solverSteps = 40_000
    /// Shadowing rules that are named after those which are not needed are left out.
    static let reducedBlockers = 24

    /// All of them, for people.
    public static let all: [Limit] = [
        Limit(
            "lint", "parts of the space of packets looked at for one rule", searchSteps,
            reason: "beyond it the rule is told as not examined to the end"),
        Limit(
            "lint", "choices between parts of selectors tried for one rule", solverSteps,
            reason: "beyond it the rule is told as not examined to the end"),
        Limit(
            "lint", "shadowing rules of which those that are not needed are left out", reducedBlockers,
            reason: "beyond it all that shadow some of the rule are named"),
    ]
}
