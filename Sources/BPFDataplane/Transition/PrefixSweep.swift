/// Every address under some prefix goes from one prefix number to another, all at once and with whatever exact number it has.
struct PrefixSweep: Hashable, Sendable {
    var before: KernelNumber
    var after: KernelNumber
    /// The exact numbers that addresses there may have; 0 is one of them.
    var exact: Set<KernelNumber>
    /// Nobody had the number they go to before the plan that has the sweep.
    var isFresh: Bool
}

/// A number that some addresses go from, and the one they go to.
struct Turn: Hashable, Sendable {
    var before: KernelNumber
    var after: KernelNumber
}
