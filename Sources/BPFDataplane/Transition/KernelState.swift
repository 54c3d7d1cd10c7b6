import PolicyEngine
import PolicyModel

/// What the kernel's maps hold and what it means: the planner's picture of them, kept by the steps it plans.
struct KernelState: Sendable {
    struct LegState: Hashable, Sendable {
        var number: UInt32
        var ingress: KernelNumber
        var egress: KernelNumber

        subscript(_ direction: Direction) -> KernelNumber {
            get { direction == .ingress ? ingress : egress }
            set {
                switch direction {
                case .ingress: ingress = newValue
                case .egress: egress = newValue
                }
            }
        }
    }

    var limits: Limits
    var exact = IdentitySpace<IPAddress>()
    var prefixes = IdentitySpace<AddressBlock>()
    var prefixLengths = PrefixLengths()
    /// Rows by stack; `.base` is among the combinations.
    var pairs: [KernelNumber: StackRows] = [:]
    var pairCount = 0
    var legs: [LegKey: LegState] = [:]
    var stackMeanings: [KernelNumber: StackID] = [:]
    var kernelStacks: [StackID: KernelNumber] = [:]
    var arena: RowArena
    var generation: UInt32 = 0
    var epoch: UInt64 = 1
    var nextNumber: KernelNumber = 1
    /// No number is at or above this, also no bound: 31 bits, so that the negative of each names what is adopted.
    static let numberLimit = KernelNumber(Int32.max)
    var legNumbers: NumberPool
    /// Legs that packets may still be on; their numbers come back after a grace period.
    var leavingLegs: [UInt32] = []
    /// Rows that were written over and that packets may still be at.
    var leavingRows: [UInt32] = []
    /// Times that the generation moved since a grace period ended.
    var ungracedGenerations = 0
    /// Nothing that a packet in flight may still use differs from what the tables say.
    var isGraced = true
    /// Stacks of which any row may no longer be needed.
    var untidyStacks: Set<KernelNumber> = []
    /// Combinations whose row may no longer be needed, by stack. Those of numbers that nobody holds are found without.
    var untidyPairs: [KernelNumber: Set<Combination>] = [:]
    /// Combinations whose row may no longer be needed, in any stack.
    var untidy: Set<Combination> = []
    /// What is in force, without its legs. Its own copy: the compiler goes on with another.
    var tables = VerdictTables()
    /// The lengths of `tables.prefixes`.
    var tableLengths = PrefixLengths()
    /// nil until it is first made of all addresses.
    var reach: Reach?

    init(limits: Limits) {
        self.limits = limits
        arena = RowArena(capacity: limits.arenaWords)
        legNumbers = NumberPool(first: 1, end: UInt32(limits.legs))
    }

    /// What a combination means.
    func identity(of combination: Combination) -> Identity {
        Identity(exact: exact.meaning(of: combination.exact), prefix: prefixes.meaning(of: combination.prefix))
    }

    func prefixNumber(of address: IPAddress, shorterThan limit: Int = .max) -> KernelNumber {
        prefixLengths.longestMatch(covering: address, shorterThan: limit) { prefixes.words[$0] } ?? 0
    }

    /// Entries in use, and room, by map.
    var fill: [(name: String, used: Int, capacity: Int)] {
        [
            ("exact", exact.words.count, limits.exact), ("prefixes", prefixes.words.count, limits.prefixes),
            ("pairs", pairCount, limits.pairs), ("legs", legs.count, legNumbers.capacity),
            ("arena", arena.used, arena.capacity),
        ]
    }

    /// Whether something waits for a grace period.
    var isSettled: Bool {
        isGraced && exact.unsettled.isEmpty && prefixes.unsettled.isEmpty && leavingLegs.isEmpty
            && untidyStacks.isEmpty && untidyPairs.isEmpty && untidy.isEmpty && pairs.count == liveStacks.count
    }

    var liveStacks: Set<KernelNumber> {
        var live: Set<KernelNumber> = []
        for leg in legs.values {
            live.insert(leg.ingress)
            live.insert(leg.egress)
        }
        live.remove(0)
        return live
    }
}

/// The capacities of the maps, as created.
public struct Limits: Sendable, Hashable {
    public var slots = 8192
    public var legs = 32768
    public var exact = 1_048_576
    public var prefixes = 262_144
    public var pairs = 1_048_576
    public var arenaWords = 4_194_304

    public init() {}
}

/// Small numbers that are given and taken back.
struct NumberPool: Sendable {
    private(set) var next: UInt32
    let end: UInt32
    private var returned: [UInt32] = []
    private let first: UInt32

    init(first: UInt32, end: UInt32) {
        self.first = first
        next = first
        self.end = end
    }

    /// How many numbers there are in all.
    var capacity: Int { Int(end - first) }

    mutating func take() -> UInt32? {
        if let number = returned.popLast() { return number }
        guard next < end else { return nil }
        next += 1
        return next - 1
    }

    mutating func give(_ number: UInt32) { returned.append(number) }

    /// Leaves out what a process before us gave.
    mutating func adopt(_ taken: Set<UInt32>) {
        guard let highest = taken.max() else { return }
        let first = next
        next = max(next, highest + 1)
        returned += (first..<next).filter { !taken.contains($0) }
    }
}
