import PolicyEngine
import PolicyModel

/// Changes of one policy that are likely to take much of a reach away: rules by the number of hops that they let through, and a
/// denial by default for namespaces by the number of workloads reached in them that no policy protects.
struct CutCandidates {
    private var counts: [Reach.Cut.Change: Int] = [:]

    init(_ world: AnalysisWorld, compiler: VerdictCompiler, search: ReachSearch, found: ReachSearch.Found) {
        let tables = compiler.tables
        let identities = IdentityLookup(tables)
        let rows = RowConnections(tables: tables)
        // How many peers lie behind each hop, itself included.
        var behind: [Int: Int] = [:]
        for visit in found.visits.reversed() where !search.peers[visit.peer].isExternal {
            behind[visit.peer, default: 0] += 1
            behind[visit.before, default: 0] += behind[visit.peer] ?? 0
        }
        for visit in found.visits {
            let weight = behind[visit.peer] ?? 0
            guard weight > 0 else { continue }
            let (source, destination) = (search.peers[visit.before], search.peers[visit.peer])
            for version in IPVersion.allCases {
                guard let from = source.addresses[version], let to = destination.addresses[version] else { continue }
                for (peer, direction, own, other) in [(source, Direction.egress, from, to), (destination, .ingress, to, from)] {
                    guard let endpoint = peer.endpoint, let leg = tables.legs[Leg(endpoint: endpoint, address: own)],
                        let stack = tables.stacks[leg[direction]]
                    else { continue }
                    let reasons = rows.reasonsToAllow(stack.rows(identities.identity(of: other)))
                    for reason in reasons { add(reason, direction, of: endpoint, weight) }
                }
            }
        }
    }

    private mutating func add(_ reason: Reason, _ direction: Direction, of endpoint: EndpointKey, _ weight: Int) {
        switch reason {
        case .rule(_, let policy, let index): counts[.removeRule(policy, direction, index: index), default: 0] += weight
        case .profile where direction == .ingress: counts[.denyByDefault(namespace: endpoint.namespace), default: 0] += weight
        case .profile, .endOfTier, .noProfile: break
        }
    }

    func best(of count: Int) -> [Reach.Cut.Change] {
        Array(counts.sorted { ($1.value, $0.key.description) < ($0.value, $1.key.description) }.prefix(count).map(\.key))
    }
}
