import PolicyEngine
import PolicyModel

@testable import BPFDataplane

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Verdict tables that change at random, with numbers as a compiler gives them: an identity, a stack or a row keeps its
/// number as long as its content.
struct RandomWorld {
    static let decisionCount: Int32 = 8
    static let plainRows = 12
    var random: SplitMix
    /// How often a change breaks the compiler's promise about numbers, in a hundred; the planner must not care.
    var brokenPromises = 0
    private(set) var legs: [LegKey: VerdictTables.LegStacks] = [:]
    private(set) var tables = VerdictTables()
    /// A stack's content is a function of its number and this.
    private var stackSeeds: [StackID: UInt64] = [:]
    /// Where a stack differs from what its seed says.
    private var alterations: [StackID: [Identity: UInt64]] = [:]
    private var nextStack: Int32 = 1
    private var rowSeed: UInt64 = 1

    static let addresses: [IPAddress] =
        (0..<10).map { IPAddress(v4: 0x0a00_0000 + UInt32($0) * 37) }
        + (0..<4).map { IPAddress(v6High: 0xfd00_0000_0000_0000, low: UInt64($0) * 3) }
    static let blocks: [AddressBlock] = [
        (0x0a00_0000, 8), (0x0a00_0000, 24), (0x0a00_0000, 26), (0x0a00_0080, 25), (0x0a00_0040, 27), (0, 0),
    ].compactMap { AddressBlock(address: IPAddress(v4: $0.0), prefixLength: $0.1) }
    static let outside = [IPAddress(v4: 0x0a00_0091), IPAddress(v4: 0xc0a8_0001), IPAddress(v6High: 1, low: 1)]

    init(seed: UInt64) {
        random = SplitMix(state: seed)
        for number in 1...Self.decisionCount {
            let reason = Reason.profile(name: "p\(number)", index: Int(number))
            tables.decisions[DecisionID(rawValue: number)] = Decision(
                number % 2 == 0 ? .allow : .deny, reason, rejects: number % 4 == 1)
        }
        for _ in 0..<3 { newStack() }
        for _ in 0..<6 { changeSomething() }
        finish()
    }

    static let decisionNumbers: [DecisionID: UInt32] = Dictionary(
        uniqueKeysWithValues: (1...decisionCount).map { (DecisionID(rawValue: $0), UInt32($0) + 300) })

    @discardableResult private mutating func newStack() -> StackID {
        let id = StackID(rawValue: nextStack)
        nextStack += 1
        stackSeeds[id] = random.next()
        return id
    }

    private mutating func anyStack() -> StackID { stackSeeds.keys.sorted().randomElement(using: &random) ?? newStack() }

    mutating func change() {
        for _ in 0..<[1, 1, 1, 2, 3, 8].randomElement(using: &random)! { changeSomething() }
        finish()
    }

    private mutating func changeSomething() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30:  // a peer gets other labels, comes or goes
            let address = Self.addresses.randomElement(using: &random)!
            tables.exact[address] = anyIdentity()
        case 30..<42:
            let block = Self.blocks.randomElement(using: &random)!
            tables.prefixes[block] = anyIdentity()
        case 42..<60:  // a leg comes or changes its stacks
            legs[anyLeg()] = VerdictTables.LegStacks(ingress: anyStack(), egress: anyStack())
        case 60..<66: legs[anyLeg()] = nil
        case 66..<80:  // a policy changes: all legs of one stack go to a new one
            guard let from = stackSeeds.keys.sorted().randomElement(using: &random) else { return }
            let to = newStack()
            // Mostly in a few rows only.
            if Int.random(in: 0..<3, using: &random) > 0 {
                stackSeeds[to] = stackSeeds[from]
                alterations[to] = alterations[from]
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let identity = Identity(
                        exact: IdentityID(rawValue: .random(in: 0...5, using: &random)),
                        prefix: IdentityID(rawValue: Int.random(in: 0..<2, using: &random) == 0 ? 0 : .random(in: 1...5, using: &random)))
                    alterations[to, default: [:]][identity] = random.next()
                }
            }
            for (key, stacks) in legs {
                legs[key] = VerdictTables.LegStacks(
                    ingress: stacks.ingress == from ? to : stacks.ingress,
                    egress: stacks.egress == from ? to : stacks.egress)
            }
            stackSeeds[from] = nil
        case 80..<90:  // two peers change places
            let one = Self.addresses.randomElement(using: &random)!
            let other = Self.addresses.randomElement(using: &random)!
            (tables.exact[one], tables.exact[other]) = (tables.exact[other], tables.exact[one])
        default:
            guard Int.random(in: 0..<100, using: &random) < brokenPromises else { return }
            if Bool.random(using: &random) {
                stackSeeds[anyStack()] = random.next()
            } else {
                rowSeed = random.next()
            }
        }
    }

    mutating func clear() {
        legs = [:]
        tables = VerdictTables()
    }

    private mutating func anyLeg() -> LegKey {
        LegKey(slot: .random(in: 1...3, using: &random), address: Self.addresses.randomElement(using: &random)!)
    }

    private mutating func anyIdentity() -> IdentityID? {
        Int.random(in: 0..<4, using: &random) == 0 ? nil : IdentityID(rawValue: .random(in: 1...5, using: &random))
    }

    private mutating func finish() {
        tables.rows = [:]
        for number in 0..<Int32(Self.plainRows) {
            var row = SplitMix(state: rowSeed &+ UInt64(number))
            var ranges: [Row.Range] = []
            for start in [UInt32(0), 10, 20] where start == 0 || Bool.random(using: &row) {
                let kind = Int.random(in: 0..<10, using: &row)
                let outcome: RowOutcome =
                    if number < 3 || kind < 6 {
                        .decide(DecisionID(rawValue: .random(in: 1...Self.decisionCount, using: &row)))
                    } else if kind < 8 {
                        .sourcePorts(RowID(rawValue: .random(in: 0..<2, using: &row)))
                    } else if number >= 8 {
                        .inherit
                    } else {
                        .decide(DecisionID(rawValue: 1))
                    }
                ranges.append(Row.Range(start: start, outcome: outcome))
            }
            tables.rows[RowID(rawValue: number)] = Row(ranges: ranges)
        }
        // Rows for each exact part, for each prefix, and for what meets.
        var identities = livePoints().filter { $0.exact != .none && $0.prefix != .none }
        for exact in tables.exact.values { identities.insert(Identity(exact: exact, prefix: .none)) }
        for prefix in tables.prefixes.values { identities.insert(Identity(exact: .none, prefix: prefix)) }
        let used = Set(legs.values.flatMap { [$0.ingress, $0.egress] })
        stackSeeds = stackSeeds.filter { used.contains($0.key) || $0.key.rawValue >= nextStack - 2 }
        alterations = alterations.filter { stackSeeds[$0.key] != nil }
        tables.stacks = [:]
        for (id, seed) in stackSeeds {
            // Bases 2...7 may name the source port rows 0 and 1; pairs may inherit.
            var stack = Stack(base: RowID(rawValue: Int32(2 + seed % 6)))
            for identity in identities {
                let mixed = (seed ^ (alterations[id]?[identity] ?? 0))
                    &+ UInt64(identity.exact.rawValue) &* 7919 &+ UInt64(identity.prefix.rawValue) &* 104_729
                var function = SplitMix(state: mixed)
                if Int.random(in: 0..<3, using: &function) > 0 {
                    stack[identity] = RowID(rawValue: .random(in: 2..<Int32(Self.plainRows), using: &function))
                }
            }
            tables.stacks[id] = stack
        }
    }

    /// Every identity that some address has.
    func livePoints() -> Set<Identity> {
        let lengths = PrefixLengths(of: tables.prefixes.keys)
        var points: Set<Identity> = [Identity(exact: .none, prefix: .none)]
        for address in Self.addresses + Self.outside {
            let prefix = lengths.longestMatch(in: tables.prefixes, covering: address) ?? .none
            points.insert(Identity(exact: tables.exact[address] ?? .none, prefix: prefix))
        }
        for prefix in tables.prefixes.values { points.insert(Identity(exact: .none, prefix: prefix)) }
        return points
    }

    /// The verdict by definition, without anything of the planner's.
    func verdict(_ probe: Probe) -> ModelVerdict {
        guard let stack = legs[probe.leg].flatMap({ tables.stacks[$0[probe.direction]] }) else { return .noTable }
        let longest = tables.prefixes.filter { $0.key.contains(probe.peer) }
            .max { $0.key.prefixLength < $1.key.prefixLength }
        let identity = Identity(exact: tables.exact[probe.peer] ?? .none, prefix: longest?.value ?? .none)
        let both = stack.combined[identity.prefix]?[identity.exact]
        let rows = both.map { [$0] } ?? [stack.exact[identity.exact], stack.prefixes[identity.prefix]].compactMap(\.self)
        var outcome = RowOutcome.inherit
        for row in rows + [stack.base] where outcome == .inherit {
            outcome = tables.rows[row]?.outcome(at: probe.key) ?? .inherit
        }
        if case .sourcePorts(let row) = outcome { outcome = tables.rows[row]?.outcome(at: probe.sourcePort) ?? .inherit }
        guard case .decide(let id) = outcome, let number = Self.decisionNumbers[id], let decision = tables.decisions[id]
        else { return .broken("tables") }
        return .decided(KernelOutcome(decision, number: number).word)
    }

    static let peers = addresses + outside
}
