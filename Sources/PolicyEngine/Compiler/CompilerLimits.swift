/// The limits of `VerdictCompiler`.
public enum CompilerLimits {
    /// Content that the last result does not use is remembered, so that a change that is taken back finds its numbers again,
    /// until there is this many times as much content as the result uses.
    public static let rememberedFactor = 4
    /// Below this many remembered things of a kind nothing is forgotten.
    public static let rememberedMinimum = 1_024
}
