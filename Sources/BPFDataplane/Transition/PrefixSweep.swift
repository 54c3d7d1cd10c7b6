/// Every address under some prefix goes from one prefix number to another, all at once and with whatever exact number it has.
/// The number they go to is fresh: no pair names it before the plan that has the sweep.
struct PrefixSweep: Hashable, Sendable {
    var before: KernelNumber
    var after: KernelNumber
    /// The exact numbers that addresses there may have; 0 is one of them.
    var exact: Set<KernelNumber>
}
