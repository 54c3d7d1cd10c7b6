/// A bound that the program sets, as `bulkhead limits` prints it.
public struct Limit: Sendable, Hashable {
    /// What it is a bound of: `object`, `kernel map`; limits are printed by it.
    public var area: String
    /// What is bounded, in words.
    public var name: String
    public var value: Int64
    /// `bytes`, `milliseconds`; empty for what is counted.
    public var unit: String
    /// Why it is so, or what happens beyond it.
    public var reason: String

    public init(_ area: String, _ name: String, _ value: some BinaryInteger, unit: String = "", reason: String) {
        self.area = area
        self.name = name
        self.value = Int64(clamping: value)
        self.unit = unit
        self.reason = reason
    }
}
