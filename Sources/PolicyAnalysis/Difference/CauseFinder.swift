import PolicyEngine
import PolicyModel

/// Finds what is responsible for a difference by taking changed policies back in the new world, one by one and then together.
struct CauseFinder {
    private let comparison: WorldComparison
    /// Policies that differ, with what the old world has of each.
    private let changed: [(reference: PolicyReference, old: Policy?)]
    private let newCompiler: VerdictCompiler
    private let oldOracle: PolicyOracle
    private let newOracle: PolicyOracle
    private let newWorld: PolicyWorld
    private let oldWorld: PolicyWorld
    /// The new world with some of `changed` taken back.
    private var trials: [[Int]: Trial] = [:]

    init(old: AnalysisWorld, new: AnalysisWorld, comparison: WorldComparison) {
        self.comparison = comparison
        oldWorld = old.world
        newWorld = new.world
        let references = Set(old.world.policies.keys).union(new.world.policies.keys)
        changed = references.filter { old.world.policies[$0] != new.world.policies[$0] }
            .sorted { ($0.kind, $0.namespace, $0.name) < ($1.kind, $1.namespace, $1.name) }
            .map { ($0, old.world.policies[$0]) }
        newCompiler = comparison.newCompiler
        oldOracle = PolicyOracle(world: old.world)
        newOracle = PolicyOracle(world: new.world)
    }

    mutating func cause(of pair: WorldComparison.Pair) -> ConnectivityDifference.Cause {
        guard let (source, destination) = comparison.newEnds(pair), !changed.isEmpty else { return .otherObjects }
        let wanted = comparison.sets(pair).old
        let candidates = changed.indices.filter { concerns(changed[$0].reference, source, destination) }
        if candidates.count <= AnalysisLimits.policiesTakenBack {
            let alone = candidates.filter { allows([$0], source, destination) == wanted }
            if !alone.isEmpty { return .each(alone.map { changed[$0].reference }) }
        }
        guard !candidates.isEmpty, allows(candidates, source, destination) == wanted else { return .otherObjects }
        return .together(fewest(candidates, source, destination, wanted).map { changed[$0].reference })
    }

    /// Leaves out what need not be taken back.
    private mutating func fewest(
        _ candidates: [Int], _ source: Peer, _ destination: Peer, _ wanted: [IPVersion: ConnectionSet]
    ) -> [Int] {
        guard candidates.count <= AnalysisLimits.policiesTakenBack else { return candidates }
        var kept = candidates
        for candidate in candidates {
            let fewer = kept.filter { $0 != candidate }
            if allows(fewer, source, destination) == wanted { kept = fewer }
        }
        return kept
    }

    /// Whether a policy, as either world has it, speaks of the traffic of one of the ends.
    private func concerns(_ reference: PolicyReference, _ source: Peer, _ destination: Peer) -> Bool {
        [(oldOracle, oldWorld), (newOracle, newWorld)].contains { oracle, world in
            guard let policy = world.policies[reference] else { return false }
            let selects = { (peer: Peer, direction: Direction) in
                policy.directions.contains(direction) && (peer.endpoint.map { oracle.selects(policy, $0) } ?? false)
            }
            return selects(source, .egress) || selects(destination, .ingress)
        }
    }

    private mutating func allows(
        _ takenBack: [Int], _ source: Peer, _ destination: Peer
    ) -> [IPVersion: ConnectionSet] {
        let trial: Trial
        if let known = trials[takenBack] {
            trial = known
        } else {
            var compiler = newCompiler
            compiler.apply(takenBack.map { .policy(changed[$0].reference, changed[$0].old) })
            trial = Trial(compiler.tables)
            trials[takenBack] = trial
        }
        return trial.allows(source, destination)
    }
}

/// What tables allow between two ends, one question at a time.
private struct Trial {
    private let tables: VerdictTables
    private let rows: RowConnections
    private let identities: IdentityLookup

    init(_ tables: VerdictTables) {
        self.tables = tables
        rows = RowConnections(tables: tables)
        identities = IdentityLookup(tables)
    }

    func allows(_ source: Peer, _ destination: Peer) -> [IPVersion: ConnectionSet] {
        var result: [IPVersion: ConnectionSet] = [:]
        for version in IPVersion.allCases {
            guard let from = source.addresses[version], let to = destination.addresses[version] else { continue }
            var set = ConnectionSet.all
            for (peer, direction, own, other) in [(source, Direction.egress, from, to), (destination, .ingress, to, from)] {
                guard let endpoint = peer.endpoint else { continue }
                guard let leg = tables.legs[Leg(endpoint: endpoint, address: own)], let stack = tables.stacks[leg[direction]]
                else { return [:] }
                set = set.intersection(
                    rows.connections(stack.rows(identities.identity(of: other))))
            }
            result[version] = set
        }
        return result
    }
}
