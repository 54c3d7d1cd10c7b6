import PolicyModel

extension CompilerLimits {
    /// All of them, for people.
    public static let all: [Limit] = [
        Limit(
            "compiler", "content that is remembered, in multiples of what is in use", rememberedFactor,
            reason: "a change that is taken back finds its numbers again"),
        Limit(
            "compiler", "content of a kind that is always remembered", rememberedMinimum,
            reason: "below it nothing is forgotten"),
    ]
}
