import PolicyEngine
import PolicyModel

/// Verdict tables without their numbers: equal for tables that say the same in the same way.
struct CanonicalTables: Hashable {
    indirect enum Outcome: Hashable {
        case decide(Decision?)
        case sourcePorts([Range])
        case inherit
    }

    struct Range: Hashable {
        var start: UInt32
        var outcome: Outcome
    }

    /// An identity is the addresses and blocks that have it.
    struct CanonicalIdentity: Hashable {
        var addresses: Set<IPAddress>
        var blocks: Set<AddressBlock>
    }

    struct CanonicalStack: Hashable {
        var legs: Set<String>
        var base: [Range]
        var pairs: [CanonicalIdentity: [Range]]
    }

    var addresses: Set<IPAddress>
    var blocks: Set<AddressBlock>
    var stacks: Set<CanonicalStack>

    init(_ tables: VerdictTables) {
        addresses = Set(tables.exact.keys)
        blocks = Set(tables.prefixes.keys)
        var addressesOf: [IdentityID: Set<IPAddress>] = [:]
        for (address, identity) in tables.exact { addressesOf[identity, default: []].insert(address) }
        var blocksOf: [IdentityID: Set<AddressBlock>] = [:]
        for (block, identity) in tables.prefixes { blocksOf[identity, default: []].insert(block) }
        var legsOf: [StackID: Set<String>] = [:]
        for (leg, stacks) in tables.legs {
            legsOf[stacks.ingress, default: []].insert("\(leg.endpoint) \(leg.address) in")
            legsOf[stacks.egress, default: []].insert("\(leg.endpoint) \(leg.address) out")
        }
        stacks = Set(
            tables.stacks.map { id, stack in
                var pairs: [CanonicalIdentity: [Range]] = [:]
                for (identity, row) in stack.pairs {
                    let canonical = CanonicalIdentity(
                        addresses: addressesOf[identity.exact] ?? [], blocks: blocksOf[identity.prefix] ?? [])
                    pairs[canonical] = Self.ranges(row, tables)
                }
                return CanonicalStack(
                    legs: legsOf[id] ?? [], base: Self.ranges(stack.base, tables), pairs: pairs)
            })
    }

    private static func ranges(_ row: RowID, _ tables: VerdictTables) -> [Range] {
        (tables.rows[row]?.ranges ?? []).map { range in
            switch range.outcome {
            case .decide(let decision): Range(start: range.start, outcome: .decide(tables.decisions[decision]))
            case .sourcePorts(let inner): Range(start: range.start, outcome: .sourcePorts(ranges(inner, tables)))
            case .inherit: Range(start: range.start, outcome: .inherit)
            }
        }
    }
}
