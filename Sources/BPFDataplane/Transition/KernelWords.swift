import PolicyModel

/// The number of an identity or of a stack in the kernel. Given once, never again while the pinned maps live. 0 is the
/// identity "in no set", and the stack "no table".
typealias KernelNumber = UInt32

/// The key of `pairs` within one stack: of a row for an exact number where the prefix number is 0, for a prefix number where
/// the exact one is 0, or for both together.
struct Combination: Hashable, Sendable {
    var exact: KernelNumber
    var prefix: KernelNumber

    /// The key of a stack's base row (`BULKHEAD_BASE`).
    static let base = Combination(exact: .max, prefix: .max)
    /// What an unknown address has. No row is asked for it.
    static let nothing = Combination(exact: 0, prefix: 0)

    var isCombined: Bool { exact != 0 && prefix != 0 && self != .base }
    var exactAlone: Combination { Combination(exact: exact, prefix: 0) }
    var prefixAlone: Combination { Combination(exact: 0, prefix: prefix) }
}

/// The key of `legs`: an address of its own that a slot may use.
struct LegKey: Hashable, Sendable {
    var slot: UInt32
    var address: IPAddress
}

/// An element of `stacks`.
struct StackWord: Hashable, Sendable {
    var stack: KernelNumber
    /// Identities at or above it are not synchronised for this leg: the packet drops and is counted.
    var bound: KernelNumber

    static let noTable = StackWord(stack: 0, bound: 0)
}

/// One write that a packet sees wholly or not at all.
enum TransitionStep: Hashable, Sendable {
    /// Numbers below `next` are taken for ever.
    case reserve(next: KernelNumber)
    /// The words of a row, at an index of the arena that no pair names yet.
    case row(index: UInt32, words: [UInt64])
    case pair(stack: KernelNumber, Combination, row: UInt32)
    case removePair(stack: KernelNumber, Combination)
    case exact(IPAddress, KernelNumber)
    case removeExact(IPAddress)
    case prefix(AddressBlock, KernelNumber)
    case removePrefix(AddressBlock)
    case leg(LegKey, number: UInt32)
    case removeLeg(LegKey)
    /// Eight bytes of an array: cannot fail.
    case word(leg: UInt32, Direction, generation: UInt32, StackWord)
    case generation(UInt32)
    case epoch(UInt64)
    /// Every packet that began before has ended after it.
    case grace
}
