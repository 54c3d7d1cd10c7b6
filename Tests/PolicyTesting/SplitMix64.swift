/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): the same seed gives the same
/// numbers on every run and machine, so that a seed is enough to keep a counter-example.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// True in `percent` of a hundred cases.
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &self) }

    /// One of the choices; a choice that stands there twice comes twice as often. `choices` must not be empty.
    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[number(0...(choices.count - 1))] }

    /// Up to `count` of the choices, without repetition of a position.
    mutating func sample<Element>(_ choices: [Element], _ count: Int) -> [Element] {
        Array(choices.shuffled(using: &self).prefix(count))
    }
}
